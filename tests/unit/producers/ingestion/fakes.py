"""A source, a sink and a place to remember imports, all in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from producers.ingestion.contract import Item, Page, Rejected, Skipped
from producers.ingestion.pages import Checked
from segue.catalogue import Track
from segue.errors import KafkaUnavailable, PostgresUnavailable, SegueError
from segue.events import CatalogueTrack
from segue.ids import TrackNo


def track(number: int) -> CatalogueTrack:
    return CatalogueTrack(track_id=f"t{number}", name=f"Waltz {number}", artists=("Otters",))


@dataclass
class ListSource:
    """Two tracks a page; `breaks` is raised instead of the page after as many."""

    tracks: int
    breaks: tuple[int, SegueError] | None = None
    usable: bool = True
    asked_from: list[dict[str, Any] | None] = field(default_factory=list)
    name: str = "list"
    label: str = "a list"
    fingerprint: str = "f"

    def total(self) -> int | None:
        return self.tracks

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        self.asked_from.append(position)
        start = position["row"] if position else 0
        for row in range(start, self.tracks, 2):
            if self.breaks and self.breaks[0] == row // 2:
                raise self.breaks[1]
            items: list[Item] = [track(number) for number in range(row, min(row + 2, self.tracks))]
            broken = [Rejected("no_title", f"row {row}", "no title")]
            yield Page(items if self.usable else [], broken, [Skipped("podcast")], {"row": row + 2}, len(items))


@dataclass
class ListSink:
    """`settled` is what would survive; a write or a settling may fail."""

    fails_at_write: int | None = None
    fails_at_settle: int | None = None
    written: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    settles: int = 0
    writes: int = 0
    ended: list[str] = field(default_factory=list)

    def write(self, page: Checked) -> None:
        self.writes += 1
        if self.writes == self.fails_at_write:
            raise KafkaUnavailable("away")
        self.written += [one.track_id for one in page.kinds["tracks"]]

    def settle(self) -> None:
        self.settles += 1
        if self.settles == self.fails_at_settle:
            raise KafkaUnavailable("away")
        self.settled = list(self.written)

    def finish(self) -> None:
        self.ended.append("finished")

    def abandon(self) -> None:
        self.ended.append("abandoned")


class Looks:
    """Counts pages; `stops_after` as many it wants the import to end."""

    def __init__(self, stops_after: int | None = None) -> None:
        self.pages, self._stops_after = 0, stops_after
        self.read = 0

    def page(self, page: Checked) -> None:
        self.pages += 1
        self.read += page.read

    def stopped(self) -> bool:
        return self._stops_after is not None and self.pages >= self._stops_after


class StillClock:
    """Time passes in `wait` only."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_s(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def stopped(self) -> bool:
        return False


def failing(times: int, action: Callable[[], None]) -> Callable[[], None]:
    """Fails with PostgresUnavailable as many times, then does it."""
    left = iter(range(times))

    def attempt() -> None:
        if next(left, None) is not None:
            raise PostgresUnavailable("restarting")
        action()

    return attempt


def ids(numbers: Sequence[int]) -> list[str]:
    return [f"t{number}" for number in numbers]


class Catalogue:
    """Has tracks by these ids, and these."""

    def __init__(self, *track_ids: str, tracks: Sequence[Track] = ()) -> None:
        self._tracks = [*(named(one, "Waltz", "Otters") for one in track_ids), *tracks]
        self.asked: list[list[str]] = []

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        self.asked.append(list(track_ids))
        return [one for one in self._tracks if one.track_id in track_ids or one.song_key in keys]


def named(track_id: str, name: str, artist: str) -> Track:
    return Track(TrackNo(1), track_id, name, (artist,), None, None, None, None, None, (), None)
