"""The recommender: candidates, scores, filters, diversity, reasons.

Immutable: `add_tracks` and `remove_tracks` return a new recommender that shares the models, so readers in other threads keep a
whole one.

Cost measured with 28,356 tracks and 64 factors on one thread (OPENBLAS_NUM_THREADS=1; a threaded BLAS only adds waiting):
for_listener with 100 tracks of history 5.6 ms, for_song 2.6 ms, add_tracks of 100 tracks 17 ms. Scoring is exact and reads the
item factors and sound vectors once, so cost grows with tracks times (factors + 64).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from segue.catalogue import Track
from segue.errors import NotFound
from segue.ids import TrackNo
from segue.models.blend import Blend, added
from segue.models.contract import Columns, Floats, History
from segue.recommending.candidates import ranked_pool
from segue.recommending.diversity import Diversity, diversified
from segue.recommending.filters import Facts, Filters, replaced
from segue.recommending.reasons import Reason, listener_reason, popular_in, song_reason, sources, strongest

NO_FILTERS = Filters()
FOR_LISTENER = Diversity(strength=0.2, per_artist=2)
FOR_SONG = Diversity(strength=0.1, per_artist=2)
SESSION_BOOST = 1.0
SESSION_HALF_LIFE_S = 3_600.0
"""What was liked just now counts (1 + SESSION_BOOST) times, half of the extra an hour later: the answer follows the session."""
GENRE_LIFT = 2.0
"""Lift of a newcomer's chosen genres in spans of the scores: above 1, so that variety does not mix others in either."""
SONG_POPULARITY = 0.1
"""Of two songs equally like the seed, the better known one; the likeness of the closest songs is about 1."""


@dataclass(frozen=True)
class Recommendation:
    """One track of an answer. `score` orders tracks within one answer only; `sources` are the models behind it, strongest
    first.
    """

    track_no: TrackNo
    score: float
    reason: Reason
    sources: tuple[str, ...]


class Recommender:
    """Answers from one snapshot's models and the catalogue as it is now.

    Columns of the snapshot come first; tracks that arrived later follow and are scored by content and catalogue popularity.
    """

    def __init__(self, blend: Blend, track_nos: npt.NDArray[np.int32], tracks: tuple[Track | None, ...], facts: Facts) -> None:
        self._blend = blend
        self._track_nos = track_nos
        self._tracks = tracks
        self._facts = facts
        self._column_of = np.full(int(track_nos.max(initial=-1)) + 1, -1, np.int32)
        self._column_of[track_nos] = np.arange(len(track_nos), dtype=np.int32)

    @classmethod
    def build(cls, blend: Blend, track_nos: npt.NDArray[np.int32], catalogue: Iterable[Track]) -> Self:
        """From a snapshot's blend and `track_nos` (int32, (n_tracks,)) and the tracks of the catalogue as it is now.

        A track of the snapshot that the catalogue lacks (deleted, or a stub without a name) still counts in histories but is
        never shown; a track that the snapshot lacks is added.
        """
        by_no = {track.track_no: track for track in catalogue}
        trained = set(track_nos.tolist())
        tracks = tuple(by_no.get(TrackNo(number)) for number in track_nos.tolist())
        recommender = cls(blend, track_nos, tracks, Facts.of(tracks))
        return recommender.add_tracks([track for number, track in by_no.items() if number not in trained])

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that filters can ask for, folded, most tracks first."""
        return tuple(sorted(self._facts.genres, key=lambda genre: (-len(self._facts.genres[genre]), genre)))

    @property
    def n_tracks(self) -> int:
        """Tracks that may be shown."""
        return int(self._facts.shown.sum())

    def track(self, track_no: TrackNo) -> Track:
        """A track that may be shown. Raises NotFound."""
        columns = self._columns([track_no])
        track = self._tracks[int(columns[0])] if len(columns) else None
        if track is None:
            raise NotFound(f"no track with number {track_no} in the catalogue")
        return track

    def add_tracks(self, tracks: Sequence[Track]) -> Self:
        """A recommender in which these tracks stand: new ones, and changed ones with their new facts and content."""
        if not tracks:
            return self
        newest = list({track.track_no: track for track in tracks}.values())
        numbers = np.array([track.track_no for track in newest], np.int32)
        columns = self._lookup(numbers)
        new = columns < 0
        columns[new] = len(self._track_nos) + np.arange(int(new.sum()), dtype=np.int32)
        return self._placed(columns, numbers, newest, self._blend.placed(columns, newest))

    def remove_tracks(self, track_nos: Collection[TrackNo]) -> Self:
        """A recommender that never shows these tracks; they still count in histories."""
        columns = self._columns(track_nos)
        return self._placed(columns, self._track_nos[columns], [None] * len(columns), self._blend) if len(columns) else self

    def history(
        self, track_nos: npt.NDArray[np.int32], preference: npt.NDArray[np.float64], last_at_s: npt.NDArray[np.float64]
    ) -> History:
        """A listener's row in the recommender's columns; all arrays of shape (n,).

        `preference` from `segue.taste.preference`. Pass every track that the listener met, also those with preference 0: none of
        them is recommended as new. Tracks that neither snapshot nor catalogue know are left out.
        """
        columns = self._lookup(track_nos)
        known = columns >= 0
        return History(columns[known], preference[known].astype(np.float32), np.asarray(last_at_s[known], np.float64))

    def history_of(self, track_nos: Sequence[TrackNo]) -> History:
        """The history of an anonymous session that played these tracks once."""
        return History.of(list(dict.fromkeys(self._columns(track_nos).tolist())))

    def for_listener(
        self,
        history: History,
        n: int,
        exclude: AbstractSet[TrackNo] = frozenset(),
        filters: Filters = NO_FILTERS,
        genres: Sequence[str] = (),
        now_s: float | None = None,
        diversity: Diversity = FOR_LISTENER,
    ) -> list[Recommendation]:
        """`n` tracks for a listener, fewer only if fewer pass; nothing from the history nor another version of it.

        An empty history is answered by popularity, chosen `genres` first; they lose their say as likes arrive. `now_s` (Unix
        time) lets what was liked in this session count more; None does not.
        """
        history = _with_session(history, now_s)
        eligible = self._facts.passing(filters)
        eligible &= ~self._facts.versions_of(history.columns)
        eligible[self._columns(exclude)] = False
        scores = self._blend.blended(history)
        parts = dict(scores.parts)
        if genres:
            parts["genres"] = self._chosen_genres(scores.total, genres, history.liked)
        chosen, total = self._chosen(parts, eligible, n, diversity)
        seeds = strongest(self._blend.evidence(history, chosen, scores), history)
        return [
            self._recommendation(column, total, parts, self._listener_reason(i, column, parts, seeds, genres))
            for i, column in enumerate(chosen.tolist())
        ]

    def for_song(
        self,
        track_no: TrackNo,
        n: int,
        filters: Filters = NO_FILTERS,
        exclude: AbstractSet[TrackNo] = frozenset(),
        diversity: Diversity = FOR_SONG,
    ) -> list[Recommendation]:
        """`n` tracks like this one, fewer only if fewer pass; no other version of it. Raises NotFound."""
        seed = self.track(track_no)
        columns = self._columns([track_no])
        eligible = self._facts.passing(filters)
        eligible &= ~self._facts.versions_of(columns)
        eligible[self._columns(exclude)] = False
        parts = self._blend.likeness(int(columns[0]), eligible)
        parts["popularity"] = self._known_better()
        chosen, total = self._chosen(parts, eligible, n, diversity)
        shares = [{name: float(part[column]) for name, part in parts.items()} for column in chosen]
        reasons = [song_reason(share, seed) for share in shares]
        return [self._recommendation(c, total, parts, reason) for c, reason in zip(chosen.tolist(), reasons, strict=True)]

    def _chosen(
        self, parts: Mapping[str, Floats], eligible: npt.NDArray[np.bool_], n: int, diversity: Diversity
    ) -> tuple[Columns, Floats]:
        total = added(parts)
        pool = ranked_pool(total, eligible, self._facts, self._track_nos, n)
        vectors = self._blend.content.vectors(pool)
        return pool[diversified(total[pool], vectors @ vectors.T, self._facts.artist[pool], n, diversity)], total

    def _recommendation(self, column: int, total: Floats, parts: Mapping[str, Floats], reason: Reason) -> Recommendation:
        number = TrackNo(int(self._track_nos[column]))
        return Recommendation(number, round(float(total[column]), 4), reason, sources(parts, column))

    def _listener_reason(
        self,
        position: int,
        column: int,
        parts: Mapping[str, Floats],
        seeds: Mapping[str, Columns],
        genres: Sequence[str],
    ) -> Reason:
        shares = {name: float(part[column]) for name, part in parts.items()}
        track = self._tracks[column]
        chosen = shares.pop("genres", 0.0)
        if track is not None and chosen > 0 and chosen >= max(shares.get("als", 0) + shares.get("co_listening", 0), 0):
            return popular_in(track, genres)
        return listener_reason(shares, {side: int(columns[position]) for side, columns in seeds.items()}, self._tracks)

    def _chosen_genres(self, total: Floats, genres: Sequence[str], liked: int) -> Floats:
        """Lifts tracks of the chosen genres above all others for a newcomer, and less with every like."""
        lift = GENRE_LIFT * float(np.ptp(total)) / (1 + liked) if len(total) else 0.0
        return self._facts.in_genres(genres).astype(np.float32) * np.float32(lift)

    def _known_better(self) -> Floats:
        scores = self._blend.popularity.scores
        return scores * np.float32(SONG_POPULARITY / max(float(scores.max(initial=0.0)), 1e-9))

    def _placed(self, columns: Columns, numbers: npt.NDArray[np.int32], tracks: Sequence[Track | None], blend: Blend) -> Self:
        placed = [*self._tracks, *[None] * max(0, int(columns.max()) + 1 - len(self._tracks))]
        for column, track in zip(columns.tolist(), tracks, strict=True):
            placed[column] = track
        track_nos = replaced(self._track_nos, columns, numbers.tolist())
        return type(self)(blend, track_nos, tuple(placed), self._facts.placed(columns, tracks))

    def _columns(self, track_nos: Collection[TrackNo]) -> Columns:
        """Columns of the tracks that have one."""
        found = self._lookup(np.fromiter(track_nos, np.int32, len(track_nos)))
        return found[found >= 0]

    def _lookup(self, track_nos: npt.NDArray[np.int32]) -> Columns:
        """The column of each track, -1 where it has none; a fresh array."""
        columns = np.full(len(track_nos), -1, np.int32)
        inside = (track_nos >= 0) & (track_nos < len(self._column_of))
        columns[inside] = self._column_of[track_nos[inside]]
        return columns


def _with_session(history: History, now_s: float | None) -> History:
    if now_s is None or len(history) == 0:
        return history
    age_s = np.maximum(now_s - history.last_at_s, 0.0)
    boost = 1.0 + SESSION_BOOST * 2.0 ** (-age_s / SESSION_HALF_LIFE_S)
    boosted = np.where(history.preference > 0, history.preference * boost, history.preference)
    return History(history.columns, boosted.astype(np.float32), history.last_at_s)
