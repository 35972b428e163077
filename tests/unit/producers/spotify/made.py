"""An account with something of everything, and all sources over it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from producers.ingestion.contract import Item, Page
from producers.spotify.library import RecentPlays, SavedTracks, TopTracks
from producers.spotify.playlists import Playlists
from producers.spotify.references import References, reference_of
from producers.spotify.search import Search
from producers.spotify.session import SpotifySession
from producers.spotify.steps import SpotifySource
from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord
from tests.fakes.spotify import Account, FakePlaylist, Library
from tests.fakes.spotify.library import EPISODE, LOCAL_FILE, spotify_id

MINE, OTHERS, SPOTIFYS = (spotify_id("list", number) for number in range(3))


def account() -> Account:
    """120 saved tracks, three playlists, top tracks of two spans, two recent plays."""
    return Account(
        saved=[(number, f"2026-01-{28 - number // 10:02d}T12:00:00Z") for number in range(120)],
        top={"short_term": list(range(60)), "long_term": [3]},
        recent=[(1, "2026-11-26T06:00:00.123Z"), (2, "2026-11-26T05:56:00Z")],
        playlists=[
            FakePlaylist(MINE, "Mine", "wizzler", [*range(200, 270), None, LOCAL_FILE, EPISODE]),
            FakePlaylist(OTHERS, "Somebody's", "other", [1, 2]),
            FakePlaylist(SPOTIFYS, "Discover", "spotify", [1]),
        ],
    )


def library() -> Library:
    """A Spotify with this account."""
    return Library(account=account())


def nothing_known(_: Collection[str]) -> Collection[str]:
    """A catalogue that is empty."""
    return ()


def saved(session: SpotifySession) -> SavedTracks:
    return SavedTracks(session, "me", nothing_known, None, fresh_s=86_400.0)


def playlists(session: SpotifySession) -> Playlists:
    return Playlists(session, "me", nothing_known, {}, fresh_s=86_400.0)


def top(session: SpotifySession) -> TopTracks:
    return TopTracks(session, "me", nothing_known)


def recent(session: SpotifySession) -> RecentPlays:
    return RecentPlays(session, "me", nothing_known)


def search(session: SpotifySession) -> Search:
    return Search(session, "song", 25, nothing_known)


def named(session: SpotifySession) -> References:
    texts = (
        spotify_id("track", 5), f"spotify:track:{spotify_id('track', 6)}", f"track:{spotify_id('track', 999_999)}",
        f"https://open.spotify.com/intl-de/album/{spotify_id('album', 3)}?si=1", f"artist:{spotify_id('artist', 2)}",
        f"open.spotify.com/playlist/{MINE}",
    )  # fmt: skip
    return References(session, [reference_of(text) for text in texts], "me", nothing_known)


MakeSource = Callable[[SpotifySession], SpotifySource]  # type: ignore[type-arg]  # of any place
SOURCES: tuple[MakeSource, ...] = (saved, playlists, top, recent, search, named)


def items_in(pages: list[Page]) -> list[Item]:
    return [item for page in pages for item in page.items]


def tracks_in(pages: list[Page]) -> list[CatalogueTrack]:
    return [item for item in items_in(pages) if isinstance(item, CatalogueTrack)]


def events_in(pages: list[Page]) -> list[ListeningEvent]:
    return [item for item in items_in(pages) if isinstance(item, ListeningEvent)]


def playlists_in(pages: list[Page]) -> list[PlaylistRecord]:
    return [item for item in items_in(pages) if isinstance(item, PlaylistRecord)]


def rejected_in(pages: list[Page]) -> list[str]:
    return [one.code for page in pages for one in page.rejected]


def skipped_in(pages: list[Page]) -> list[str]:
    return [one.code for page in pages for one in page.skipped]
