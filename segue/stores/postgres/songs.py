"""Tracks of the catalogue by what listens say of them: ids, or normalised artist|title."""

from __future__ import annotations

from collections.abc import Sequence

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.stores.postgres.database import Database

MAX_VERSIONS = 20
"""Tracks that are read for one key; further ones are versions of the same song."""

_COLUMNS = "track_no, track_id, name, artists, album, popularity"


class SongStore:
    """Finds tracks, many songs at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """The named tracks that have one of these ids or song keys, with what tells versions of a song apart.

        Raises PostgresUnavailable.
        """
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(_FIND, {"ids": list(track_ids), "keys": list(keys), "versions": MAX_VERSIONS})
            return [_track(*row) for row in cursor]


_FIND = f"""
select {_COLUMNS} from tracks where track_id = any(%(ids)s) and name is not null and deleted_at is null
union
select {_COLUMNS} from (
    select {_COLUMNS}, row_number() over (partition by song_key order by popularity desc nulls last, track_no) as version
    from tracks where song_key = any(%(keys)s) and name is not null and deleted_at is null
) as of_key where version <= %(versions)s
"""


def _track(number: int, track_id: str, name: str, artists: list[str], album: str | None, popularity: int | None) -> Track:
    return Track(TrackNo(number), track_id, name, tuple(artists), album, None, None, None, popularity, (), None)
