"""Tracks without audio features: which there are, their whole records, and what services have answered about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg2.extras import execute_values

from segue.events import AudioFeatures, CatalogueTrack
from segue.stores.postgres.catalogue import features_of
from segue.stores.postgres.database import Database
from segue.stores.postgres.songs import MAX_VERSIONS

_HERE = "name is not null and deleted_at is null"
_WITHOUT = f"{_HERE} and features is null"
_BARE_COLUMNS = "track_no, track_id, song_key, duration_ms"
_BARE = f"select {_BARE_COLUMNS} from tracks where {_WITHOUT}"
_BARE_VERSIONS = f"""
select {_BARE_COLUMNS} from (
    select {_BARE_COLUMNS}, row_number() over (partition by song_key order by popularity desc nulls last, track_no) as version
    from tracks where {_WITHOUT} and song_key = any(%s)
) as of_key where version <= %s order by track_no
"""
_RECORD = "track_id, name, artists, album, album_id, released, duration_ms, explicit, popularity, genres, source, fetched_at"
# Compared with itself a source has the right scale: its own values are left out.
_OF_OTHERS = f"{_HERE} and features is not null and coalesce(features_source, source) is distinct from %(source)s"

_REMEMBER = """
insert into feature_answers (provider, track_id, features) values %s
on conflict (provider, track_id) do update set features = excluded.features, answered_at = now()
"""


@dataclass(frozen=True)
class BareTrack:
    """A track of the catalogue that has no audio features."""

    track_no: int
    track_id: str
    song_key: str
    duration_ms: int | None


@dataclass(frozen=True)
class FeatureCounts:
    """Tracks of the catalogue, and how many of them have no audio features."""

    tracks: int
    without: int


class FeatureStore:
    """Every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self) -> FeatureCounts:
        """How many tracks there are, with features and without."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"select count(*), count(*) filter (where features is null) from tracks where {_HERE}")
            return FeatureCounts(*(cursor.fetchone() or (0, 0)))

    def bare_after(self, track_no: int, most: int) -> list[BareTrack]:
        """The next tracks without features, by number."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"{_BARE} and track_no > %s order by track_no limit %s", (track_no, most))
            return [BareTrack(*row) for row in cursor]

    def bare_with_ids(self, track_ids: Collection[str]) -> list[BareTrack]:
        """Which of these ids are tracks without features."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"{_BARE} and track_id = any(%s) order by track_no", (list(track_ids),))
            return [BareTrack(*row) for row in cursor]

    def bare_with_keys(self, song_keys: Collection[str]) -> list[BareTrack]:
        """The tracks without features that have one of these keys of artist and title: of each key the MAX_VERSIONS best known.

        Further ones come when these have features.
        """
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(_BARE_VERSIONS, (list(song_keys), MAX_VERSIONS))
            return [BareTrack(*row) for row in cursor]

    def records(self, track_ids: Collection[str]) -> dict[str, CatalogueTrack]:
        """Everything that is stored of those of these tracks that still have no features."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"select {_RECORD} from tracks where {_WITHOUT} and track_id = any(%s)", (list(track_ids),))
            names = _RECORD.split(", ")
            found = [dict(zip(names, row, strict=True)) for row in cursor]
        return {values["track_id"]: _record(values) for values in found}

    def features_of_others(self, track_ids: Collection[str], source: str) -> dict[str, AudioFeatures]:
        """Features of these tracks that come from elsewhere than `source`."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"select track_id, features from tracks where {_OF_OTHERS} and track_id = any(%(ids)s)",
                {"source": source, "ids": list(track_ids)},
            )
            return {track_id: features_of(values) for track_id, values in cursor}

    def sample_of_others(self, source: str, pattern: str, most: int) -> list[str]:
        """Ids of well-known tracks with features from elsewhere than `source`, each matching a regular expression as a whole."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"""select track_id from tracks where {_OF_OTHERS} and track_id ~ %(pattern)s
                    order by popularity desc nulls last, track_no limit %(most)s""",
                {"source": source, "pattern": f"^(?:{pattern})$", "most": most},
            )
            return [track_id for (track_id,) in cursor]

    def has_of_others(self, source: str, least: int) -> bool:
        """Whether at least so many tracks have features from elsewhere than `source`."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"select count(*) >= %(least)s from (select 1 from tracks where {_OF_OTHERS} limit %(least)s) as first_ones",
                {"source": source, "least": least},
            )
            return bool((cursor.fetchone() or (False,))[0])

    def answers(self, provider: str, track_ids: Collection[str]) -> dict[str, AudioFeatures | None]:
        """What the provider has answered of these tracks; None: that it does not know one."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                "select track_id, features from feature_answers where provider = %s and track_id = any(%s)",
                (provider, list(track_ids)),
            )
            return {track_id: features_of(values) if values else None for track_id, values in cursor}

    def remember(self, provider: str, answers: Mapping[str, AudioFeatures | None]) -> None:
        """Keep what the provider has answered."""
        rows = [(provider, track_id, _values(features)) for track_id, features in sorted(answers.items())]
        with self._database.transaction() as cursor:
            execute_values(cursor, _REMEMBER, rows)

    def forget_answers(self, provider: str, unknown_before: datetime, known_before: datetime) -> None:
        """Drop answers that are older: of tracks that the provider did not know, and of others."""
        with self._database.transaction() as cursor:
            cursor.execute(
                """delete from feature_answers where provider = %s
                   and answered_at < case when features is null then %s else %s end""",
                (provider, unknown_before, known_before),
            )


def _record(values: Mapping[str, object]) -> CatalogueTrack:
    known = {name: value for name, value in values.items() if value is not None}
    return msgspec.convert(known, CatalogueTrack)


def _values(features: AudioFeatures | None) -> Sequence[float] | None:
    return None if features is None else [round(value, 6) for value in msgspec.structs.astuple(features)]
