"""`track_metadata` of a listen, as players submit it to ListenBrainz and as ListenBrainz exports it.

The rules are those of ListenBrainz (https://listenbrainz.readthedocs.io/en/latest/users/json.html). Fields that are not used are
not looked at.
"""

from __future__ import annotations

import uuid

import msgspec

from segue.errors import InvalidEvent
from segue.events import check_text
from segue.songs import Song, spotify_id_in

MAX_DURATION_MS = 24 * 86_400_000
MAX_ARTISTS = 100

Number = int | float | str | None


class Info(msgspec.Struct):
    """`additional_info`; every field is optional."""

    recording_mbid: str | None = None
    spotify_id: str | None = None
    artist_names: list[str] | None = None
    duration: Number = None
    duration_ms: Number = None
    duration_played: Number = None


class Metadata(msgspec.Struct):
    """What a listen says of its song."""

    artist_name: str
    track_name: str
    release_name: str | None = None
    additional_info: Info | None = None


def song_of(sent: Metadata) -> Song:
    """The song. Raises InvalidEvent that names the field."""
    info = sent.additional_info or Info()
    artists = tuple(name.strip() for name in info.artist_names or () if name.strip())[:MAX_ARTISTS]
    duration = milliseconds(info.duration_ms, 1, "duration_ms") or milliseconds(info.duration, 1_000, "duration")
    song = Song(
        text("track_name", sent.track_name), text("artist_name", sent.artist_name), artists,
        text("release_name", sent.release_name) if sent.release_name and sent.release_name.strip() else None,
        _mbid(info.recording_mbid), spotify_id_in(info.spotify_id), duration,
    )  # fmt: skip
    for name in artists:
        check_text("artist_names", name)
    return song


def ms_played_of(sent: Metadata) -> int | None:
    """How long it was played; None where that is not said. Raises InvalidEvent."""
    return milliseconds((sent.additional_info or Info()).duration_played, 1_000, "duration_played")


def text(name: str, value: str) -> str:
    """The text without the spaces around it. Raises InvalidEvent for none and for what Postgres cannot store."""
    value = value.strip()
    if not value:
        raise InvalidEvent(f"{name} is empty")
    check_text(name, value)
    return value


def milliseconds(value: Number, factor: int, name: str) -> int | None:
    """A duration; None for none and for what is not positive, which players send for an unknown one. Raises InvalidEvent."""
    number = whole(value, name, factor)
    if number is not None and number > MAX_DURATION_MS:
        raise InvalidEvent(f"{name} is over {MAX_DURATION_MS // factor:,}")
    return number if number is not None and number > 0 else None


def whole(value: Number, name: str, factor: int = 1) -> int | None:
    """A number as players write it, also as text; None for none. Raises InvalidEvent."""
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
