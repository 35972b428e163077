"""Tracks in Postgres: upsert from the log, and the columns that every process keeps in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from psycopg2.extensions import cursor as PgCursor

from segue.catalogue import Track, mood_of, release_year, song_key
from segue.events import AudioFeatures, CatalogueTrack
from segue.ids import TrackNo
from segue.sources import SPOTIFY_API
from segue.stores.postgres.database import Database

_COLUMNS = "track_no, track_id, name, artists, album, year, duration_ms, explicit, popularity, genres, features"
_ROW = tuple[int, str, str, list[str], str | None, int | None, int | None, bool | None, int | None, list[str], list[float] | None]

_WRITTEN = (
    "track_id, name, artists, album, album_id, released, year, duration_ms, explicit, popularity, genres, mood, song_key, "
    "features, features_source, source, fetched_at"
)
# One JSON document instead of a value list: encoding it takes a tenth of the time that psycopg2 takes to quote the values.
_UPSERT = f"""
insert into tracks as t ({_WRITTEN}, changed_at, deleted_at)
select {_WRITTEN}, clock_timestamp(), null
from json_to_recordset(%s) as r(
    track_id text, name text, artists text[], album text, album_id text, released text, year smallint, duration_ms integer,
    explicit boolean, popularity smallint, genres text[], mood text, song_key text, features real[],
    features_source text, source text, fetched_at timestamptz)
on conflict (track_id) do update set
    name = excluded.name, artists = excluded.artists, album = excluded.album, album_id = excluded.album_id,
    released = excluded.released, year = excluded.year, duration_ms = excluded.duration_ms, explicit = excluded.explicit,
    popularity = excluded.popularity, genres = excluded.genres, mood = excluded.mood, song_key = excluded.song_key,
    features = excluded.features, features_source = excluded.features_source, source = excluded.source,
    fetched_at = excluded.fetched_at, changed_at = excluded.changed_at, deleted_at = null
"""
_EMPTIED = """
name = null, artists = '{}', album = null, album_id = null, released = null, year = null, duration_ms = null, explicit = null,
popularity = null, genres = '{}', mood = null, song_key = null, features = null, features_source = null,
source = null, fetched_at = null
"""


@dataclass(frozen=True)
class TrackChange:
    """A track as of now, or that it is gone (`track` is None)."""

    track_no: TrackNo
    track: Track | None
    changed_at: datetime


class CatalogueStore:
    """Reading tracks; writing is by `upsert_tracks` and `delete_tracks` inside the writer's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_tracks(self, without: str | None = None) -> list[Track]:
        """Every named, undeleted track, in order of track_no, but for those that the source `without` has described."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"""select {_COLUMNS} from tracks where name is not null and deleted_at is null
                    and (%(without)s::text is null or source is distinct from %(without)s) order by track_no""",
                {"without": without},
            )
            return [_track(row) for row in cursor]

    def changes_since(self, changed_at: datetime | None) -> list[TrackChange]:
        """Tracks written at or after a time (all, if None), oldest first; stubs without a name are left out.

        Transactions become visible after their clock times, so a reader asks again from a few seconds before the newest
        time it has seen; applying a change twice is harmless.
        """
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"""select {_COLUMNS}, changed_at, deleted_at from tracks
                    where (name is not null or deleted_at is not null) and (%(at)s::timestamptz is null or changed_at >= %(at)s)
                    order by changed_at""",
                {"at": changed_at},
            )
            return [TrackChange(TrackNo(r[0]), None if r[12] else _track(r[:11]), r[11]) for r in cursor]

    def by_id(self, track_id: str) -> Track | None:
        """The track of an external id, or None."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"select {_COLUMNS} from tracks where track_id = %s and name is not null and deleted_at is null", (track_id,)
            )
            row = cursor.fetchone()
            return _track(row) if row else None


def upsert_tracks(cursor: PgCursor, records: Sequence[CatalogueTrack]) -> None:
    """Write tracks in the caller's transaction; a later record of the same id wins over an earlier one."""
    newest = sorted({record.track_id: record for record in records}.values(), key=lambda r: r.track_id)
    # Sorted, so that two workers that write the same tracks take their row locks in one order.
    cursor.execute(_UPSERT, (msgspec.json.encode([_columns(record) for record in newest]).decode(),))


def delete_tracks(cursor: PgCursor, track_ids: Sequence[str]) -> None:
    """Mark tracks as gone in the caller's transaction; their number and their plays stay.

    Of what Spotify's API described nothing else stays: its terms ask for that.
    """
    cursor.execute(
        "update tracks set deleted_at = now(), changed_at = clock_timestamp() where track_id = any(%s)", (list(track_ids),)
    )
    cursor.execute(f"update tracks set {_EMPTIED} where track_id = any(%s) and source = %s", (list(track_ids), SPOTIFY_API))


def resolve_tracks(cursor: PgCursor, track_ids: Sequence[str]) -> dict[str, TrackNo]:
    """The numbers of these ids; an id never seen gets one, and a row without a name until its record arrives."""
    wanted = sorted(set(track_ids))
    cursor.execute("select track_id, track_no from tracks where track_id = any(%s)", (wanted,))
    known = {track_id: TrackNo(number) for track_id, number in cursor}
    missing = [track_id for track_id in wanted if track_id not in known]
    if missing:
        cursor.execute("insert into tracks (track_id) select unnest(%s::text[]) on conflict do nothing", (missing,))
        cursor.execute("select track_id, track_no from tracks where track_id = any(%s)", (missing,))
        known |= {track_id: TrackNo(number) for track_id, number in cursor}
    return known


def _columns(record: CatalogueTrack) -> dict[str, object]:
    derived = {
        "year": release_year(record.released),
        "mood": mood_of(record.features),
        "song_key": song_key(record.name, record.artists),
        # Rounded, because Postgres refuses a real that is too small to hold, such as 1e-60.
        "features": [round(value, 6) for value in msgspec.structs.astuple(record.features)] if record.features else None,
        "fetched_at": record.fetched_at.astimezone(UTC) if record.fetched_at else None,
    }
    return msgspec.structs.asdict(record) | derived


def _track(row: _ROW) -> Track:
    number, track_id, name, artists, album, year, duration_ms, explicit, popularity, genres, features = row
    return Track(
        TrackNo(number), track_id, name, tuple(artists), album, year, duration_ms, explicit, popularity, tuple(genres),
        features_of(features) if features else None,
    )  # fmt: skip


def features_of(values: Sequence[float]) -> AudioFeatures:
    """The features of a stored row."""
    # Stored as one real[], in the order of the struct's fields; key and mode are whole numbers there.
    return msgspec.convert(dict(zip(AudioFeatures.__struct_fields__, values, strict=True)), AudioFeatures, strict=False)
