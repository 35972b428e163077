"""The shapes of answers, and of what questions are made of.

Written by segue/client/writer.py from docs/openapi.json (`make docs`); do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec


class ListenerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`degraded` names what was needed and did not answer; empty when all is well. `seed`: of the exploration, if any."""

    rec_id: str
    user_id: str
    model_version: str | None
    state: StateShown
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] | None = None
    seed: int | None = None


class StateShown(msgspec.Struct, frozen=True, kw_only=True):
    """The listener's state behind an answer. `age_ms`: since it was last written (Redis) or read (Postgres).

    `includes_event`: whether it holds the event named by `min_event_id`; absent if none was."""

    events: int
    last_event_at: datetime | None
    age_ms: int | None
    source: str
    includes_event: bool | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One recommended track. `sources`: which models brought it up. `propensity`: with which probability this track got this slot
    (1 without exploration). `suits`: in a group, the members who like it."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    score: float
    reason: ReasonShown
    sources: tuple[str, ...]
    propensity: float | None = None
    suits: tuple[str, ...] | None = None


class ReasonShown(msgspec.Struct, frozen=True, kw_only=True):
    """Why a track is here: a stable code, words for people, and the listener's own track or the chosen artist behind it."""

    code: str
    text: str
    seed_track_id: str | None
    seed_artist: str | None = None


class NoteShown(msgspec.Struct, frozen=True, kw_only=True):
    """What to know about an answer: why there are no or few tracks, which caps gave way. `fields`: of the request."""

    code: str
    text: str
    fields: tuple[str, ...]


class SongAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Songs like `track_id`."""

    rec_id: str
    track_id: str
    model_version: str | None
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] | None = None
    seed: int | None = None


class NextAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on with a session or a playlist."""

    rec_id: str
    model_version: str | None
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] | None = None
    seed: int | None = None


class GroupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What suits several listeners together."""

    rec_id: str
    model_version: str | None
    members: tuple[MemberShown, ...]
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] | None = None
    seed: int | None = None


class MemberShown(msgspec.Struct, frozen=True, kw_only=True):
    """One listener of a group and the state behind the answer."""

    user_id: str
    state: StateShown


class TrackShown(msgspec.Struct, frozen=True, kw_only=True):
    """A track of the catalogue; `popularity` 0..100, `duration_ms` in milliseconds."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    album: str | None
    year: int | None
    duration_ms: int | None
    explicit: bool | None
    popularity: int | None
    genres: tuple[str, ...]
    mood: str | None
    features: AudioFeatures | None


class AudioFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """Spotify-style features; loudness in dB, tempo in beats per minute, key as pitch class (-1 unknown), the rest in 0..1."""

    danceability: float
    energy: float
    key: int
    loudness: float
    mode: int
    speechiness: float
    acousticness: float
    instrumentalness: float
    liveness: float
    valence: float
    tempo: float


class TracksFound(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of a search. `forgiven`: typing errors were looked for. `next_cursor`: None on the last page."""

    query: str
    items: tuple[TrackShown, ...]
    forgiven: bool
    next_cursor: str | None


class TracksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Several tracks, and the ids that name none."""

    items: tuple[TrackShown, ...]
    missing: tuple[str, ...]


class AudioShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a track sounds. `ranks`: for each feature the share (0..1) of the catalogue with less of it; empty without a model.
    `genre_ranks`: the same for the middle of the track's first genre, `genre`."""

    track_id: str
    mood: str | None
    features: AudioFeatures | None
    key: str | None
    ranks: Mapping[str, float]
    degraded: tuple[str, ...]
    genre: str | None = None
    genre_ranks: Mapping[str, float] | None = None


class EventsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of POST /events."""

    accepted: int
    rejected: int
    events: tuple[EventOutcome, ...]


class EventOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event of the request; `index` is its position."""

    index: int
    status: str
    event_id: str | None = None
    code: str | None = None
    message: str | None = None


class CountsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Names with their numbers of tracks, most tracks first; `tracks`: of the whole catalogue."""

    tracks: int
    items: tuple[Counted, ...]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A name and its number of tracks."""

    name: str
    tracks: int


class TrendingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A chart as of `counted_at`; the header Age has the seconds since."""

    window: str
    order: str
    counted_at: datetime
    degraded: tuple[str, ...]
    items: tuple[TrendingTrack, ...]
    notes: tuple[NoteShown, ...] | None = None


class TrendingTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track of a chart. `place`: from 1, before filters. `listeners`: who heard it within the window. `score`: what the chart
    is ordered by. `growth`: how many times as many listeners as usual; None while there is nothing to compare with."""

    place: int
    track_id: str
    name: str
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    mood: str | None
    listeners: int
    score: float
    growth: float | None


class ModelShown(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the registry. `verdict`: promoted (champion now or before), kept (never promoted), retired (taken back)."""

    version: str
    created_at: datetime
    verdict: str
    champion: bool
    serving: bool
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]


class ModelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The registry, newest first; `serving`: the version that this process answers with."""

    champion: str | None
    serving: str | None
    items: tuple[ModelShown, ...]


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A listener's token; send it as `Authorization: Bearer …`."""

    token: str
    user_id: str
    expires_at: datetime


class IndexAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What there is; `links` by name."""

    name: str
    version: str
    links: Mapping[str, str]


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The process is alive."""

    status: str


class ReadinessAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether recommendations can be answered; `degraded` names the dependencies that are not as they should be."""

    status: str
    degraded: tuple[str, ...]
    dependencies: Mapping[str, DependencyShown]


class DependencyShown(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer needs and how it is. `version` and `created_at`: of the model; `tracks`: of the catalogue."""

    status: str
    reason: str | None
    version: str | None = None
    created_at: datetime | None = None
    tracks: int | None = None


class Blocks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is never wanted: every version of these tracks, everything with these artists, as guests too."""

    tracks: Sequence[str] | None = None
    artists: Sequence[str] | None = None


class Bounds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From `min` to `max`, both included; one may be left out."""

    min: float | None = None
    max: float | None = None


class Explore(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Slots given to chance."""

    epsilon: float | None = None
    seed: int | None = None


class Variety(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How mixed an answer is; what is left out stays as usual."""

    strength: float | None = None
    per_artist: int | None = None
    per_album: int | None = None


class WantedTracks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which tracks may be answered; everything that is given must hold."""

    genres: Sequence[str] | None = None
    exclude_genres: Sequence[str] | None = None
    moods: Sequence[Literal["happy", "energetic", "calm", "sad"]] | None = None
    year_min: int | None = None
    year_max: int | None = None
    explicit: bool | None = None
    popularity_min: int | None = None
    popularity_max: int | None = None
    features: Mapping[str, Bounds] | None = None


class SessionTrack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One track of a session and what became of it."""

    track_id: str
    outcome: Literal["play", "skip"] | None = None


class UserShown(msgspec.Struct, frozen=True, kw_only=True):
    """A listener: the profile (Postgres), and totals and top tracks (the live row)."""

    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    created_at: datetime | None
    state: StateShown
    degraded: tuple[str, ...]
    top_tracks: tuple[TopTrack, ...]


class TopTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track of a listener's live row. `preference`: signed, decayed to now. Name and artists: None for an unnamed track."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    preference: float
    plays: int
    skips: int
    saves: int
    stance: str | None
    last_at: datetime


class ProfileShown(msgspec.Struct, frozen=True, kw_only=True):
    """A profile as it was put. `applied`: false while it is stored in Kafka, and readers do not see it yet. `returned_at`: when
    somebody who had been deleted came back."""

    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    applied: bool
    created_at: datetime | None
    returned_at: datetime | None
    notes: tuple[NoteShown, ...]


class HistoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a history, newest first. `includes_event`: whether the event named by `min_event_id` is stored."""

    user_id: str
    items: tuple[PastEventShown, ...]
    next_cursor: str | None
    includes_event: bool | None = None


class PastEventShown(msgspec.Struct, frozen=True, kw_only=True):
    """One stored event; `name` and `artists` are None and empty where the catalogue does not know the track."""

    event_id: str
    type: str
    track_id: str
    name: str | None
    artists: tuple[str, ...]
    occurred_at: datetime
    ms_played: int | None
    session_id: str | None
    rec_id: str | None
    position: int | None
    source: str | None


class TasteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A listener's taste of this moment; None without an event."""

    user_id: str
    state: StateShown
    degraded: tuple[str, ...]
    taste: TasteShown | None


class TasteShown(msgspec.Struct, frozen=True, kw_only=True):
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


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A name and its share (0..1) of what a listener likes."""

    name: str
    share: float


class Era(msgspec.Struct, frozen=True, kw_only=True):
    """A decade by its first year and its share (0..1)."""

    decade: int
    share: float


class AudioMean(msgspec.Struct, frozen=True, kw_only=True):
    """Mean and standard deviation of an audio feature, weighted by preference."""

    mean: float
    deviation: float


class PlaylistsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a listener's playlists, oldest first."""

    user_id: str
    items: tuple[PlaylistBrief, ...]
    next_cursor: str | None


class PlaylistBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist without its tracks."""

    playlist_id: str
    name: str
    tracks: int
    source: str | None
    changed_at: datetime


class BlocksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a listener shut out, as of this moment."""

    user_id: str
    state: StateShown
    degraded: tuple[str, ...]
    tracks: tuple[BlockedTrack, ...]
    artists: tuple[BlockedArtist, ...]


class BlockedTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track that is never recommended, in no version; `until`: None for good. Name and artists where the catalogue has it."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    until: datetime | None


class BlockedArtist(msgspec.Struct, frozen=True, kw_only=True):
    """An artist of whom nothing is recommended, as a guest neither; `until`: None for good."""

    artist: str
    until: datetime | None


class FeedbackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback that is stored for good. `until`: when a block ends by itself."""

    user_id: str
    event_id: str
    action: str
    until: datetime | None


class DeletionShown(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of a user's deletion. `found`: what there was when it was asked for; `done_at`: when all of that was gone.
    `remains`: what stays all the same, why, and until when at the latest."""

    receipt_id: str
    user_id: str
    status: str
    requested_at: datetime
    done_at: datetime | None
    found: Found
    remains: tuple[Remains, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What Postgres held of a user when the deletion was asked for. `tracks`: with which they have an interaction; `keys`: to
    the API, of their own."""

    profile: bool
    events: int
    tracks: int
    blocks: int
    playlists: int
    keys: int


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """What stays after the deletion is done, why, and until when at the latest; None: for as long as `why` says."""

    what: str
    why: str
    until: datetime | None = None


class ExportShown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is stored about a user. `events` are in the order in which they happened."""

    format: str
    exported_at: datetime
    user: ExportedUser
    events: tuple[ExportedEvent, ...]
    tracks: tuple[ExportedTrack, ...]
    blocks: tuple[ExportedBlock, ...]
    playlists: tuple[ExportedPlaylist, ...]
    keys: tuple[ExportedKey, ...]
    imports: tuple[ExportedImport, ...]


class ExportedUser(msgspec.Struct, frozen=True, kw_only=True):
    """The profile and totals. `returned_at`: when somebody who had been deleted came back."""

    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    events: int
    last_event_at: datetime | None
    created_at: datetime
    returned_at: datetime | None


class ExportedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event: plays, skips, feedback, impressions."""

    event_id: UUID
    type: str
    track_id: str
    name: str | None
    artists: tuple[str, ...]
    occurred_at: datetime
    ms_played: int | None
    session_id: str | None
    rec_id: UUID | None
    position: int | None
    source: str | None


class ExportedTrack(msgspec.Struct, frozen=True, kw_only=True):
    """What all events with one track add up to. `weight`: forward-decayed, see segue.taste. `stance`: what was said last."""

    track_id: str
    plays: int
    skips: int
    saves: int
    weight: float
    stance: str | None
    last_at: datetime


class ExportedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A track or an artist that was shut out. `active`: false once it was taken back. `until`: None for good."""

    track_id: str | None
    artist: str | None
    active: bool
    until: datetime | None


class ExportedPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist that the user owns. `public`: whether other listeners may see it."""

    playlist_id: str
    name: str
    public: bool
    source: str | None
    changed_at: datetime
    track_ids: tuple[str, ...]


class ExportedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the user's own, by the part of it that may be shown."""

    prefix: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class ExportedImport(msgspec.Struct, frozen=True, kw_only=True):
    """An import of the user's history. `read`: items that were read so far; `finished_at`: None unless it came to its end."""

    source: str
    label: str
    status: str
    read: int
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One API process and what stands behind it. `lag`: records of each topic that the processors have not acknowledged; null
    while Kafka does not answer. `queued`: records that this process holds until Kafka acknowledges them."""

    version: str
    started_at: datetime
    queued: int
    lag: Mapping[str, int] | None
    status: str
    degraded: tuple[str, ...]
    dependencies: Mapping[str, DependencyShown]


class LettersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters, newest first."""

    items: tuple[LetterShown, ...]


class LetterShown(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be processed; `cut_from`: its bytes, where the letter keeps only its beginning."""

    id: str
    topic: str
    error: str
    message: str
    first_seen: datetime
    cut_from: int | None


class KeysAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Keys, newest first."""

    items: tuple[KeyShown, ...]


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key; `listener`: whose own data it opens, null for a program's."""

    prefix: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    state: str
    listener: str | None = None


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new key; `key` is shown this once."""

    key: str
    prefix: str
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


class PlaylistShown(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist. `version`, in quotes, is what If-Match takes. `applied`: false while the change is stored in Kafka, and
    readers do not see it yet."""

    playlist_id: str
    name: str
    owner_id: str | None
    public: bool
    version: int
    applied: bool
    changed_at: str | None
    tracks: tuple[PlaylistTrack, ...]
    notes: tuple[NoteShown, ...]


class PlaylistTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track of a playlist; without a name the catalogue does not have it (yet). `duration_ms` in milliseconds."""

    track_id: str
    name: str | None
    artists: tuple[str, ...]
    duration_ms: int | None


class GeneratedPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist in the order to hear it. `duration_ms`: of all tracks of known length. `state`: None for nobody's list.

    `saved`: None where that was not asked for, or where there is no track to save."""

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


class GeneratedTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One track of a generated playlist. `sources`: which models brought it up. `duration_ms` in milliseconds."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    duration_ms: int | None
    score: float
    reason: ReasonShown
    sources: tuple[str, ...]


class SavedPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    """The playlist that was made of it. `version`, in quotes, is what If-Match takes. `applied`: false while readers do
    not see it yet."""

    playlist_id: str
    owner_id: str | None
    public: bool
    version: int
    applied: bool


class Seeds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a playlist is to be like."""

    tracks: Sequence[str] | None = None
    artists: Sequence[str] | None = None
    genres: Sequence[str] | None = None
    moods: Sequence[Literal["happy", "energetic", "calm", "sad"]] | None = None
