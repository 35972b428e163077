"""What a caller may narrow an answer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.recommending.eligibility import Condition
from segue.recommending.facts import FEATURES, Facts


@dataclass(frozen=True)
class FeatureRange:
    """Bounds of one audio feature of FEATURES, inclusive; None leaves a side open."""

    feature: str
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        if self.feature not in FEATURES:
            raise ValueError(f"no audio feature {self.feature!r}: there are {', '.join(FEATURES)}")
        if any(bound is not None and isnan(bound) for bound in (self.least, self.most)):
            raise ValueError(f"a bound of {self.feature} is not a number")


@dataclass(frozen=True)
class Contradiction:
    """Conditions that no track can meet together; `fields` are names as in `Filters`, `features.<name>.min` for a feature."""

    fields: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Filters:
    """Every given condition must hold; a track of which the asked-for fact is unknown is left out.

    `genres`, `moods`: any of them; `exclude_genres`: none of them (a track without genres passes). Years, popularity (0..100) and
    features inclusive. `explicit` True: explicit tracks only; False: no track known to be explicit (unknown passes, since many
    catalogues do not say); None: all.
    """

    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    year_min: int | None = None
    year_max: int | None = None
    explicit: bool | None = None
    popularity_min: int | None = None
    popularity_max: int | None = None
    exclude_genres: tuple[str, ...] = ()
    features: tuple[FeatureRange, ...] = ()

    def contradictions(self) -> list[Contradiction]:
        """What no track can meet, each with the fields that contradict each other."""
        ranges = [self._years(), self._popularity(), *(_feature_bounds(wanted) for wanted in self.features)]
        crossed = [bounds.crossed() for bounds in ranges if bounds.is_crossed]
        excluded = {genre.casefold() for genre in self.exclude_genres}
        both = [genre for genre in self.genres if genre.casefold() in excluded]
        text = "both wanted and excluded: take it out of one of the two"
        return crossed + [Contradiction(("genres", "exclude_genres"), f"genre {genre!r} is {text}") for genre in both]

    def conditions(self, facts: Facts) -> Iterator[Condition]:
        """One condition for each given filter."""
        if self.genres:
            yield Condition(("filters.genres",), f"a genre out of {', '.join(self.genres)}", facts.in_genres(self.genres))
        if self.exclude_genres:
            unwanted = facts.in_genres(self.exclude_genres)
            yield Condition(("filters.exclude_genres",), f"no genre out of {', '.join(self.exclude_genres)}", ~unwanted)
        if self.moods:
            allowed = np.logical_or.reduce([mask for mood, mask in facts.by_mood.items() if mood in self.moods])
            yield Condition(("filters.moods",), f"a mood out of {', '.join(self.moods)}", allowed)
        if self.explicit is not None:
            allowed = facts.is_explicit if self.explicit else ~facts.is_explicit
            yield Condition(("filters.explicit",), "explicit" if self.explicit else "not explicit", allowed)
        yield from self._years().conditions(facts.year, unknown_below=0)
        yield from self._popularity().conditions(facts.popularity, unknown_below=0)
        for wanted in self.features:
            yield from _feature_bounds(wanted).conditions(facts.feature(wanted.feature))

    def _years(self) -> _Bounds:
        return _Bounds("year", "year_min", "year_max", self.year_min, self.year_max)

    def _popularity(self) -> _Bounds:
        return _Bounds("popularity", "popularity_min", "popularity_max", self.popularity_min, self.popularity_max)


@dataclass(frozen=True)
class _Bounds:
    name: str
    least_field: str
    most_field: str
    least: float | None
    most: float | None

    @property
    def is_crossed(self) -> bool:
        return self.least is not None and self.most is not None and self.least > self.most

    def crossed(self) -> Contradiction:
        text = f"{self.least_field} {self.least:g} is above {self.most_field} {self.most:g}: no track can be in between"
        return Contradiction((self.least_field, self.most_field), text)

    def conditions(self, values: npt.NDArray[Any], unknown_below: int | None = None) -> Iterator[Condition]:
        """At most one. NaN meets no bound; of integers, what is unknown lies below `unknown_below`."""
        fields = {self.least_field: self.least, self.most_field: self.most}
        given = tuple(f"filters.{field}" for field, bound in fields.items() if bound is not None)
        least = unknown_below if self.least is None else self.least
        if not given:
            return
        allowed = np.ones(len(values), np.bool_) if least is None else values >= least
        if self.most is not None:
            allowed &= values <= self.most
        yield Condition(given, f"{self.name} {_words(self.least, self.most)}", allowed)


def _feature_bounds(wanted: FeatureRange) -> _Bounds:
    path = f"features.{wanted.feature}"
    return _Bounds(wanted.feature, f"{path}.min", f"{path}.max", wanted.least, wanted.most)


def _words(least: float | None, most: float | None) -> str:
    if least is None:
        return f"up to {most:g}"
    return f"from {least:g}" if most is None else f"from {least:g} to {most:g}"
