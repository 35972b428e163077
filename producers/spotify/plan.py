"""What somebody wants of Spotify, from the words of a command to sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from producers.spotify.library import RecentPlays, SavedTracks, TopTracks, saved_in
from producers.spotify.playlists import Playlists, seen_in
from producers.spotify.references import Reference, References, reference_of
from producers.spotify.search import Search
from producers.spotify.session import SpotifySession
from producers.spotify.steps import KnownElsewhere, SpotifySource
from segue.errors import InvalidInput, LoginNeeded

AnySource: TypeAlias = SpotifySource[Any]
Own = Literal["saved", "playlists", "top", "recent"]

OWN: tuple[Own, ...] = ("saved", "playlists", "top", "recent")
OWN_NAMES: dict[Own, str] = {
    "saved": SavedTracks.name, "playlists": Playlists.name, "top": TopTracks.name, "recent": RecentPlays.name,
}  # fmt: skip
SOURCE_NAMES = (*OWN_NAMES.values(), Search.name, References.name)
FRESH_SHARE = 0.5
"""Of the retention: what is older is fetched again although it has not changed, so that it does not expire."""


@dataclass(frozen=True)
class Wanted:
    """`own`: of the person's own lists; `search`: a text; `references`: things named; `refresh`: what would soon be too old."""

    own: tuple[Own, ...] = ()
    search: str | None = None
    references: tuple[Reference, ...] = ()
    refresh: bool = False


def wanted(words: Sequence[str]) -> Wanted:
    """`saved playlists`, `search some text`, `refresh`, or ids, URIs and addresses. Raises InvalidInput."""
    if words[:1] == ["search"]:
        if not " ".join(words[1:]).strip():
            raise InvalidInput("search for what? `segue ingest spotify search TEXT`", "nothing_asked")
        return Wanted(search=" ".join(words[1:]).strip())
    if list(words) == ["refresh"]:
        return Wanted(refresh=True)
    own = tuple(dict.fromkeys(one for one in OWN if one in words))
    references = tuple(dict.fromkeys(reference_of(word) for word in words if word not in OWN))
    if not own and not references:
        raise InvalidInput(f"nothing is asked for: name some of {', '.join(OWN)}, `search TEXT`, or ids", "nothing_asked")
    return Wanted(own, None, references)


@dataclass(frozen=True)
class Planner:
    """Makes sources. `listener`: to whom likes, plays and playlists are attributed here; `known`: see KnownElsewhere."""

    session: SpotifySession
    listener: str | None
    known: KnownElsewhere

    def own(self, kind: Own, earlier: dict[str, Any] | None, fresh_s: float) -> AnySource:
        """A list of the person's.

        `earlier`: the position of the last run that was done; what it read is fresh for `fresh_s` seconds. Raises InvalidInput
        or LoginNeeded.
        """
        if self.listener is None:
            raise InvalidInput(f"{kind} needs --listener NAME: who you are in Segue", "no_listener")
        if not self.session.login.personal:
            raise LoginNeeded(f"{kind} is somebody's own: log in with `segue ingest auth`")
        match kind:
            case "saved":
                return SavedTracks(self.session, self.listener, self.known, saved_in(earlier), fresh_s)
            case "playlists":
                return Playlists(self.session, self.listener, self.known, seen_in(earlier), fresh_s)
            case "top":
                return TopTracks(self.session, self.listener, self.known)
            case "recent":
                return RecentPlays(self.session, self.listener, self.known)

    def search(self, text: str, most: int) -> AnySource:
        """The first results of a search."""
        return Search(self.session, text, most, self.known)

    def references(self, references: Sequence[Reference]) -> AnySource:
        """Things named."""
        return References(self.session, references, self.listener, self.known)
