"""Single tracks, whole albums, all albums of artists, and playlists, by id, URI or address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Literal

import msgspec

from producers.ingestion.contract import Rejected
from producers.spotify.albums import ALBUMS_AT_ONCE, AlbumPart, AlbumReader, ArtistPart, missing
from producers.spotify.batches import at_once
from producers.spotify.playlists import PlaylistReader, Reading, listed_of
from producers.spotify.records import digest, items_of, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import Found, KnownElsewhere, SpotifySource
from segue.errors import InvalidInput, NotFound

Kind = Literal["track", "album", "artist", "playlist"]

TRACKS_AT_ONCE = 50

_REFERENCE = re.compile(
    r"(?:spotify:|(?:https?://)?open\.spotify\.com/(?:intl-[a-z]{2}/)?)?(?:(track|album|artist|playlist)[:/])?"
    r"([0-9A-Za-z]{22})(?:[?#].*)?"
)


class Reference(msgspec.Struct, frozen=True):
    """One thing to fetch."""

    kind: Kind
    id: str


class ReferencesPlace(msgspec.Struct):
    """`next`: of the references; before it, what is left of the one that was begun."""

    next: int = 0
    artist: ArtistPart | None = None
    albums: list[AlbumPart] = []
    reading: Reading | None = None


def reference_of(text: str) -> Reference:
    """`spotify:album:…`, `https://open.spotify.com/album/…`, `album:…`, or an id, which is a track's. Raises InvalidInput."""
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            f"{text[:80]!r} is no id, URI or address of a track, album, artist or playlist at Spotify", "invalid_reference"
        )
    return msgspec.convert({"kind": match[1] or "track", "id": match[2]}, Reference)


class References(SpotifySource[ReferencesPlace]):
    """What somebody named, in that order. `listener` owns playlists that are named."""

    name, place_type = "spotify-ids", ReferencesPlace

    def __init__(
        self, session: SpotifySession, references: Sequence[Reference], listener: str | None, known: KnownElsewhere
    ) -> None:
        asked = " ".join(f"{one.kind}:{one.id}" for one in references)
        super().__init__(session, f"{len(references)} by id", f"ids/{digest(asked)}", known)
        if listener is None and any(one.kind == "playlist" for one in references):
            raise InvalidInput("a playlist needs --listener: who it belongs to here", "no_listener")
        self._references, self._reader = references, PlaylistReader(session, listener or "")
        self._albums = AlbumReader(session)

    def start(self) -> ReferencesPlace:
        """The first."""
        return ReferencesPlace()

    def done(self, place: ReferencesPlace) -> bool:
        """Nothing is left."""
        return place.next >= len(self._references) and not (place.artist or place.albums or place.reading)

    def step(self, place: ReferencesPlace) -> tuple[Found, ReferencesPlace]:
        """What is begun first, then the next reference."""
        if place.reading:
            found, reading = self._reader.step(place.reading)
            return found, msgspec.structs.replace(place, reading=reading)
        if place.albums:
            found, albums = self._albums.step(place.albums)
            return found, msgspec.structs.replace(place, albums=albums)
        if place.artist:
            albums, further = self._albums.listed(place.artist)
            return Found.nothing(), ReferencesPlace(place.next, further, albums)
        return self._begun(self._references[place.next], place.next)

    def _begun(self, reference: Reference, number: int) -> tuple[Found, ReferencesPlace]:
        match reference.kind:
            case "track":
                return self._tracks(number)
            case "album":
                ids = self._alike(number, ALBUMS_AT_ONCE)
                found, albums = self._albums.step([AlbumPart(album_id) for album_id in ids])
                return found, ReferencesPlace(number + len(ids), albums=albums)
            case "artist":
                found, artist = self._albums.artist(reference.id)
                return found, ReferencesPlace(number + 1, artist)
            case "playlist":
                found, reading = self._playlist(reference.id)
                return found, ReferencesPlace(number + 1, reading=reading)

    def _alike(self, number: int, most: int) -> list[str]:
        """The ids of what is named from a number on, as long as it is of one kind."""
        kind = self._references[number].kind
        return [one.id for one in takewhile(lambda one: one.kind == kind, self._references[number : number + most])]

    def _tracks(self, number: int) -> tuple[Found, ReferencesPlace]:
        ids, market = self._alike(number, TRACKS_AT_ONCE), self.session.market
        if len(ids) > 1:
            body = at_once(self.session, lambda client: client.tracks(ids, market=market), "tracks")
            if body is not None:
                return self._of_batch(ids, items_of(body, "tracks")), ReferencesPlace(number + len(ids))
        return self._track(ids[0]), ReferencesPlace(number + 1)

    def _of_batch(self, ids: Sequence[str], tracks: Sequence[Any]) -> Found:
        found, now = Found.nothing(), self.session.budget.now()
        for position, track_id in enumerate(ids):
            raw = tracks[position] if position < len(tracks) else None
            found.take(missing("track", track_id) if raw is None else track_of(raw, f"track {track_id}", now))
        return found

    def _track(self, track_id: str) -> Found:
        found, market = Found.nothing(), self.session.market
        try:
            raw = self.session.ask(lambda client: client.track(track_id, market=market), "track")
        except NotFound:
            found.take(missing("track", track_id))
        else:
            found.take(track_of(raw, f"track {track_id}", self.session.budget.now()))
        return found

    def _playlist(self, playlist_id: str) -> tuple[Found, Reading | None]:
        market, found = self.session.market, Found.nothing()
        try:
            body = self.session.ask(
                lambda client: client.playlist(playlist_id, fields="id,name,snapshot_id", market=market), "playlist"
            )
        except NotFound as error:
            found.add(Rejected("playlist_missing", f"playlist {playlist_id}", str(error)))
            return found, None
        listed = listed_of(body, found)
        return found, Reading(listed) if listed else None
