"""Answers without a model: what is heard now, then the catalogue's own popularity, under the same filters, blocks and reasons.

Neither the adventurousness dial nor exploration nor caps hold: there are no scores to weigh them against, which `degraded` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, filterfalse, islice

import numpy as np

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.popularity import PopularNow
from segue.recommending.answer import Answer, Recommendation
from segue.recommending.eligibility import HEARD_FIELD, Condition, Eligibility, Note
from segue.recommending.facts import Facts
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.prompts import NOTHING, Prompt
from segue.recommending.reasons import popular_in
from segue.recommending.steering import Steering

SOURCES = ("popularity",)

Test = Callable[[Track], bool]
"""Whether a track passes. What it looks for was folded once, not for each of many thousand tracks."""


@dataclass(frozen=True)
class Ranked:
    """Every track, most popular first. `shares`: of what is heard now, of the tracks that are; these come first."""

    tracks: Sequence[Track]
    shares: Mapping[TrackNo, float]

    @classmethod
    def of(cls, now: PopularNow, by_catalogue: Sequence[Track]) -> Ranked:
        """What is popular now, and then the rest in the order of `by_catalogue`."""
        shares = dict(zip(map(TrackNo, now.track_no.tolist()), now.share.tolist(), strict=True))
        known = {track.track_no: track for track in by_catalogue if track.track_no in shares}
        heard = [known[number] for number in shares if number in known]
        return cls((*heard, *(track for track in by_catalogue if track.track_no not in shares)), shares)

    def score(self, track: Track) -> float:
        """The catalogue's popularity on 0..1; above 1 for what is heard now."""
        share = self.shares.get(track.track_no)
        return (track.popularity or 0) / 100.0 if share is None else 1.0 + share


def popular(ranked: Ranked, n: int, steering: Steering, hidden: Collection[TrackNo] = (), chosen: Prompt = NOTHING) -> Answer:
    """The first `n` that pass; those with a genre, a mood or an artist of `chosen` first. One version of each song.

    `hidden`: what the listener heard, and what else no version may pass of.
    """
    unwanted = {*hidden, *steering.blocked_tracks}
    songs = {track.song_key for track in ranked.tracks if track.track_no in unwanted}
    passing = filter(allowed(steering), _chosen_first(ranked.tracks, chosen))
    found = islice(first_versions(passing, songs), n)
    items = tuple(_recommendation(track, ranked.score(track), chosen.genres) for track in found)
    return Answer(items, _notes(ranked.tracks, n, len(items), steering, hidden))


def passes(filters: Filters) -> Test:
    """Tells what passes, as the conditions of `segue.recommending.filters.Filters` decide for many at once."""
    genres, unwanted = _folded(filters.genres), _folded(filters.exclude_genres)

    def test(track: Track) -> bool:
        return (
            (not genres or _has_any(track.genres, genres))
            and not _has_any(track.genres, unwanted)
            and (not filters.moods or track.mood in filters.moods)
            and _within(track.year, filters.year_min, filters.year_max)
            and _within(track.popularity, filters.popularity_min, filters.popularity_max)
            and (filters.explicit is None or (track.explicit is True) == filters.explicit)
            and all(_in_range(track, wanted) for wanted in filters.features)
        )

    return test


def allowed(steering: Steering) -> Test:
    """Tells what passes but for blocks of tracks, which hide every version: see `first_versions`."""
    blocked, passing, longest_ms = _folded(steering.blocked_artists), passes(steering.filters), steering.longest_ms

    def test(track: Track) -> bool:
        return (
            track.track_no not in steering.exclude
            and not _has_any(track.artists, blocked)
            and passing(track)
            and (longest_ms is None or 0 < (track.duration_ms or 0) <= longest_ms)
        )

    return test


def _notes(ranked: Sequence[Track], n: int, found: int, steering: Steering, hidden: Collection[TrackNo]) -> tuple[Note, ...]:
    if found >= n:
        return ()
    if found:
        return (Note("fewer_than_asked", f"Only {found} of {n} tracks pass; all of them are here", ("n",)),)
    facts = Facts.of(ranked)
    numbers = np.array([track.track_no for track in ranked], np.int32)
    excluded, blocked, heard = (
        np.flatnonzero(np.isin(numbers, list(some))).astype(np.int32)
        for some in (steering.exclude, steering.blocked_tracks, hidden)
    )
    own = Condition((HEARD_FIELD,), "not heard yet", hides=facts.versions_of(heard))
    return (Eligibility.under(facts, [*steering.conditions(facts, excluded, blocked), own]).why_empty(),)


def _chosen_first(ranked: Sequence[Track], chosen: Prompt) -> Iterable[Track]:
    if not (chosen.genres or chosen.moods or chosen.artists):
        return ranked
    genres, artists = _folded(chosen.genres), _folded(chosen.artists)

    def is_chosen(track: Track) -> bool:
        return _has_any(track.genres, genres) or track.mood in chosen.moods or _has_any(track.artists, artists)

    return chain(filter(is_chosen, ranked), filterfalse(is_chosen, ranked))


def _recommendation(track: Track, score: float, genres: Sequence[str]) -> Recommendation:
    return Recommendation(track.track_no, score, popular_in(track, genres), SOURCES, {"popularity": score})


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _has_any(names: Sequence[str], folded: frozenset[str]) -> bool:
    return any(name.casefold() in folded for name in names)


def _in_range(track: Track, wanted: FeatureRange) -> bool:
    if wanted.least is None and wanted.most is None:
        return True
    value = getattr(track.features, wanted.feature) if track.features else None
    return _within(value, wanted.least, wanted.most)


def _within(value: float | None, least: float | None, most: float | None) -> bool:
    if least is None and most is None:
        return True
    return value is not None and (least is None or value >= least) and (most is None or value <= most)


def first_versions(tracks: Iterable[Track], unwanted: Collection[str]) -> Iterator[Track]:
    """The first version of each song, without the songs of these keys."""
    seen = set(unwanted)
    for track in tracks:
        if track.song_key not in seen:
            seen.add(track.song_key)
            yield track
