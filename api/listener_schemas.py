"""The shapes of answers about one listener."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from api.schemas import NoteShown, StateShown
from segue.events import ListeningType, Time
from segue.stores.postgres.deletions import Found, Remains
from segue.stores.postgres.exports import (
    ExportedBlock,
    ExportedEvent,
    ExportedImport,
    ExportedKey,
    ExportedPlaylist,
    ExportedTrack,
    ExportedUser,
)


class TopTrack(msgspec.Struct, frozen=True):
    """A track of a listener's live row. `preference`: signed, decayed to now. Name and artists: None for an unnamed track."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    preference: float
    plays: int
    skips: int
    saves: int
    stance: Literal["liked", "disliked"] | None
    last_at: Time


class UserShown(msgspec.Struct, frozen=True):
    """A listener: the profile (Postgres), and totals and top tracks (the live row)."""

    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    created_at: Time | None
    state: StateShown
    degraded: tuple[str, ...]
    top_tracks: tuple[TopTrack, ...]


class ProfileShown(msgspec.Struct, frozen=True):
    """A profile as it was put. `applied`: false while it is stored in Kafka, and readers do not see it yet. `returned_at`: when
    somebody who had been deleted came back.
    """

    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    applied: bool
    created_at: Time | None
    returned_at: Time | None
    notes: tuple[NoteShown, ...]


class PastEventShown(msgspec.Struct, frozen=True):
    """One stored event; `name` and `artists` are None and empty where the catalogue does not know the track."""

    event_id: str
    type: ListeningType
    track_id: str
    name: str | None
    artists: tuple[str, ...]
    occurred_at: Time
    ms_played: int | None
    session_id: str | None
    rec_id: str | None
    position: int | None
    source: str | None


class HistoryAnswer(msgspec.Struct, frozen=True):
    """A page of a history, newest first. `includes_event`: whether the event named by `min_event_id` is stored."""

    user_id: str
    items: tuple[PastEventShown, ...]
    next_cursor: str | None
    includes_event: bool | msgspec.UnsetType = msgspec.UNSET


class Shared(msgspec.Struct, frozen=True):
    """A name and its share (0..1) of what a listener likes."""

    name: str
    share: float


class Era(msgspec.Struct, frozen=True):
    """A decade by its first year and its share (0..1)."""

    decade: int
    share: float


class AudioMean(msgspec.Struct, frozen=True):
    """Mean and standard deviation of an audio feature, weighted by preference."""

    mean: float
    deviation: float


class TasteShown(msgspec.Struct, frozen=True):
    """Totals of the live row, and shares of its positive preference. `audio` is empty where no sound is known."""

    tracks: int
    plays: int
    skips: int
    liked: int
    disliked: int
    genres: tuple[Shared, ...]
    artists: tuple[Shared, ...]
    moods: tuple[Shared, ...]
    eras: tuple[Era, ...]
    audio: Mapping[str, AudioMean]


class TasteAnswer(msgspec.Struct, frozen=True):
    """A listener's taste of this moment; None without an event."""

    user_id: str
    state: StateShown
    degraded: tuple[str, ...]
    taste: TasteShown | None


class BlockedTrack(msgspec.Struct, frozen=True):
    """A track that is never recommended, in no version; `until`: None for good. Name and artists where the catalogue has it."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    until: Time | None


class BlockedArtist(msgspec.Struct, frozen=True):
    """An artist of whom nothing is recommended, as a guest neither; `until`: None for good."""

    artist: str
    until: Time | None


class BlocksAnswer(msgspec.Struct, frozen=True):
    """What a listener shut out, as of this moment."""

    user_id: str
    state: StateShown
    degraded: tuple[str, ...]
    tracks: tuple[BlockedTrack, ...]
    artists: tuple[BlockedArtist, ...]


class FeedbackAnswer(msgspec.Struct, frozen=True):
    """Feedback that is stored for good. `until`: when a block ends by itself."""

    user_id: str
    event_id: str
    action: str
    until: Time | None


class PlaylistBrief(msgspec.Struct, frozen=True):
    """A playlist without its tracks."""

    playlist_id: str
    name: str
    tracks: int
    source: str | None
    changed_at: Time


class PlaylistsAnswer(msgspec.Struct, frozen=True):
    """A page of a listener's playlists, oldest first."""

    user_id: str
    items: tuple[PlaylistBrief, ...]
    next_cursor: str | None


class DeletionShown(msgspec.Struct, frozen=True):
    """The receipt of a user's deletion. `found`: what there was when it was asked for; `done_at`: when all of that was gone.
    `remains`: what stays all the same, why, and until when at the latest.
    """

    receipt_id: str
    user_id: str
    status: Literal["pending", "done"]
    requested_at: Time
    done_at: Time | None
    found: Found
    remains: tuple[Remains, ...]


class ExportShown(msgspec.Struct, frozen=True):
    """Everything that is stored about a user. `events` are in the order in which they happened."""

    format: Literal["segue-export-1"]
    exported_at: Time
    user: ExportedUser
    events: tuple[ExportedEvent, ...]
    tracks: tuple[ExportedTrack, ...]
    blocks: tuple[ExportedBlock, ...]
    playlists: tuple[ExportedPlaylist, ...]
    keys: tuple[ExportedKey, ...]
    imports: tuple[ExportedImport, ...]


ANSWERS = (
    UserShown, ProfileShown, HistoryAnswer, TasteAnswer, PlaylistsAnswer, BlocksAnswer, FeedbackAnswer, DeletionShown,
    ExportShown,
)  # fmt: skip
