"""How generated playlists are shown."""

from __future__ import annotations

import msgspec

from api.answers import Answered
from api.live_catalogue import LiveCatalogue
from api.playlists.writer import Written
from api.schemas import Item, NoteShown, ReasonShown, StateShown


class GeneratedTrack(msgspec.Struct, frozen=True):
    """One track of a generated playlist. `sources`: which models brought it up. `duration_ms` in milliseconds."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    duration_ms: int | None
    score: float
    reason: ReasonShown
    sources: tuple[str, ...]


class SavedPlaylist(msgspec.Struct, frozen=True):
    """The playlist that was made of it. `version`, in quotes, is what If-Match takes. `applied`: false while readers do
    not see it yet.
    """

    playlist_id: str
    owner_id: str | None
    public: bool
    version: int
    applied: bool


class GeneratedPlaylist(msgspec.Struct, frozen=True):
    """A playlist in the order to hear it. `duration_ms`: of all tracks of known length. `state`: None for nobody's list.

    `saved`: None where that was not asked for, or where there is no track to save.
    """

    rec_id: str
    title: str | None
    user_id: str | None
    model_version: str | None
    state: StateShown | None
    degraded: tuple[str, ...]
    duration_ms: int
    items: tuple[GeneratedTrack, ...]
    notes: tuple[NoteShown, ...]
    saved: SavedPlaylist | None = None


ANSWERS = (GeneratedPlaylist,)


def tracks_of(answered: Answered, catalogue: LiveCatalogue) -> tuple[GeneratedTrack, ...]:
    """The tracks of an answer with their lengths."""
    return tuple(_track(item, catalogue) for item in answered.items)


def saved_as(playlist_id: str, written: Written) -> SavedPlaylist:
    """What became of it."""
    state = written.state
    assert state is not None  # noqa: S101 - it was just made
    return SavedPlaylist(playlist_id, state.owner_id, state.public or state.owner_id is None, written.version, written.applied)


def _track(item: Item, catalogue: LiveCatalogue) -> GeneratedTrack:
    track = catalogue.by_id(item.track_id)
    duration_ms = track.duration_ms if track else None
    return GeneratedTrack(item.track_id, item.name, item.artists, duration_ms, item.score, item.reason, item.sources)
