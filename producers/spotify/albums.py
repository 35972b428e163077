"""Whole albums, and which albums an artist has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import msgspec

from producers.ingestion.contract import Rejected
from producers.spotify.batches import at_once
from producers.spotify.capabilities import SMALL_LIMIT
from producers.spotify.records import ID_PATTERN, UNREADABLE, Album, items_of, object_of, storable, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import Found
from segue.errors import InvalidInput, NotFound

ALBUMS_AT_ONCE = 20
PAGE = 50
"""Most tracks of an album that Spotify gives at once."""


class AlbumPart(msgspec.Struct):
    """An album that is read from track `offset` on. `album`: None before its first page; `genres`: its artist's."""

    id: str
    genres: list[str] = []
    offset: int = 0
    album: Album | None = None


class ArtistPart(msgspec.Struct):
    """An artist whose albums from `offset` on are to be listed."""

    id: str
    genres: list[str] = []
    offset: int = 0


class AlbumReader:
    """One request at each step. Raises as `SpotifySession.ask`."""

    def __init__(self, session: SpotifySession) -> None:
        self._session = session

    def step(self, parts: Sequence[AlbumPart]) -> tuple[Found, list[AlbumPart]]:
        """The first of these albums, or the first few; and what is left to be read."""
        new, market = list(takewhile(lambda part: part.album is None, parts[:ALBUMS_AT_ONCE])), self._session.market
        if len(new) > 1:
            ids = [part.id for part in new]
            body = at_once(self._session, lambda client: client.albums(ids, market=market), "albums")
            if body is not None:
                found, longer = self._several(new, items_of(body, "albums"))
                return found, [*longer, *parts[len(new) :]]
        found, further = self._one(parts[0])
        return found, [*further, *parts[1:]]

    def artist(self, artist_id: str) -> tuple[Found, ArtistPart | None]:
        """The artist, with genres where Spotify says any (reported to be null for newer applications)."""
        found = Found.nothing()
        try:
            body = self._session.ask(lambda client: client.artist(artist_id), "artist")
        except NotFound:
            found.add(missing("artist", artist_id))
            return found, None
        genres = body.get("genres")
        names = [name for name in genres if isinstance(name, str) and storable(name)] if isinstance(genres, list) else []
        return found, ArtistPart(artist_id, names)

    def listed(self, artist: ArtistPart) -> tuple[list[AlbumPart], ArtistPart | None]:
        """Some of an artist's albums, and where the list goes on."""
        try:
            body = self._list(artist, self._session.may.now.limit)
        except InvalidInput as error:
            if error.code != "invalid_limit":
                raise
            self._session.refused(error, large_limit=False)
            body = self._list(artist, SMALL_LIMIT)
        entries = items_of(body)
        ids = [one for entry in entries if isinstance(one := object_of(entry).get("id"), str) and re.fullmatch(ID_PATTERN, one)]
        more = body.get("next") is not None and entries
        further = msgspec.structs.replace(artist, offset=artist.offset + len(entries)) if more else None
        return [AlbumPart(one, artist.genres) for one in ids], further

    def _list(self, artist: ArtistPart, limit: int) -> dict[str, Any]:
        market = self._session.market
        return self._session.ask(
            lambda client: client.artist_albums(
                artist.id, include_groups="album,single", country=market, limit=limit, offset=artist.offset
            ),
            "artist",
        )

    def _several(self, parts: Sequence[AlbumPart], bodies: Sequence[Any]) -> tuple[Found, list[AlbumPart]]:
        found, longer = Found.nothing(), []
        for position, part in enumerate(parts):
            body = object_of(bodies[position]) if position < len(bodies) else {}
            if not body:
                found.add(missing("album", part.id))
                continue
            part.album = _described(body)
            longer += self._taken(part, object_of(body.get("tracks")), found)
        return found, longer

    def _one(self, part: AlbumPart) -> tuple[Found, list[AlbumPart]]:
        found, market = Found.nothing(), self._session.market
        try:
            if part.album is None:
                body = self._session.ask(lambda client: client.album(part.id, market=market), "album")
                part.album = _described(body)
                return found, self._taken(part, object_of(body.get("tracks")), found)
            body = self._session.ask(
                lambda client: client.album_tracks(part.id, limit=PAGE, offset=part.offset, market=market), "album"
            )
        except NotFound:
            found.add(missing("album", part.id))
            return found, []
        return found, self._taken(part, body, found)

    def _taken(self, part: AlbumPart, page: dict[str, Any], found: Found) -> list[AlbumPart]:
        """Sort a page of an album's tracks in; the part that is left, if any."""
        entries, now = items_of(page), self._session.budget.now()
        for number, raw in enumerate(entries, start=part.offset + 1):
            found.take(track_of(raw, f"album {part.id}, track {number}", now, part.album, part.genres))
        if page.get("next") is None or not entries:
            return []
        return [msgspec.structs.replace(part, offset=part.offset + len(entries))]


def missing(kind: str, wanted: str) -> Rejected:
    """Said of an id that Spotify does not know."""
    return Rejected(f"{kind}_missing", f"{kind} {wanted}", f"Spotify knows no {kind} with this id: check it")


def _described(body: dict[str, Any]) -> Album:
    try:
        album = msgspec.convert(body, Album)
    except UNREADABLE:
        return Album()
    return album if storable(album.id, album.name, album.release_date) else Album()
