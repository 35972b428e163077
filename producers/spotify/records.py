"""Spotify's JSON as catalogue tracks and listening events, or why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from producers.ingestion.contract import Rejected, Skipped
from segue.errors import InvalidEvent, SpotifyUnavailable
from segue.events import AudioFeatures, CatalogueTrack, ListeningEvent, check_id, check_text
from segue.ids import uuid7_of
from segue.record_checks import check_record
from segue.sources import SPOTIFY_API

ID_PATTERN = r"^[0-9A-Za-z]{1,64}\Z"
"""Ids become parts of addresses: nothing else may."""

UNREADABLE = (msgspec.ValidationError, UnicodeEncodeError)
"""What msgspec says of a value of another form; it trips over lone surrogates."""

Read: TypeAlias = CatalogueTrack | Rejected | Skipped


Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Artist(msgspec.Struct):
    name: str | None = None


class Album(msgspec.Struct):
    """The album of a track, as the track names it."""

    id: str | None = None
    name: str | None = None
    release_date: str | None = None


class _Track(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    artists: list[_Artist | None] | None = None
    album: Album | None = None
    duration_ms: Number | None = None
    explicit: bool | None = None
    popularity: Number | None = None
    type: str = "track"
    is_local: bool | None = None


def track_of(raw: object, where: str, fetched_at: datetime, album: Album | None = None, genres: Sequence[str] = ()) -> Read:
    """One track object. `album`: of a list of an album's tracks, which do not name it; `where` it stood, for people."""
    if raw is None:
        return Skipped("removed")
    try:
        track = msgspec.convert(raw, _Track)
    except UNREADABLE as error:
        return Rejected("bad_track", where, f"Spotify's answer is not a track as documented: {error}")
    if track.type != "track":
        return Skipped("podcast")
    if track.is_local:
        return Skipped("local_file")
    return _catalogue_track(track, where, fetched_at, album or track.album or Album(), genres)


def _catalogue_track(track: _Track, where: str, fetched_at: datetime, album: Album, genres: Sequence[str]) -> Read:
    artists = tuple(artist.name for artist in track.artists or () if artist and artist.name)
    if not track.id:
        return Rejected("no_id", where, "the track has no id: it cannot be told from others")
    if not track.name or not artists:
        # What is not available in the market keeps its id and loses its names.
        return Skipped("unavailable")
    found = CatalogueTrack(
        track_id=track.id, name=track.name, artists=artists, album=album.name or None, album_id=album.id,
        released=album.release_date, duration_ms=track.duration_ms, explicit=track.explicit, popularity=track.popularity,
        genres=tuple(genres), source=SPOTIFY_API, fetched_at=fetched_at,
    )  # fmt: skip
    try:
        # Before it is remembered for its audio features: what cannot be stored cannot be remembered either.
        check_id("track_id", found.track_id)
        check_record(found)
    except InvalidEvent as error:
        return Rejected(error.code, where, str(error))
    return found


def event_of(
    kind: Literal["like", "play"], track: CatalogueTrack, listener: str, at: object, where: str
) -> ListeningEvent | Rejected:
    """What a listener did with a track; `at`: the time as Spotify writes it. The same each time it is read."""
    try:
        occurred_at = msgspec.convert(at, datetime)
    except UNREADABLE:
        return Rejected("bad_time", where, f"Spotify names no time of the {kind}")
    if occurred_at.tzinfo is None:
        return Rejected("bad_time", where, f"the time of the {kind} has no zone")
    ms = round(occurred_at.timestamp() * 1000)
    return ListeningEvent(
        event_id=uuid7_of(ms, SPOTIFY_API, kind, listener, track.track_id), type=kind, user_id=listener, track_id=track.track_id,
        occurred_at=occurred_at, source=SPOTIFY_API,
    )  # fmt: skip


def features_of(raw: object) -> AudioFeatures | None:
    """Spotify's audio features of one track; None where it has none."""
    try:
        return msgspec.convert(raw, AudioFeatures)
    except UNREADABLE:
        return None


def storable(*texts: str | None) -> bool:
    """Whether Postgres can hold these texts."""
    try:
        for text in texts:
            check_text("text", text or "")
    except InvalidEvent:
        return False
    return True


def items_of(body: dict[str, Any], field: str = "items") -> list[Any]:
    """The list in an answer. Raises SpotifyUnavailable if there is none."""
    found = body.get(field)
    if not isinstance(found, list):
        raise SpotifyUnavailable(f"Spotify's answer has no {field}: try again later")
    return found


def object_of(value: object) -> dict[str, Any]:
    """A JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def digest(text: str) -> str:
    """A few letters that stand for a name without saying it."""
    return blake2b(text.encode(), digest_size=6).hexdigest()
