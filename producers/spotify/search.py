"""Tracks that Spotify's search finds."""

from __future__ import annotations

import msgspec

from producers.spotify.capabilities import SMALL_LIMIT
from producers.spotify.records import digest, items_of, object_of, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import Found, KnownElsewhere, SpotifySource
from segue.errors import InvalidInput

MAX_RESULTS = 1_000
"""Spotify gives no further ones."""


class SearchPlace(msgspec.Struct):
    """How many results were read; None when it is enough."""

    offset: int | None = 0


class Search(SpotifySource[SearchPlace]):
    """The first `most` results of a search, best first."""

    name, place_type = "spotify-search", SearchPlace

    def __init__(self, session: SpotifySession, text: str, most: int, known: KnownElsewhere) -> None:
        super().__init__(session, f"search for {text!r}", f"search/{digest(text)}/{most}", known)
        self._text, self._most = text, min(most, MAX_RESULTS)

    def start(self) -> SearchPlace:
        """The best."""
        return SearchPlace()

    def done(self, place: SearchPlace) -> bool:
        """Enough, or no more."""
        return place.offset is None

    def step(self, place: SearchPlace) -> tuple[Found, SearchPlace]:
        """One page, as large as the application may have it."""
        offset = place.offset or 0
        try:
            return self._page(offset, min(self.session.may.now.limit, self._most - offset))
        except InvalidInput as error:
            if error.code != "invalid_limit":
                raise
            self.session.refused(error, large_limit=False)
            return self._page(offset, min(SMALL_LIMIT, self._most - offset))

    def _page(self, offset: int, limit: int) -> tuple[Found, SearchPlace]:
        text, market = self._text, self.session.market
        body = self.session.ask(lambda client: client.search(text, limit=limit, offset=offset, market=market), "search")
        if limit > SMALL_LIMIT and not self.session.may.now.large_limit:
            self.session.may.learn(large_limit=True)
        results = object_of(body.get("tracks"))
        found, entries = Found.nothing(), items_of(results)
        for number, raw in enumerate(entries, start=offset + 1):
            found.take(track_of(raw, f"result {number}", self.session.budget.now()))
        offset += len(entries)
        return found, SearchPlace(offset if results.get("next") and entries and offset < self._most else None)
