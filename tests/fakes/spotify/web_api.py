"""The Web API, as it answers one kind of application."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.fakes.spotify import library as made
from tests.fakes.spotify.kinds import AppKind
from tests.fakes.spotify.library import FakePlaylist, Json, Library
from tests.fakes.spotify.reply import Reply

GONE = Reply.error(403, "Forbidden")
NOT_FOUND = Reply.error(404, "Resource not found")
OWN_PAGE = 50


@dataclass(frozen=True)
class Ask:
    """What is asked for; `path` without `/v1/`."""

    path: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class WebApi:
    """One application's view of the library; `url` stands in front of the absolute addresses of further pages."""

    kind: AppKind
    library: Library
    url: str

    def answer(self, path: str, query: Mapping[str, str], personal: bool) -> Reply:
        """What a GET of a path (without `/v1/`) gets."""
        if path.startswith("me") and not personal:
            return Reply.error(401, "Valid user authentication required")
        for pattern, method in _ROUTES:
            if match := re.fullmatch(pattern, path):
                return method(self, Ask(path, query), *match.groups())
        return NOT_FOUND

    def me(self, _: Ask) -> Reply:
        found = {"id": self.library.account.user_id, "display_name": "Someone", "type": "user", "account_id": "acct1"}
        return Reply(200, found | ({"country": "DE", "product": "premium"} if self.kind.full else {}))

    def saved(self, ask: Ask) -> Reply:
        entries = [{"added_at": at, "track": self._track(number)} for number, at in self.library.account.saved]
        return self._page(ask, entries)

    def top(self, ask: Ask) -> Reply:
        numbers = self.library.account.top.get(ask.query.get("time_range", "medium_term"), [])
        return self._page(ask, [self._track(number) for number in numbers])

    def recent(self, ask: Ask) -> Reply:
        plays = [(n, at) for n, at in self.library.account.recent][: int(ask.query.get("limit", 20))]
        items = [{"track": self._track(number), "played_at": at, "context": None} for number, at in plays]
        return Reply(200, {"items": items, "next": None, "cursors": {"after": "1", "before": "0"}, "limit": 50})

    def own_playlists(self, ask: Ask) -> Reply:
        return self._page(ask, [self._described(playlist) for playlist in self.library.account.playlists])

    def playlist(self, ask: Ask, playlist_id: str) -> Reply:
        found = self.library.playlist(playlist_id)
        if found is None or found.owner == "spotify":
            return NOT_FOUND
        contents = "tracks" if self.kind.full else "items"
        if not self.kind.full and not self._mine(found):
            return Reply(200, self._described(found))
        page = self._page(Ask(f"{ask.path}/{contents}", {}), self._entries(found), most=100).body
        return Reply(200, self._described(found) | {contents: page})

    def playlist_items(self, ask: Ask, playlist_id: str) -> Reply:
        found = self.library.playlist(playlist_id)
        if found is None or found.owner == "spotify":
            return NOT_FOUND
        return self._page(ask, self._entries(found)) if self._mine(found) else GONE

    def playlist_tracks(self, ask: Ask, playlist_id: str) -> Reply:
        if not self.kind.playlist_tracks:
            return GONE
        found = self.library.playlist(playlist_id)
        if found is None or found.owner == "spotify":
            return NOT_FOUND
        return self._page(ask, self._entries(found, "track"), most=100)

    def search(self, ask: Ask) -> Reply:
        if int(ask.query.get("limit", 5)) > self.kind.search_limit:
            return Reply.error(400, "Invalid limit")
        found = [n for n in range(self.library.tracks) if ask.query["q"].casefold() in f"song {n} artist {n % 5}"]
        page = self._page(ask, [self._track(number) for number in found], keep="q", most=self.kind.search_limit)
        return page if page.status != 200 else Reply(200, {"tracks": page.body})

    def track(self, _: Ask, track_id: str) -> Reply:
        number = self.library.number("track", track_id)
        return NOT_FOUND if number is None else Reply(200, self._track(number))

    def tracks(self, ask: Ask) -> Reply:
        return self._batch("tracks", "track", ask, self._track, 50)

    def albums(self, ask: Ask) -> Reply:
        return self._batch("albums", "album", ask, self._album, 20)

    def artists(self, ask: Ask) -> Reply:
        return self._batch("artists", "artist", ask, self._artist, 50)

    def album(self, _: Ask, album_id: str) -> Reply:
        number = self.library.number("album", album_id)
        return NOT_FOUND if number is None else Reply(200, self._album(number))

    def album_tracks(self, ask: Ask, album_id: str) -> Reply:
        number = self.library.number("album", album_id)
        return NOT_FOUND if number is None else self._page(ask, self._tracks_of(number))

    def artist(self, _: Ask, artist_id: str) -> Reply:
        number = self.library.number("artist", artist_id)
        return NOT_FOUND if number is None else Reply(200, self._artist(number))

    def artist_albums(self, ask: Ask, artist_id: str) -> Reply:
        number = self.library.number("artist", artist_id)
        if number is None:
            return NOT_FOUND
        found = [made.album(n) for n in range(number, (self.library.tracks + 9) // 10, 10)]
        return self._page(ask, found, most=self.kind.albums_limit)

    def features(self, ask: Ask) -> Reply:
        if not self.kind.features:
            return GONE
        numbers = [self.library.number("track", wanted) for wanted in ask.query["ids"].split(",")]
        return Reply(200, {"audio_features": [None if n is None else made.features(n) for n in numbers]})

    def _track(self, number: int) -> Json:
        return made.track(number, self.kind)

    def _artist(self, number: int) -> Json:
        return made.artist(number) | {"genres": ["dream pop"] if self.kind.full else None}

    def _album(self, number: int) -> Json:
        page = self._page(Ask(f"albums/{made.spotify_id('album', number)}/tracks", {}), self._tracks_of(number)).body
        return made.album(number) | {"artists": [made.artist(0)], "tracks": page}

    def _tracks_of(self, album: int) -> list[Json]:
        return [made.simple_track(n) for n in range(album * 10, min(album * 10 + 10, self.library.tracks))]

    def _mine(self, playlist: FakePlaylist) -> bool:
        return playlist.owner == self.library.account.user_id or playlist.collaborative

    def _described(self, playlist: FakePlaylist) -> Json:
        return {
            "type": "playlist", "id": playlist.playlist_id, "name": playlist.name, "snapshot_id": playlist.snapshot,
            "owner": {"type": "user", "id": playlist.owner, "display_name": playlist.owner.title()}, "public": playlist.public,
            "collaborative": playlist.collaborative, ("tracks" if self.kind.full else "items"): {"total": len(playlist.entries)},
        }  # fmt: skip

    def _entries(self, playlist: FakePlaylist, entry: str | None = None) -> list[Json]:
        tracks = [self._track(entry) if isinstance(entry, int) else entry for entry in playlist.entries]
        local = [bool(track and track.get("is_local")) for track in tracks]
        name = entry or self.kind.entry
        return [
            {"added_at": "2026-01-01T00:00:00Z", "is_local": is_local, name: track}
            for track, is_local in zip(tracks, local, strict=True)
        ]

    def _batch(self, field: str, kind: str, ask: Ask, shown: Callable[[int], Json], most: int) -> Reply:
        if not self.kind.batch:
            return GONE
        wanted = ask.query["ids"].split(",")
        if len(wanted) > most:
            return Reply.error(400, "Too many ids requested")
        numbers = [self.library.number(kind, one) for one in wanted]
        return Reply(200, {field: [None if number is None else shown(number) for number in numbers]})

    def _page(self, ask: Ask, found: Sequence[Any], most: int = OWN_PAGE, keep: str = "") -> Reply:
        limit, offset = int(ask.query.get("limit", min(20, most))), int(ask.query.get("offset", 0))
        if limit > most:
            return Reply.error(400, "Invalid limit")
        kept = {keep: ask.query[keep]} if keep else {}
        more = offset + limit < len(found)
        further = f"{self.url}/v1/{ask.path}?{urlencode({'limit': limit, 'offset': offset + limit} | kept)}"
        items = list(found[offset : offset + limit])
        return Reply(
            200, {"items": items, "total": len(found), "limit": limit, "offset": offset, "next": further if more else None}
        )


_ROUTES: Sequence[tuple[str, Callable[..., Reply]]] = (
    ("me", WebApi.me),
    ("me/tracks", WebApi.saved),
    ("me/top/tracks", WebApi.top),
    ("me/player/recently-played", WebApi.recent),
    ("me/playlists", WebApi.own_playlists),
    ("playlists/([^/]+)", WebApi.playlist),
    ("playlists/([^/]+)/items", WebApi.playlist_items),
    ("playlists/([^/]+)/tracks", WebApi.playlist_tracks),
    ("search", WebApi.search),
    ("tracks", WebApi.tracks),
    ("tracks/([^/]+)", WebApi.track),
    ("albums", WebApi.albums),
    ("albums/([^/]+)", WebApi.album),
    ("albums/([^/]+)/tracks", WebApi.album_tracks),
    ("artists", WebApi.artists),
    ("artists/([^/]+)", WebApi.artist),
    ("artists/([^/]+)/albums", WebApi.artist_albums),
    ("audio-features", WebApi.features),
)
