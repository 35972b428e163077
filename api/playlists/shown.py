"""How playlists are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec

from api.live_catalogue import LiveCatalogue
from api.playlists.writer import Written
from api.schemas import NoteShown
from segue.events import PlaylistRecord
from segue.playlist_formats import FileTrack
from segue.stores.postgres.playlists import Playlist

MOST_NAMED = 100
"""Positions that a note names; the rest is counted."""
_encoder = msgspec.json.Encoder()


class PlaylistTrack(msgspec.Struct, frozen=True):
    """A track of a playlist; without a name the catalogue does not have it (yet). `duration_ms` in milliseconds."""

    track_id: str
    name: str | None
    artists: tuple[str, ...]
    duration_ms: int | None


class PlaylistShown(msgspec.Struct, frozen=True):
    """A playlist. `version`, in quotes, is what If-Match takes. `applied`: false while the change is stored in Kafka, and
    readers do not see it yet.
    """

    playlist_id: str
    name: str
    owner_id: str | None
    public: bool
    version: int
    applied: bool
    changed_at: datetime | None
    tracks: tuple[PlaylistTrack, ...]
    notes: tuple[NoteShown, ...]


ANSWERS = (PlaylistShown,)


def stored(playlist: Playlist, catalogue: LiveCatalogue) -> PlaylistShown:
    """A playlist as it is in Postgres."""
    return _shown(playlist, playlist.version, True, playlist.changed_at, catalogue)


def tag_of(playlist: PlaylistShown) -> str:
    """Its entity tag: the version, and behind it what others change, the names that the catalogue has for its tracks."""
    names = blake2b(_encoder.encode(playlist.tracks), digest_size=6).hexdigest()
    return f'"{playlist.version}.{names}"'


def written(change: Written, catalogue: LiveCatalogue) -> PlaylistShown:
    """A playlist as a change made it."""
    assert change.state is not None  # noqa: S101 - a deletion shows nothing
    changed_at = change.stored.changed_at if change.stored else None
    return _shown(change.state, change.version, change.applied, changed_at, catalogue)


def file_tracks(playlist: Playlist, catalogue: LiveCatalogue) -> list[FileTrack]:
    """The tracks for a file."""
    found = ((track_id, catalogue.by_id(track_id)) for track_id in playlist.track_ids)
    return [FileTrack(one) if t is None else FileTrack(one, t.name, t.artists, t.album, t.duration_ms) for one, t in found]


def _shown(
    state: PlaylistRecord | Playlist, version: int, applied: bool, changed_at: datetime | None, catalogue: LiveCatalogue
) -> PlaylistShown:
    tracks = tuple(_track(track_id, catalogue) for track_id in state.track_ids)
    is_public = state.public or state.owner_id is None
    return PlaylistShown(
        state.playlist_id, state.name, state.owner_id, is_public, version, applied, changed_at, tracks, _unknown(tracks)
    )


def _track(track_id: str, catalogue: LiveCatalogue) -> PlaylistTrack:
    track = catalogue.by_id(track_id)
    if track is None:
        return PlaylistTrack(track_id, None, (), None)
    return PlaylistTrack(track_id, track.name, track.artists, track.duration_ms)


def _unknown(tracks: Sequence[PlaylistTrack]) -> tuple[NoteShown, ...]:
    where = tuple(f"tracks.{position}" for position, track in enumerate(tracks) if track.name is None)
    if not where:
        return ()
    return (NoteShown("unknown_tracks", f"Kept: {len(where)} tracks that the catalogue lacks", where[:MOST_NAMED]),)
