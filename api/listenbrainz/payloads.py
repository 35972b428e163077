"""What players submit, and what is wrong with it.

The rules and limits are those of ListenBrainz (https://listenbrainz.readthedocs.io/en/latest/users/json.html); where they leave
room, more is taken, not less: a player does not send again what was refused. Fields that are not used are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal, TypeVar

import msgspec

from api.bodies import malformed
from api.problems import Problem
from segue.errors import InvalidEvent
from segue.events import MAX_MS_PLAYED
from segue.songs import Song
from segue.track_metadata import Metadata, Number, ms_played_of, song_of, whole

MAX_LISTENS = 1_000
MAX_LISTEN_BYTES = 10_240
"""Of a listen, on average over a request."""
EARLIEST_S = 1_033_430_400
"""October 2002, before which nobody kept listens."""
SKEW_S = 3_600
"""How far a player's clock may be ahead."""

T = TypeVar("T")

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Listen(msgspec.Struct):
    track_metadata: msgspec.Raw
    listened_at: Number = None


class _Submission(msgspec.Struct):
    listen_type: Literal["single", "playing_now", "import"]
    payload: list[msgspec.Raw]


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
        return PlayingNow(_numbered(0, partial(song_of, _decoded(_metadata_decoder, metadata))), metadata)
    return [_numbered(number, partial(_read, raw, now_s)) for number, raw in enumerate(sent.payload)]


_submission_decoder = msgspec.json.Decoder(_Submission)
_listen_decoder = msgspec.json.Decoder(_Listen)
_metadata_decoder = msgspec.json.Decoder(Metadata)


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
    song, played = song_of(metadata), ms_played_of(metadata)
    return Listen(song, _listened_at(listen.listened_at, now_s), None if played is None else min(played, MAX_MS_PLAYED))


def _decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw | bytes) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid_listen", f"{error}; nothing of this request was stored") from None
    except _UNREADABLE as error:
        raise malformed(str(error)) from None


def _listened_at(value: Number, now_s: float) -> int:
    seconds = whole(value, "listened_at")
    if seconds is None:
        raise InvalidEvent("listened_at is missing: send the Unix time in seconds at which the track began")
    if seconds < EARLIEST_S:
        raise InvalidEvent(f"listened_at {seconds} is before October 2002: it is Unix time in seconds")
    if seconds > now_s + SKEW_S:
        raise InvalidEvent(f"listened_at {seconds} lies in the future: it is Unix time in seconds, not milliseconds")
    return seconds
