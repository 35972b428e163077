"""From the words of a request to what the recommender takes, with a 422 for what contradicts itself or names nothing."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from heapq import nsmallest

from api.live_catalogue import LiveCatalogue
from api.problems import FieldError, Problem, invalid_fields
from api.questions import MAX_SEED, Controls, Heard, Steered, Variety, WantedTracks
from api.schemas import NoteShown
from segue.ids import TrackNo
from segue.recommending.diversity import Diversity
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.steering import Exploration, Steering

NAMED = 10
"""How many of the known names a refusal gives."""


@dataclass(frozen=True)
class Wanted:
    """`n` tracks under a steering; `seed` is told when the answer explores."""

    n: int
    steering: Steering
    seed: int | None


def wanted(question: Steered, catalogue: LiveCatalogue, usual: Diversity) -> Wanted:
    """How to answer a question. Raises as `steered`."""
    explores = question.exploration.epsilon > 0
    seed = question.exploration.seed if question.exploration.seed is not None else secrets.randbelow(MAX_SEED)
    steering = replace(steered(question, catalogue, usual), exploration=Exploration(question.exploration.epsilon, seed))
    return Wanted(question.n, steering, seed if explores else None)


def steered(question: Controls, catalogue: LiveCatalogue, usual: Diversity) -> Steering:
    """The steering of a question, without exploration.

    Raises Problem 422 naming every field that contradicts another or names an unknown genre.
    """
    asked = question.filters
    check_genres(catalogue, {"filters.genres": asked.genres, "filters.exclude_genres": asked.exclude_genres})
    filters = _filters(asked)
    if found := filters.contradictions():
        raise invalid_fields([FieldError(f"filters.{field}", one.text) for one in found for field in one.fields])
    return Steering(
        filters=filters,
        exclude=_numbers(question.exclude, catalogue),
        blocked_tracks=_numbers(question.blocks.tracks, catalogue),
        blocked_artists=tuple(question.blocks.artists),
        heard_days=question.heard_days if isinstance(question, Heard) else None,
        diversity=_diversity(question.diversity, usual),
        adventurousness=question.adventurousness,
    )


@contextmanager
def naming(names: Mapping[str, str]) -> Iterator[None]:
    """Refusals from within call fields by `names`."""
    try:
        yield
    except Problem as problem:
        raise invalid_fields([FieldError(names.get(one.field, one.field), one.reason) for one in problem.errors]) from None


def renamed(note: NoteShown, names: Mapping[str, str]) -> NoteShown:
    """The note with its fields called by `names`."""
    return NoteShown(note.code, note.text, tuple(names.get(field, field) for field in note.fields))


def check_genres(catalogue: LiveCatalogue, named: Mapping[str, Sequence[str]]) -> None:
    """Raises Problem 422 for genres that no track has; `named` by field."""
    _check(named, catalogue.genres, "no track has genre {!r}; known are {}, …")


def check_artists(catalogue: LiveCatalogue, named: Mapping[str, Sequence[str]]) -> None:
    """Raises Problem 422 for artists without a track; `named` by field."""
    _check(named, catalogue.artists, "no track is by {!r}: GET /tracks/search?q=… finds names; many are by {}, …")


def _check(named: Mapping[str, Sequence[str]], known: Mapping[str, int], text: str) -> None:
    unknown = [(field, name) for field, names in named.items() for name in names if known.get(name.casefold(), 0) < 1]
    if unknown:
        some = ", ".join(nsmallest(NAMED, known, key=lambda name: (-known[name], name)))
        raise invalid_fields([FieldError(field, text.format(name, some)) for field, name in unknown])


def _filters(asked: WantedTracks) -> Filters:
    return Filters(
        tuple(asked.genres), tuple(asked.moods), asked.year_min, asked.year_max, asked.explicit, asked.popularity_min,
        asked.popularity_max, tuple(asked.exclude_genres),
        tuple(FeatureRange(name, bounds.min, bounds.max) for name, bounds in asked.features.items()),
    )  # fmt: skip


def _diversity(asked: Variety, usual: Diversity) -> Diversity:
    strength = usual.strength if asked.strength is None else asked.strength
    return Diversity(strength, asked.per_artist or usual.per_artist, asked.per_album or usual.per_album)


def _numbers(track_ids: Collection[str], catalogue: LiveCatalogue) -> frozenset[TrackNo]:
    return frozenset(track.track_no for track in map(catalogue.by_id, track_ids) if track is not None)
