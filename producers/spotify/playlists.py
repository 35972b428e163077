"""A person's playlists. What has not changed since the last time is not read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from producers.ingestion.contract import Rejected, Skipped
from producers.spotify.answers import CLOSED
from producers.spotify.records import ID_PATTERN, UNREADABLE, digest, items_of, object_of, storable, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import Found, KnownElsewhere, SpotifySource
from segue.errors import NotAllowed, NotFound
from segue.events import PlaylistRecord
from segue.sources import SPOTIFY_API

PAGE = 50
MAX_TRACKS = 10_000
"""Spotify's own limit, and that of a record."""


class Listed(msgspec.Struct):
    """A playlist as lists of them describe it."""

    id: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
    name: str | None = None
    snapshot_id: str | None = None


class Reading(msgspec.Struct):
    """A playlist of which a part is read. `items`: by the new road, else by the old one."""

    playlist: Listed
    items: bool = True
    offset: int = 0
    track_ids: list[str] = []


class Seen(msgspec.Struct):
    """The version of a playlist that was read, and when (Unix time)."""

    snapshot_id: str | None
    at_s: float


class PlaylistsPlace(msgspec.Struct):
    """`offset`: in the list of playlists, None behind its end; `waiting`: listed and not read; `seen`: by id."""

    offset: int | None = 0
    waiting: list[Listed] = []
    reading: Reading | None = None
    seen: dict[str, Seen] = {}


class PlaylistReader:
    """Reads playlists page by page, for one listener."""

    def __init__(self, session: SpotifySession, listener: str) -> None:
        self._session, self._listener = session, listener

    def step(self, reading: Reading) -> tuple[Found, Reading | None]:
        """One page; the last one brings the playlist, and None."""
        while True:
            try:
                return self._taken(reading, self._asked(reading))
            except NotFound as error:
                return self._given_up(reading, "playlist_missing", error)
            except NotAllowed as error:
                if error.code != CLOSED:
                    raise
                if not reading.items:
                    self._session.refused(error, playlist_tracks=False)
                if not reading.items or self._session.may.now.playlist_tracks is False:
                    return self._given_up(reading, "metadata_only", error)
                reading = msgspec.structs.replace(reading, items=False)

    def _asked(self, reading: Reading) -> dict[str, Any]:
        market, playlist = self._session.market, reading.playlist
        if reading.items:
            return self._session.ask(
                lambda client: client.playlist_items(playlist.id, limit=PAGE, offset=reading.offset, market=market),
                "playlist items",
            )
        # spotipy has no method for the road that older applications need for others' playlists.
        return self._session.ask(
            lambda client: client._get(f"playlists/{playlist.id}/tracks", limit=PAGE, offset=reading.offset, market=market),
            "playlist items",
        )

    def _taken(self, reading: Reading, body: dict[str, Any]) -> tuple[Found, Reading | None]:
        found, entries, track_ids = Found.nothing(), items_of(body), list(reading.track_ids)
        for number, entry in enumerate(map(object_of, entries), start=reading.offset + 1):
            # `item` where the application was restricted, else `track`.
            raw = entry["item"] if isinstance(entry.get("item"), dict) else entry.get("track")
            track = found.take(track_of(raw, f"playlist {reading.playlist.id}, track {number}", self._session.budget.now()))
            track_ids += [track.track_id] if track else []
        if body.get("next") is not None and entries:
            return found, msgspec.structs.replace(reading, offset=reading.offset + len(entries), track_ids=track_ids)
        if len(track_ids) > MAX_TRACKS:
            found.add(Rejected("too_many_tracks", f"playlist {reading.playlist.id}", f"only the first {MAX_TRACKS:,} are taken"))
        found.add(self._record(reading.playlist, track_ids[:MAX_TRACKS]))
        return found, None

    def _given_up(self, reading: Reading, code: str, error: Exception) -> tuple[Found, None]:
        found = Found.nothing()
        found.add(Rejected(code, f"playlist {reading.playlist.id}", str(error)))
        return found, None

    def _record(self, playlist: Listed, track_ids: list[str]) -> PlaylistRecord:
        # With the listener in its id: two who follow one playlist have a private copy each.
        return PlaylistRecord(
            playlist_id=f"{playlist.id}.{digest(self._listener)}", name=playlist.name or "Untitled", track_ids=tuple(track_ids),
            owner_id=self._listener, source=SPOTIFY_API,
        )  # fmt: skip


class Playlists(SpotifySource[PlaylistsPlace]):
    """All playlists in a person's library.

    `seen`: those of an earlier run that was done; an unchanged one is left out unless it was read `fresh_s` seconds ago.
    """

    name, place_type = "spotify-playlists", PlaylistsPlace

    def __init__(
        self, session: SpotifySession, listener: str, known: KnownElsewhere, seen: Mapping[str, Seen], fresh_s: float
    ) -> None:
        super().__init__(session, f"playlists of {listener}", "playlists", known)
        self._reader, self._seen, self._fresh_s = PlaylistReader(session, listener), seen, fresh_s

    def start(self) -> PlaylistsPlace:
        """The first of the list."""
        return PlaylistsPlace(seen=dict(self._seen))

    def done(self, place: PlaylistsPlace) -> bool:
        """Nothing listed is left."""
        return place.offset is None and not place.waiting and place.reading is None

    def step(self, place: PlaylistsPlace) -> tuple[Found, PlaylistsPlace]:
        """A page of the list, or one of a playlist."""
        if place.reading is None and not place.waiting:
            return self._listed(place)
        reading = place.reading or Reading(place.waiting[0])
        found, further = self._reader.step(reading)
        waiting = place.waiting if place.reading else place.waiting[1:]
        seen = place.seen
        if further is None:
            seen = seen | {reading.playlist.id: Seen(reading.playlist.snapshot_id, self.session.budget.now().timestamp())}
        return found, PlaylistsPlace(place.offset, waiting, further, seen)

    def _listed(self, place: PlaylistsPlace) -> tuple[Found, PlaylistsPlace]:
        offset = place.offset or 0
        body = self.session.ask(lambda client: client.current_user_playlists(limit=PAGE, offset=offset), "playlists")
        found, waiting = Found.nothing(), []
        entries = items_of(body)
        for raw in entries:
            listed = listed_of(raw, found)
            if listed is None:
                continue
            if self._is_fresh(place.seen.get(listed.id), listed):
                found.add(Skipped("unchanged_playlist"))
            else:
                waiting.append(listed)
        more = body.get("next") is not None and entries
        return found, PlaylistsPlace(offset + len(entries) if more else None, waiting, None, place.seen)

    def _is_fresh(self, seen: Seen | None, listed: Listed) -> bool:
        age_s = self.session.budget.now().timestamp() - seen.at_s if seen else 0.0
        return seen is not None and bool(listed.snapshot_id) and seen.snapshot_id == listed.snapshot_id and age_s < self._fresh_s


def listed_of(raw: object, found: Found) -> Listed | None:
    """The playlist that an object describes; what is none goes to `found`."""
    if raw is None:
        found.add(Skipped("removed"))
        return None
    try:
        listed = msgspec.convert(raw, Listed)
    except UNREADABLE as error:
        found.add(Rejected("bad_playlist", "list of playlists", f"Spotify's answer is not a playlist as documented: {error}"))
        return None
    if not storable(listed.name, listed.snapshot_id):
        found.add(Rejected("bad_playlist", f"playlist {listed.id}", "its name cannot be stored: rename it"))
        return None
    return listed


def seen_in(position: dict[str, Any] | None) -> dict[str, Seen]:
    """The playlists that a run which is done has read, from its last position."""
    try:
        return msgspec.convert((position or {}).get("place"), PlaylistsPlace).seen
    except msgspec.ValidationError:
        return {}
