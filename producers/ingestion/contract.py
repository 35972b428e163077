"""What a source of tracks, playlists and listens is, to those who read it.

A source yields pages in a deterministic order; each says where to go on after it. The runner publishes a page and saves its
position only after Kafka has acknowledged it, so a page may be read and published twice: ids are made of what was read
(`segue.ids.uuid7_of`), so that it counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

import msgspec

from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord

Item: TypeAlias = CatalogueTrack | PlaylistRecord | UserRecord | ListeningEvent


class Rejected(msgspec.Struct, frozen=True):
    """One thing that could not be taken: it is told, never dropped silently."""

    code: str
    """Stable, such as `bad_json`, `no_title`, `too_long_line`, `zip_bomb`, `path_traversal`."""
    where: str
    """File, member of an archive, line or position: for people."""
    reason: str
    """What is wrong and what to do. Says nothing of a device, an address or an account."""


class Skipped(msgspec.Struct, frozen=True):
    """One thing that is valid and left out on purpose: `podcast`, `incognito`, `duplicate`, `now_playing`, `local_file`."""

    code: str


class Page(msgspec.Struct, frozen=True):
    """A few thousand rows of a source, read."""

    items: list[Item]
    rejected: list[Rejected]
    skipped: list[Skipped]
    position: dict[str, Any]
    """Where to go on after this page, as JSON."""
    read: int
    """Of what `Source.total` counts (rows, or bytes), how much this page took."""


class Source(Protocol):
    """Something to import."""

    @property
    def name(self) -> str:
        """The kind: `spotify-history`, `lastfm`, `mpd`."""
        ...

    @property
    def label(self) -> str:
        """A file's name or an account, for people; no secret."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies the input: a position of another one is not gone on from."""
        ...

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """The pages after `position`; all where it is None. Raises InvalidInput, NotFound or Unavailable."""
        ...

    def total(self) -> int | None:
        """Raw rows or bytes of the whole input, where that is known cheaply."""
        ...
