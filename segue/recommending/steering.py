"""What a caller may steer in any question."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from segue.errors import InvalidInput
from segue.ids import TrackNo
from segue.models.contract import Columns, History
from segue.recommending.adventure import NEUTRAL
from segue.recommending.diversity import Diversity
from segue.recommending.eligibility import HEARD_FIELD, LENGTH_FIELD, Condition
from segue.recommending.facts import Facts
from segue.recommending.filters import Filters

DAY_S = 86_400.0


@dataclass(frozen=True)
class Exploration:
    """Each slot of an answer is given, with probability `epsilon`, to a track that the scores alone would not show.

    The same `seed` draws the same tracks.
    """

    epsilon: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_unit("epsilon", self.epsilon)
        if self.seed < 0:
            raise InvalidInput(f"seed {self.seed} is negative: give a whole number from 0", "contradictory_steering")


@dataclass(frozen=True)
class Steering:
    """How to answer, whatever is asked.

    `exclude`: tracks to leave out this time. `blocked_tracks` and `blocked_artists` (names, case does not matter): never wanted,
    in no version and not as guests either. `heard_days`: hide what was heard within so many days; 0 shows all, None hides all
    that was ever heard. `longest_ms`: only tracks of a known length up to that; None shows all. `adventurousness` 0 (familiar) to
    1 (discovery), NEUTRAL leaves the scores alone. `diversity` None: what suits the question.

    Raises InvalidInput when a number is out of its range or filters contradict each other.
    """

    filters: Filters = field(default_factory=Filters)
    exclude: AbstractSet[TrackNo] = frozenset()
    blocked_tracks: AbstractSet[TrackNo] = frozenset()
    blocked_artists: tuple[str, ...] = ()
    heard_days: float | None = None
    longest_ms: int | None = None
    diversity: Diversity | None = None
    adventurousness: float = NEUTRAL
    exploration: Exploration = field(default_factory=Exploration)

    def __post_init__(self) -> None:
        _check_unit("adventurousness", self.adventurousness)
        if self.heard_days is not None and not 0 <= self.heard_days < float("inf"):
            raise InvalidInput(f"heard_days {self.heard_days} is not a number of days from 0", "contradictory_steering")
        if found := self.filters.contradictions():
            raise InvalidInput("; ".join(contradiction.text for contradiction in found), "contradictory_filters")

    def conditions(self, facts: Facts, excluded: Columns, blocked: Columns) -> Iterator[Condition]:
        """What filters, excludes and blocks ask for; `excluded` and `blocked` are columns of those tracks."""
        yield from self.filters.conditions(facts)
        if self.longest_ms is not None:
            text = f"of a known length up to {self.longest_ms / 60_000:.1f} minutes"
            fits = (facts.length_ms > 0) & (facts.length_ms <= self.longest_ms)
            yield Condition((LENGTH_FIELD,), text, keeps=fits)
        if len(excluded):
            yield Condition(("exclude",), f"without the {len(excluded)} excluded tracks", hides=excluded)
        if len(blocked):
            yield Condition(("blocks.tracks",), f"without {len(blocked)} blocked tracks", hides=facts.versions_of(blocked))
        if self.blocked_artists:
            text = f"nothing by {', '.join(self.blocked_artists)}"
            yield Condition(("blocks.artists",), text, keeps=~facts.by_artists(self.blocked_artists))

    def heard(self, facts: Facts, history: History, now_s: float) -> Iterator[Condition]:
        """That what was heard lately is hidden in all its versions, and what was turned down always."""
        columns = history.columns
        if self.heard_days is not None:
            lately = history.last_at_s > now_s - self.heard_days * DAY_S
            columns = columns[lately | (history.preference < 0)]
        if len(columns):
            yield Condition((HEARD_FIELD,), "not heard yet", hides=facts.versions_of(columns))


def _check_unit(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InvalidInput(f"{name} {value} is not between 0 and 1", "contradictory_steering")


STRAIGHT = Steering()
