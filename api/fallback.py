"""Answers without a model: the catalogue's own popularity, under the same filters and reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.recommending.answer import Recommendation
from segue.recommending.filters import Filters
from segue.recommending.reasons import popular_in

SOURCES = ("popularity",)


def popular(
    ranked: Sequence[Track], n: int, filters: Filters, exclude: Collection[TrackNo], genres: Sequence[str] = ()
) -> list[Recommendation]:
    """The first `n` of `ranked` (most popular first) that pass; tracks of `genres` first. One version of each song.

    Score: the catalogue's popularity on 0..1. Stops at n, so that the cost does not grow with the catalogue unless little passes.
    """
    chosen = {genre.casefold() for genre in genres}
    passing = (track for track in _genres_first(ranked, chosen) if track.track_no not in exclude and passes(track, filters))
    return [_recommendation(track, genres) for track in islice(_first_versions(passing), n)]


def passes(track: Track, filters: Filters) -> bool:
    """Whether a track passes, as `segue.recommending.filters.Facts.passing` decides for many at once."""
    return (
        (not filters.genres or _has_genre(track, {genre.casefold() for genre in filters.genres}))
        and (not filters.moods or track.mood in filters.moods)
        and _within(track.year, filters.year_min, filters.year_max)
        and _within(track.popularity, filters.popularity_min, filters.popularity_max)
        and (filters.explicit is None or (track.explicit is True) == filters.explicit)
    )


def _genres_first(ranked: Sequence[Track], chosen: Collection[str]) -> Iterable[Track]:
    if not chosen:
        return ranked
    liked = (track for track in ranked if _has_genre(track, chosen))
    return chain(liked, (track for track in ranked if not _has_genre(track, chosen)))


def _recommendation(track: Track, genres: Sequence[str]) -> Recommendation:
    return Recommendation(track.track_no, (track.popularity or 0) / 100.0, popular_in(track, genres), SOURCES)


def _has_genre(track: Track, folded: Collection[str]) -> bool:
    return any(genre.casefold() in folded for genre in track.genres)


def _within(value: int | None, least: int | None, most: int | None) -> bool:
    if least is None and most is None:
        return True
    return value is not None and (least is None or value >= least) and (most is None or value <= most)


def _first_versions(tracks: Iterable[Track]) -> Iterator[Track]:
    seen: set[str] = set()
    for track in tracks:
        if track.song_key not in seen:
            seen.add(track.song_key)
            yield track
