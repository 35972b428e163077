"""What players submit, and what is wrong with it.

The rules and limits are those of ListenBrainz (https://listenbrainz.readthedocs.io/en/latest/users/json.html); where they leave
room, more is taken, not less: a player does not send again what was refused. Fields that are not used are not looked at.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Literal, TypeVar

import msgspec

from api.bodies import malformed
from api.problems import Problem
from segue.catalogue import song_key
from segue.errors import InvalidEvent
from segue.events import MAX_MS_PLAYED, check_text

MAX_LISTENS = 1_000
MAX_LISTEN_BYTES = 10_240
"""Of a listen, on average over a request."""
EARLIEST_S = 1_033_430_400
"""October 2002, before which nobody kept listens."""
SKEW_S = 3_600
"""How far a player's clock may be ahead."""
MAX_DURATION_MS = 24 * 86_400_000
MAX_ARTISTS = 100

Number = int | float | str | None
T = TypeVar("T")

_SPOTIFY_ID = re.compile(r"(?:^|track[/:])([0-9A-Za-z]{22})(?:$|[?#])")
_GUEST = re.compile(r"\s+(?:feat\.?|ft\.?|featuring|with|and|x|vs\.?)\s+|\s*[,;&/+]\s*", re.IGNORECASE)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Info(msgspec.Struct):
    recording_mbid: str | None = None
    spotify_id: str | None = None
    artist_names: list[str] | None = None
    duration: Number = None
    duration_ms: Number = None
    duration_played: Number = None


class _Metadata(msgspec.Struct):
    artist_name: str
    track_name: str
    release_name: str | None = None
    additional_info: _Info | None = None


class _Listen(msgspec.Struct):
    track_metadata: msgspec.Raw
    listened_at: Number = None


class _Submission(msgspec.Struct):
    listen_type: Literal["single", "playing_now", "import"]
    payload: list[msgspec.Raw]


@dataclass(frozen=True)
class Song:
    """A song as a player names it: `artist` as it is written, `artists` one by one if the player knows them."""

    title: str
    artist: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    recording_mbid: str | None = None
    spotify_id: str | None = None
    duration_ms: int | None = None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Normalised artist|title, the likeliest first: as written, then the first artist alone. Without words there is none."""
        names = dict.fromkeys([self.artist, *self.artists[:1], _GUEST.split(self.artist)[0]])
        made = (song_key(self.title, (name,)) for name in names)
        return tuple(key for key in made if all(key.split("|")))

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return self.keys[0] if self.keys else f"{self.artist.casefold()}|{self.title.casefold()}"


@dataclass(frozen=True)
class Listen:
    """One listen. `listened_at_s` as it was sent, in Unix seconds; `ms_played` None if the player did not say."""

    song: Song
    listened_at_s: int
    ms_played: int | None

    def occurred_at(self, now: datetime) -> datetime:
        """When it happened; a player's clock that is ahead counts as now."""
        return min(datetime.fromtimestamp(self.listened_at_s, UTC), now)


@dataclass(frozen=True)
class PlayingNow:
    """What is being played: its metadata as JSON, as it came."""

    song: Song
    metadata: bytes


def read_submission(body: bytes, now_s: float) -> list[Listen] | PlayingNow:
    """The listens of a request, or what is being played. Raises Problem 400 that says which listen is wrong, and how."""
    sent = _decoded(_submission_decoder, body)
    _check_size(sent, len(body))
    if sent.listen_type == "playing_now":
        metadata = bytes(_decoded(_listen_decoder, sent.payload[0]).track_metadata)
        return PlayingNow(_numbered(0, partial(_song, _decoded(_metadata_decoder, metadata))), metadata)
    return [_numbered(number, partial(_read, raw, now_s)) for number, raw in enumerate(sent.payload)]


_submission_decoder = msgspec.json.Decoder(_Submission)
_listen_decoder = msgspec.json.Decoder(_Listen)
_metadata_decoder = msgspec.json.Decoder(_Metadata)


def _check_size(sent: _Submission, size: int) -> None:
    listens = len(sent.payload)
    if not 1 <= listens <= MAX_LISTENS:
        raise Problem(400, "wrong_number_of_listens", f"payload has {listens:,} listens: send 1 to {MAX_LISTENS:,}")
    if listens > 1 and sent.listen_type != "import":
        raise Problem(400, "wrong_number_of_listens", f"{listens} listens, and listen_type {sent.listen_type}: send import")
    if size > listens * MAX_LISTEN_BYTES:
        raise Problem(400, "listens_too_large", f"a listen may have {MAX_LISTEN_BYTES:,} bytes: these have {size:,}")


def _numbered(number: int, read: Callable[[], T]) -> T:
    try:
        return read()
    except InvalidEvent as error:
        raise Problem(400, "invalid_listen", f"payload[{number}]: {error}; nothing of this request was stored") from None


def _read(raw: msgspec.Raw, now_s: float) -> Listen:
    listen = _decoded(_listen_decoder, raw)
    metadata = _decoded(_metadata_decoder, listen.track_metadata)
    song = _song(metadata)
    played = _milliseconds((metadata.additional_info or _Info()).duration_played, 1_000, "duration_played")
    return Listen(song, _listened_at(listen.listened_at, now_s), None if played is None else min(played, MAX_MS_PLAYED))


def _song(sent: _Metadata) -> Song:
    info = sent.additional_info or _Info()
    artists = tuple(name.strip() for name in info.artist_names or () if name.strip())[:MAX_ARTISTS]
    duration = _milliseconds(info.duration_ms, 1, "duration_ms") or _milliseconds(info.duration, 1_000, "duration")
    song = Song(
        _text("track_name", sent.track_name), _text("artist_name", sent.artist_name), artists,
        _text("release_name", sent.release_name) if sent.release_name and sent.release_name.strip() else None,
        _mbid(info.recording_mbid), _spotify_id(info.spotify_id), duration,
    )  # fmt: skip
    for name in artists:
        check_text("artist_names", name)
    return song


def _decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw | bytes) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid_listen", f"{error}; nothing of this request was stored") from None
    except _UNREADABLE as error:
        raise malformed(str(error)) from None


def _text(name: str, value: str) -> str:
    value = value.strip()
    if not value:
        raise InvalidEvent(f"{name} is empty")
    check_text(name, value)
    return value


def _listened_at(value: Number, now_s: float) -> int:
    seconds = _whole(value, "listened_at")
    if seconds is None:
        raise InvalidEvent("listened_at is missing: send the Unix time in seconds at which the track began")
    if seconds < EARLIEST_S:
        raise InvalidEvent(f"listened_at {seconds} is before October 2002: it is Unix time in seconds")
    if seconds > now_s + SKEW_S:
        raise InvalidEvent(f"listened_at {seconds} lies in the future: it is Unix time in seconds, not milliseconds")
    return seconds


def _milliseconds(value: Number, factor: int, name: str) -> int | None:
    """A duration; None for none and for what is not positive, which players send for an unknown one."""
    number = _whole(value, name, factor)
    if number is not None and number > MAX_DURATION_MS:
        raise InvalidEvent(f"{name} is over {MAX_DURATION_MS // factor:,}")
    return number if number is not None and number > 0 else None


def _whole(value: Number, name: str, factor: int = 1) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(float(value) * factor) if isinstance(value, str | float) else value * factor
    except (ValueError, OverflowError):
        raise InvalidEvent(f"{name} is no number") from None


def _mbid(value: str | None) -> str | None:
    if not value:
        return None
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise InvalidEvent("recording_mbid is no MusicBrainz id: leave it out or send a UUID") from None


def _spotify_id(value: str | None) -> str | None:
    """The id of a Spotify URL or URI; None for what is neither."""
    found = _SPOTIFY_ID.search(value or "")
    return found.group(1) if found else None
