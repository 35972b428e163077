"""A person's saved, top and recent tracks."""

from __future__ import annotations

from typing import Any

import msgspec

from producers.spotify.records import digest, event_of, items_of, object_of, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import Found, KnownElsewhere, SpotifySource
from segue.events import PlaylistRecord
from segue.sources import SPOTIFY_API

PAGE = 50
"""Most tracks that Spotify gives at once of a person's own lists."""
MAX_TOTAL = 2**31
TOP_RANGES = {"short_term": "Top tracks, 4 weeks", "medium_term": "Top tracks, 6 months", "long_term": "Top tracks, 1 year"}


class SavedPlace(msgspec.Struct):
    """`total`: how many were saved when the last page was read."""

    offset: int | None = 0
    total: int = 0


class SavedTracks(SpotifySource[SavedPlace]):
    """Saved tracks: tracks, and a like of each when it was saved."""

    name, place_type = "spotify-saved", SavedPlace

    def __init__(self, session: SpotifySession, listener: str, known: KnownElsewhere) -> None:
        super().__init__(session, f"saved tracks of {listener}", "saved", known)
        self._listener = listener

    def start(self) -> SavedPlace:
        """The newest."""
        return SavedPlace()

    def done(self, place: SavedPlace) -> bool:
        """Behind the oldest."""
        return place.offset is None

    def step(self, place: SavedPlace) -> tuple[Found, SavedPlace]:
        """One page."""
        offset, market = place.offset or 0, self.session.market
        body = self.session.ask(
            lambda client: client.current_user_saved_tracks(limit=PAGE, offset=offset, market=market), "saved"
        )
        found, entries = Found.nothing(), items_of(body)
        for number, entry in enumerate(map(object_of, entries), start=offset + 1):
            where = f"saved track {number}"
            track = found.take(track_of(entry.get("track"), where, self.session.budget.now()))
            if track is not None:
                found.add(event_of("like", track, self._listener, entry.get("added_at"), where))
        return found, _after(place, len(entries), body)


def _after(place: SavedPlace, read: int, body: dict[str, Any]) -> SavedPlace:
    said, offset = body.get("total"), place.offset or 0
    total = said if type(said) is int and 0 <= said < MAX_TOTAL else place.total
    removed = place.total - total
    if offset and removed > 0:
        # Those behind them have moved towards the beginning, past the page that was read.
        return SavedPlace(max(0, offset - removed), total)
    return SavedPlace(offset + read if body.get("next") and read else None, total)


class TopPlace(msgspec.Struct):
    """`range`: which of TOP_RANGES; `track_ids`: what it held so far."""

    range: int = 0
    offset: int = 0
    track_ids: list[str] = []


class TopTracks(SpotifySource[TopPlace]):
    """What Spotify counts as heard most: tracks, and a playlist for each span of time."""

    name, place_type = "spotify-top", TopPlace

    def __init__(self, session: SpotifySession, listener: str, known: KnownElsewhere) -> None:
        super().__init__(session, f"top tracks of {listener}", "top", known)
        self._listener = listener

    def start(self) -> TopPlace:
        """The last four weeks."""
        return TopPlace()

    def done(self, place: TopPlace) -> bool:
        """Behind the last span."""
        return place.range >= len(TOP_RANGES)

    def step(self, place: TopPlace) -> tuple[Found, TopPlace]:
        """One page of one span; the last one brings the playlist."""
        span = list(TOP_RANGES)[place.range]
        body = self.session.ask(
            lambda client: client.current_user_top_tracks(limit=PAGE, offset=place.offset, time_range=span), "top"
        )
        found, entries, track_ids = Found.nothing(), items_of(body), list(place.track_ids)
        for number, raw in enumerate(entries, start=place.offset + 1):
            track = found.take(track_of(raw, f"top track {number} of {span}", self.session.budget.now()))
            track_ids += [track.track_id] if track else []
        if body.get("next") is not None and entries:
            return found, TopPlace(place.range, place.offset + len(entries), track_ids)
        if track_ids:
            found.add(self._playlist(span, track_ids))
        return found, TopPlace(place.range + 1)

    def _playlist(self, span: str, track_ids: list[str]) -> PlaylistRecord:
        return PlaylistRecord(
            playlist_id=f"spotify-top-{span}.{digest(self._listener)}", name=TOP_RANGES[span], track_ids=tuple(track_ids),
            owner_id=self._listener, source=SPOTIFY_API,
        )  # fmt: skip


class RecentPlace(msgspec.Struct):
    """Spotify keeps 50 plays, so there is one request."""

    read: bool = False


class RecentPlays(SpotifySource[RecentPlace]):
    """What was played last: tracks and plays."""

    name, place_type = "spotify-recent", RecentPlace

    def __init__(self, session: SpotifySession, listener: str, known: KnownElsewhere) -> None:
        super().__init__(session, f"recent plays of {listener}", "recent", known)
        self._listener = listener

    def start(self) -> RecentPlace:
        """Nothing is read."""
        return RecentPlace()

    def done(self, place: RecentPlace) -> bool:
        """Everything is."""
        return place.read

    def step(self, place: RecentPlace) -> tuple[Found, RecentPlace]:  # noqa: ARG002  # there is one place
        """All of it."""
        body = self.session.ask(lambda client: client.current_user_recently_played(limit=PAGE), "recent")
        found = Found.nothing()
        for number, entry in enumerate(map(object_of, items_of(body)), start=1):
            where = f"recent play {number}"
            track = found.take(track_of(entry.get("track"), where, self.session.budget.now()))
            if track is not None:
                found.add(event_of("play", track, self._listener, entry.get("played_at"), where))
        return found, RecentPlace(read=True)
