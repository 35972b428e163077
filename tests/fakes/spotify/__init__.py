"""A Spotify on this machine: its Web API and its accounts service, as they answer different kinds of applications."""

from tests.fakes.spotify.kinds import EXT, EXT_WITH_FEATURES, NEW_DEV, OLD_DEV, AppKind
from tests.fakes.spotify.library import Account, FakePlaylist, Library
from tests.fakes.spotify.reply import Reply
from tests.fakes.spotify.server import FakeSpotify

__all__ = [
    "EXT", "EXT_WITH_FEATURES", "NEW_DEV", "OLD_DEV", "Account", "AppKind", "FakePlaylist", "FakeSpotify", "Library", "Reply",
]  # fmt: skip
