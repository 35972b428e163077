"""Event types and their codec: JSON on the wire, frozen structs inside.

A Kafka record of `listening-events` holds one event or an envelope of many for one partition:

    {"v": 1, "event_id": "…", "type": "play", "user_id": "…", "track_id": "…", "occurred_at": "2026-11-23T18:57:00Z"}
    {"v": 1, "events": [{…}, {…}]}

Unknown fields are ignored; an unknown type or version is refused. What the JSON parser cannot check (ids, times) is checked by
`check_listening_event`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args

import msgspec

from segue.errors import InvalidEvent
from segue.ids import MAX_ID_BYTES

VERSION = 1

ListeningType = Literal[
    "play", "skip", "like", "unlike", "dislike", "undislike", "playlist_add", "playlist_remove", "impression",
    "block", "unblock", "block_artist", "unblock_artist",
]  # fmt: skip
LISTENING_TYPES: tuple[ListeningType, ...] = get_args(ListeningType)
TYPE_CODES: dict[ListeningType, int] = {name: code for code, name in enumerate(LISTENING_TYPES)}
"""How a type is stored (smallint). Append only: stored rows depend on the order."""

BLOCK_TYPES: tuple[ListeningType, ...] = ("block", "unblock", "block_artist", "unblock_artist")
ARTIST_TYPES: tuple[ListeningType, ...] = ("block_artist", "unblock_artist")
NOT_TASTE: tuple[ListeningType, ...] = ("impression", *BLOCK_TYPES)
"""What was shown or shut out says nothing of how much a track is liked: no cell of the matrix."""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""An event may claim to be this far in the future; a client's clock may be ahead, not by more."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Listening services with per-play history start after this."""
MAX_MS_PLAYED = 24 * 3600 * 1000
MAX_BLOCK = timedelta(days=3_650)
"""A block with an end; a longer one is meant for good."""
MAX_ARTIST = 200
"""Characters of a blocked artist: it is a key, and Postgres bounds the size of one."""
MAX_TEXT = 1_000
"""Characters of a title, an artist, an album; searching and comparing longer ones would cost more than they are worth."""
MAX_RECORD_EVENTS = 10_000
"""Events in one envelope; a larger one is refused whole, so that one record cannot fill a worker's memory."""
MAX_POSITION = 32_767
"""Column type smallint."""

# What follows is shown in schemas only: a bound that decoding enforced would not have the codes of `check_listening_event`.
Id = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_ID_BYTES})]
Milliseconds = Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": MAX_MS_PLAYED})]
Time = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Position = Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": MAX_POSITION})]
Artist = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": MAX_ARTIST})]


class ListeningEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one listener did with one track at one time. `ms_played` in milliseconds, `position` 0-based in the shown list.

    `artist`: whom `block_artist` and `unblock_artist` are about; their track is the one at which it was said. `until`: when a
    block ends by itself.
    """

    event_id: uuid.UUID
    type: ListeningType
    user_id: Id
    track_id: Id
    occurred_at: Time
    ms_played: Milliseconds | None = None
    session_id: Id | None = None
    rec_id: uuid.UUID | None = None
    position: Position | None = None
    source: Id | None = None
    artist: Artist | None = None
    until: Time | None = None
    v: Literal[1] = 1


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Many events of one partition in one record: a stream processor's cost is per record, not per event."""

    events: tuple[msgspec.Raw, ...]
    v: Literal[1] = 1


class AudioFeatures(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class CatalogueTrack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One track as published to `catalogue` (key: track_id; a null value deletes it)."""

    track_id: Id
    name: str
    artists: tuple[str, ...]
    album: str | None = None
    album_id: str | None = None
    released: str | None = None
    """A year, a year and month, or a date: `2019`, `2019-06`, `2019-06-14`."""
    duration_ms: int | None = None
    explicit: bool | None = None
    popularity: int | None = None
    """0..100."""
    genres: tuple[str, ...] = ()
    features: AudioFeatures | None = None
    features_source: str | None = None
    """Where the features come from; None: from where the track does."""
    source: str = "unknown"
    fetched_at: Time | None = None
    v: Literal[1] = 1


OWN_SOURCE = "segue:"
"""Begins the sources of playlists that Segue put together itself, from which models do not learn, and ids that follow a rule."""


class PlaylistRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One playlist as published to `playlists` (key: playlist_id; a null value deletes it)."""

    playlist_id: Id
    name: str
    track_ids: tuple[str, ...]
    owner_id: str | None = None
    public: bool = False
    """Whether other listeners may see it; what nobody owns is seen by all."""
    source: str = "unknown"
    v: Literal[1] = 1


class UserRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One user as published to `users` (key: user_id; a null value deletes the user and everything about them)."""

    user_id: Id
    display_name: str | None = None
    genres: tuple[str, ...] = ()
    """Genres the user chose when signing up; they steer the first recommendations."""
    v: Literal[1] = 1


_PLAIN_ID = re.compile(rf"[!-~]{{1,{MAX_ID_BYTES}}}").fullmatch
# Nearly every id is plain ASCII; one match in C costs a tenth of the checks one by one.

_encoder = msgspec.json.Encoder()
_event_decoder = msgspec.json.Decoder(ListeningEvent)
_envelope_decoder = msgspec.json.Decoder(Envelope)


def encode(record: msgspec.Struct) -> bytes:
    """The wire form (JSON, UTF-8) of any record of this module."""
    return _encoder.encode(record)


def encode_envelope(events: Sequence[ListeningEvent]) -> bytes:
    """The wire form of many events; all must belong to one partition."""
    return _encoder.encode({"v": VERSION, "events": events})


class Rejected(msgspec.Struct, frozen=True):
    """An event that cannot be read, with its bytes as they came."""

    raw: bytes
    error: InvalidEvent


def decode_listening_record(value: bytes) -> list[ListeningEvent | Rejected]:
    """The events of one Kafka record, in order; what cannot be read stands as `Rejected` in its place, never raised.

    The common case, everything well-formed, costs one parse; only a record with a broken event is parsed piecewise.
    """
    try:
        if _looks_like_envelope(value):
            events = _good_envelope_decoder.decode(value).events
            return list(events) if len(events) <= MAX_RECORD_EVENTS else [Rejected(value, _too_many(len(events)))]
        return [_event_decoder.decode(value)]
    except _UNREADABLE:
        return _decode_piecewise(value)


class _GoodEnvelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    events: tuple[ListeningEvent, ...]
    v: Literal[1] = 1


_good_envelope_decoder = msgspec.json.Decoder(_GoodEnvelope)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _looks_like_envelope(value: bytes) -> bool:
    # Only a guess that saves a parse: both decoders refuse what is not theirs.
    return b'"events"' in value[:40]


def _decode_piecewise(value: bytes) -> list[ListeningEvent | Rejected]:
    try:
        envelope = _envelope_decoder.decode(value)
    except _UNREADABLE:
        return [_decode_one(value)]
    if len(envelope.events) > MAX_RECORD_EVENTS:
        return [Rejected(value, _too_many(len(envelope.events)))]
    return [_decode_one(bytes(raw)) for raw in envelope.events]


def raw_events(value: bytes, count: int) -> list[bytes]:
    """The bytes of each of the `count` events that `decode_listening_record` found in a record, as they came."""
    try:
        parts = [bytes(raw) for raw in _envelope_decoder.decode(value).events]
    except _UNREADABLE:
        parts = [value]
    return parts if len(parts) == count else [value] * count


def _decode_one(value: bytes) -> ListeningEvent | Rejected:
    try:
        return _event_decoder.decode(value)
    except msgspec.ValidationError as error:
        return Rejected(value, InvalidEvent(str(error), "invalid_field"))
    except _UNREADABLE as error:
        return Rejected(value, InvalidEvent(f"not JSON: {error}", "undecodable"))


def _too_many(events: int) -> InvalidEvent:
    return InvalidEvent(f"{events} events in one record: send at most {MAX_RECORD_EVENTS}", "too_many_events")


def check_listening_event(event: ListeningEvent, now: datetime) -> None:
    """Check what the types cannot say: ids, times, ranges. `now` is the time of arrival, with a zone.

    Raises `InvalidEvent` with the field in its message.
    """
    check_id("user_id", event.user_id)
    check_id("track_id", event.track_id)
    if event.occurred_at.tzinfo is None:
        raise InvalidEvent("occurred_at has no time zone: append Z for UTC", "invalid_time")
    if event.occurred_at > now + MAX_CLOCK_SKEW:
        raise InvalidEvent(f"occurred_at {event.occurred_at.isoformat()} lies in the future", "invalid_time")
    if event.occurred_at < EARLIEST:
        raise InvalidEvent(f"occurred_at {event.occurred_at.isoformat()} is before {EARLIEST.year}", "invalid_time")
    if event.ms_played is not None and not 0 <= event.ms_played <= MAX_MS_PLAYED:
        raise InvalidEvent(f"ms_played must be within 0..{MAX_MS_PLAYED}", "invalid_ms_played")
    if event.position is not None and not 0 <= event.position <= MAX_POSITION:
        raise InvalidEvent(f"position must be within 0..{MAX_POSITION}", "invalid_position")
    if event.session_id is not None:
        check_id("session_id", event.session_id)
    if event.source is not None:
        check_id("source", event.source)
    if event.type in BLOCK_TYPES:
        _check_block(event)


def _check_block(event: ListeningEvent) -> None:
    if event.type in ARTIST_TYPES:
        if event.artist is None or not event.artist.strip():
            raise InvalidEvent(f"artist is missing: {event.type} needs one", "invalid_artist")
        check_text("artist", event.artist)
        if len(event.artist) > MAX_ARTIST:
            raise InvalidEvent(f"artist is longer than {MAX_ARTIST} characters", "text_too_long")
    if event.until is None:
        return
    if event.until.tzinfo is None:
        raise InvalidEvent("until has no time zone: append Z for UTC", "invalid_time")
    if not event.occurred_at < event.until <= event.occurred_at + MAX_BLOCK:
        raise InvalidEvent(f"until must be within {MAX_BLOCK.days} days after occurred_at", "invalid_time")


def check_id(name: str, value: str) -> None:
    """Refuse an id that is empty, over `MAX_ID_BYTES`, has spaces around it or contains control characters."""
    if _PLAIN_ID(value):
        return
    if not value:
        raise InvalidEvent(f"{name} is empty", "invalid_id")
    if len(value.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        raise InvalidEvent(f"{name} is longer than {MAX_ID_BYTES} bytes", "invalid_id")
    if not value.isprintable() or value != value.strip():
        raise InvalidEvent(f"{name} has control characters or surrounding spaces", "invalid_id")


def check_text(name: str, value: str) -> None:
    """Refuse text that Postgres cannot store (NUL characters, lone surrogates) and text over MAX_TEXT characters."""
    if len(value) > MAX_TEXT:
        raise InvalidEvent(f"{name} is longer than {MAX_TEXT} characters", "text_too_long")
    if "\x00" in value:
        raise InvalidEvent(f"{name} has a NUL character", "invalid_text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidEvent(f"{name} has a lone surrogate", "invalid_text") from None
