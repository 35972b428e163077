"""A person's saved, top and recent tracks."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from producers.spotify.records import digest, event_of, items_of, object_of, track_of
from producers.spotify.session import SpotifySession
from producers.spotify.steps import PLACE, Found, KnownElsewhere, SpotifySource
from segue.events import PlaylistRecord
from segue.sources import SPOTIFY_API

PAGE = 50
"""Most tracks that Spotify gives at once of a person's own lists."""
MAX_TOTAL = 2**31
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
"""Texts of this form are in the order of time."""
TOP_RANGES = {"short_term": "Top tracks, 4 weeks", "medium_term": "Top tracks, 6 months", "long_term": "Top tracks, 1 year"}


class SavedPlace(msgspec.Struct):
    """`offset`: None behind the end; `total`: how many were saved when the last page was read.

    `newest`: when the newest one was saved, as Spotify writes it; `until`: what was saved before was read by an earlier run;
    `whole_at_s`: when a run last began to read all (Unix time).
    """

    offset: int | None = 0
    total: int = 0
    newest: str = ""
    until: str = ""
    whole_at_s: float = 0.0


class SavedTracks(SpotifySource[SavedPlace]):
    """Saved tracks: tracks, and a like of each when it was saved.

    `earlier`: where a run ended that was done; what it read is read again only if that was `fresh_s` seconds ago.
    """

    name, place_type = "spotify-saved", SavedPlace

    def __init__(
        self, session: SpotifySession, listener: str, known: KnownElsewhere, earlier: SavedPlace | None, fresh_s: float
    ) -> None:
        super().__init__(session, f"saved tracks of {listener}", "saved", known)
        self._listener, self._earlier, self._fresh_s = listener, earlier, fresh_s

    def start(self) -> SavedPlace:
        """The newest."""
        now_s, earlier = self.session.budget.now().timestamp(), self._earlier
        if earlier is None or now_s - earlier.whole_at_s >= self._fresh_s:
            return SavedPlace(whole_at_s=now_s)
        return SavedPlace(until=earlier.newest, whole_at_s=earlier.whole_at_s)

    def done(self, place: SavedPlace) -> bool:
        """Behind the oldest."""
        return place.offset is None

    def step(self, place: SavedPlace) -> tuple[Found, SavedPlace]:
        """One page."""
        offset, market = place.offset or 0, self.session.market
        body = self.session.ask(
            lambda client: client.current_user_saved_tracks(limit=PAGE, offset=offset, market=market), "saved"
        )
        found, entries = Found.nothing(), [object_of(entry) for entry in items_of(body)]
        for number, entry in enumerate(entries, start=offset + 1):
            where = f"saved track {number}"
            track = found.take(track_of(entry.get("track"), where, self.session.budget.now()))
            if track is not None:
                found.add(event_of("like", track, self._listener, entry.get("added_at"), where))
        times = [at for entry in entries if isinstance(at := entry.get("added_at"), str) and _TIME.fullmatch(at)]
        return found, self._after(place, body, len(entries), times)

    def _after(self, place: SavedPlace, body: dict[str, Any], read: int, times: list[str]) -> SavedPlace:
        said, offset = body.get("total"), place.offset or 0
        total = said if type(said) is int and 0 <= said < MAX_TOTAL else place.total
        removed = place.total - total
        newest = place.newest or (times[0] if times else place.until)
        further: int | None = offset + read
        if offset and removed > 0:
            # Those behind them have moved towards the beginning, past the page that was read.
            further = max(0, offset - removed)
        elif not body.get("next") or not read or (times and times[-1] < place.until):
            further = None
        return SavedPlace(further, total, newest, place.until, place.whole_at_s)


def saved_in(position: dict[str, Any] | None) -> SavedPlace | None:
    """Where a run ended that is done, from its last position."""
    try:
        return msgspec.convert((position or {}).get(PLACE), SavedPlace)
    except msgspec.ValidationError:
        return None


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
