"""Single tracks, whole albums, all albums of artists, and playlists, by id, URI or address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from producers.ingestion.contract import Rejected
from producers.spotify.answers import CLOSED
from producers.spotify.capabilities import SMALL_LIMIT
from producers.spotify.playlists import PlaylistReader, Reading, listed_of
from producers.spotify.records import ID_PATTERN, UNREADABLE, Album, digest, items_of, object_of, storable, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import Found, KnownElsewhere, SpotifySource
from segue.errors import InvalidInput, NotAllowed, NotFound

Kind = Literal["track", "album", "artist", "playlist"]

BATCH = 50
"""Most tracks that Spotify gives at once by id."""
PAGE = 50

_REFERENCE = re.compile(
    r"(?:spotify:|(?:https?://)?open\.spotify\.com/(?:intl-[a-z]{2}/)?)?(?:(track|album|artist|playlist)[:/])?"
    r"([0-9A-Za-z]{22})(?:[?#].*)?"
)


class Reference(msgspec.Struct, frozen=True):
    """One thing to fetch."""

    kind: Kind
    id: str


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
            return self._album(place)
        if place.artist:
            return self._artists_albums(place, place.artist)
        reference = self._references[place.next]
        if reference.kind == "track":
            return self._tracks(place)
        return self._begun(reference, ReferencesPlace(place.next + 1))

    def _begun(self, reference: Reference, place: ReferencesPlace) -> tuple[Found, ReferencesPlace]:
        match reference.kind:
            case "album":
                return self._album(msgspec.structs.replace(place, albums=[AlbumPart(reference.id)]))
            case "artist":
                return self._artist(reference, place)
            case _:
                return self._playlist(reference, place)

    def _tracks(self, place: ReferencesPlace) -> tuple[Found, ReferencesPlace]:
        """As many as are named one after the other and fit into a request."""
        ids = self._track_ids(place.next) if self.session.may.now.batch is not False else []
        if len(ids) > 1:
            try:
                body = self._batch(ids)
            except NotAllowed as error:
                if error.code != CLOSED:
                    raise
                self.session.refused(error, batch=False)
            else:
                return self._of_batch(ids, body), ReferencesPlace(place.next + len(ids))
        return self._track(self._references[place.next].id), ReferencesPlace(place.next + 1)

    def _track_ids(self, start: int) -> list[str]:
        ids: list[str] = []
        for reference in self._references[start : start + BATCH]:
            if reference.kind != "track":
                break
            ids.append(reference.id)
        return ids

    def _batch(self, ids: Sequence[str]) -> dict[str, Any]:
        market = self.session.market
        body = self.session.ask(lambda client: client.tracks(ids, market=market), "tracks")
        if self.session.may.now.batch is None:
            self.session.may.learn(batch=True)
        return body

    def _of_batch(self, ids: Sequence[str], body: dict[str, Any]) -> Found:
        found, tracks = Found.nothing(), items_of(body, "tracks")
        for position, track_id in enumerate(ids):
            raw = tracks[position] if position < len(tracks) else None
            found.take(_missing("track", track_id) if raw is None else self._read(raw, f"track {track_id}"))
        return found

    def _track(self, track_id: str) -> Found:
        found, market = Found.nothing(), self.session.market
        try:
            raw = self.session.ask(lambda client: client.track(track_id, market=market), "track")
        except NotFound:
            found.take(_missing("track", track_id))
        else:
            found.take(self._read(raw, f"track {track_id}"))
        return found

    def _album(self, place: ReferencesPlace) -> tuple[Found, ReferencesPlace]:
        part, market, found = place.albums[0], self.session.market, Found.nothing()
        left = msgspec.structs.replace(place, albums=place.albums[1:])
        try:
            if part.album is None:
                body = self.session.ask(lambda client: client.album(part.id, market=market), "album")
                part = msgspec.structs.replace(part, album=_described(body))
                body = object_of(body.get("tracks"))
            else:
                body = self.session.ask(
                    lambda client: client.album_tracks(part.id, limit=PAGE, offset=part.offset, market=market), "album"
                )
        except NotFound:
            found.add(_missing("album", part.id))
            return found, left
        entries = items_of(body)
        for number, raw in enumerate(entries, start=part.offset + 1):
            found.take(self._read(raw, f"album {part.id}, track {number}", part))
        if body.get("next") is None or not entries:
            return found, left
        further = msgspec.structs.replace(part, offset=part.offset + len(entries))
        return found, msgspec.structs.replace(place, albums=[further, *place.albums[1:]])

    def _artist(self, reference: Reference, place: ReferencesPlace) -> tuple[Found, ReferencesPlace]:
        found = Found.nothing()
        try:
            body = self.session.ask(lambda client: client.artist(reference.id), "artist")
        except NotFound:
            found.add(_missing("artist", reference.id))
            return found, place
        # Reported to be null for newer applications.
        genres = body.get("genres")
        names = [name for name in genres if isinstance(name, str) and storable(name)] if isinstance(genres, list) else []
        return found, msgspec.structs.replace(place, artist=ArtistPart(reference.id, names))

    def _artists_albums(self, place: ReferencesPlace, artist: ArtistPart) -> tuple[Found, ReferencesPlace]:
        try:
            body = self._albums_page(artist, self.session.may.now.limit)
        except InvalidInput as error:
            if error.code != "invalid_limit":
                raise
            self.session.refused(error, large_limit=False)
            body = self._albums_page(artist, SMALL_LIMIT)
        entries = items_of(body)
        ids = [one for entry in entries if isinstance(one := object_of(entry).get("id"), str) and re.fullmatch(ID_PATTERN, one)]
        more = body.get("next") is not None and entries
        further = msgspec.structs.replace(artist, offset=artist.offset + len(entries)) if more else None
        albums = [AlbumPart(one, artist.genres) for one in ids]
        return Found.nothing(), ReferencesPlace(place.next, further, albums)

    def _albums_page(self, artist: ArtistPart, limit: int) -> dict[str, Any]:
        market = self.session.market
        return self.session.ask(
            lambda client: client.artist_albums(
                artist.id, include_groups="album,single", country=market, limit=limit, offset=artist.offset
            ),
            "artist",
        )

    def _playlist(self, reference: Reference, place: ReferencesPlace) -> tuple[Found, ReferencesPlace]:
        market, found = self.session.market, Found.nothing()
        try:
            body = self.session.ask(
                lambda client: client.playlist(reference.id, fields="id,name,snapshot_id", market=market), "playlist"
            )
        except NotFound as error:
            found.add(Rejected("playlist_missing", f"playlist {reference.id}", str(error)))
            return found, place
        listed = listed_of(body, found)
        return found, msgspec.structs.replace(place, reading=Reading(listed)) if listed else place

    def _read(self, raw: object, where: str, part: AlbumPart | None = None) -> Any:
        album, genres = (part.album, part.genres) if part else (None, ())
        return track_of(raw, where, self.session.budget.now(), album, genres)


def _described(body: dict[str, Any]) -> Album:
    try:
        album = msgspec.convert(body, Album)
    except UNREADABLE:
        return Album()
    return album if storable(album.id, album.name, album.release_date) else Album()


def _missing(kind: Kind, wanted: str) -> Rejected:
    return Rejected(f"{kind}_missing", f"{kind} {wanted}", f"Spotify knows no {kind} with this id: check it")
