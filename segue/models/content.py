"""What a track is: sound, era, artists and genres, as one vector; likeness is the cosine.

It needs no listener, so it is what a track nobody has played is recommended by, seconds after it is published.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.content_index import ContentIndex, Profile
from segue.models.contract import (
    Catalogue,
    Columns,
    Floats,
    History,
    Interactions,
    Mask,
    Reading,
    ReadingModel,
    dampen,
    lenient,
)
from segue.models.index import CANDIDATES, RECALL_AT, USUAL_PROBES, IndexReport, VectorIndex, tuned
from segue.models.moments import Moments, TaggedMoments
from segue.models.positions import known, scored, spread
from segue.models.ranking import best_of, distinct, top_columns
from segue.models.rows import entries_of, load_rows, products, row_of, save_rows, summed
from segue.models.side_by_side import SideBySide
from segue.models.sound import SoundScale, sound_vectors
from segue.models.tags import TagSpace, squared_lengths

MOST_LATE = 2_000
"""Tracks that stand beside the index and are always looked at, 0.3 ms; with one more they are put into a copy of it."""

MOST_SIDE_BY_SIDE = 8
"""Tags of a track that are kept for reading many tracks at once, 8 bytes each; what few tracks have beyond takes longer."""


@dataclass(frozen=True)
class ContentConfig:
    """Shares of sound (with era), artist and genre in the cosine of two tracks; `dimensions` of the sound vector.

    `rejection`: weight of a negative preference in a listener's profile.
    """

    sound: float = 0.4
    artist: float = 0.3
    genre: float = 0.3
    dimensions: int = 64
    rejection: float = 0.5


class ContentModel(ReadingModel):
    """Vectors of unit length, kept as a dense part for the sound and a sparse part for artists and genres."""

    name = "content"
    for_cold_tracks = True

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.config = config or ContentConfig()
        self._scale = SoundScale.fit([])
        self._space = TagSpace({}, ())
        self._sound: Floats = np.empty((0, self.config.dimensions), np.float32)
        self._tags: csr_matrix[np.float32] = csr_matrix(np.zeros((0, 0), np.float32))
        self._rows = SideBySide.of(self._tags, MOST_SIDE_BY_SIDE)
        self.moments = TaggedMoments.of(self._sound, self._tags)
        self.index: ContentIndex | None = None
        self._late: Columns = np.empty(0, np.int32)
        """Columns that came or changed after the index was built and are not in it."""

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:  # noqa: ARG002
        self._scale = SoundScale.fit(catalogue)
        self._space = TagSpace.fit(catalogue)
        return self._with(*self._embedded([track or _NOTHING for track in catalogue]))

    def placed(self, columns: Columns, tracks: Sequence[Track]) -> ContentModel:
        """A model with `tracks` in `columns`, which may be old ones or follow on the last; this one stays as it is.

        Scale and rarity stay as trained, so a vector does not depend on when its track arrived.
        """
        model = ContentModel(self.config)
        model._scale, model._space = self._scale, self._space.extended(tracks)
        sound, tags = model._embedded(tracks)
        old = columns[columns < self.n_tracks]
        fewer = self.moments.changed(self._sound[old], self._tags[old], -1) if len(old) else self.moments
        model.moments = fewer.changed(sound, tags, 1)
        order = np.arange(max(self.n_tracks, int(columns.max(initial=-1)) + 1))
        order[columns] = self.n_tracks + np.arange(len(columns))
        model._sound = np.concatenate([self._sound, sound])[order]
        model._tags = csr_matrix(vstack([_widened(self._tags, tags.shape[1]), tags], format="csr", dtype=np.float32)[order])
        model._rows = SideBySide.of(model._tags, MOST_SIDE_BY_SIDE)
        if self.index is not None:
            model._keep_index(self.index, np.union1d(self._late, columns).astype(np.int32))
        return model

    @property
    def n_tracks(self) -> int:
        return len(self._sound)

    def vectors(self, columns: Columns) -> Floats:
        """Unit vectors of these tracks, shape (len(columns), any): their dot products are the cosines of these tracks."""
        return np.concatenate([self._sound.take(columns, 0), self._rows.compact(columns)], axis=1)

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        weighted = histories.copy()
        weighted.data = lenient(dampen(histories.data), self.config.rejection)
        sound = (weighted @ self._sound) @ self._sound.T
        scores: Floats = sound + (weighted @ self._tags @ self._tags.T).toarray()
        return scores

    def read(self, history: History) -> ContentReading:
        return ContentReading(self, history)

    def profile(self, columns: Columns, weights: Floats) -> Profile:
        """The sum of these tracks' vectors by weight."""
        entries = entries_of(self._tags, columns)
        tags, counts = summed(entries.column, entries.value * weights[entries.row])
        return Profile(weights @ self._sound.take(columns, 0), tags, counts, self._tags.shape[1])

    def profile_of(self, column: int) -> Profile:
        """The vector of one track."""
        tags, counts = row_of(self._tags, column)
        return Profile(self._sound[column], tags, counts.astype(np.float64), self._tags.shape[1])

    def nearness(self, profile: Profile, columns: Columns | None = None) -> Floats:
        """The inner product of the profile with each of `columns`, all known (None: every track)."""
        if columns is None:
            everything: Floats = self._sound @ profile.sound
            everything += self._tags @ profile.counts
            return everything
        near = products(self._sound, columns, profile.sound)
        near += self._rows.products(columns, profile.counts)
        return near

    def near(self, profile: Profile, n: int, allowed: Mask) -> Columns:
        """About the `n` columns nearest to a profile among the `allowed` (n_tracks,), in no promised order."""
        if self.index is not None:
            return self.nearest(self.index, profile, n, allowed)
        near = self.nearness(profile)
        near[~allowed[: len(near)]] = -np.inf
        return best_of(near, n).astype(np.int32)

    def nearest(self, index: ContentIndex, profile: Profile, n: int, allowed: Mask) -> Columns:
        """The `n` columns nearest to a profile among the `allowed` (n_tracks,): of `index` and of what came later."""
        late = self._late[allowed[self._late]]
        found = distinct(index.search(profile, n, allowed), late)
        return found[best_of(self.nearness(profile, found), n)]

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        return self.nearness(self.profile_of(column), columns)

    def build_index(self, histories: csr_matrix[np.float32], probes: int = USUAL_PROBES) -> IndexReport:
        """Index every track; recall is measured for the listeners `histories` (n_listeners, n_tracks) and songs of theirs."""
        start, everything = time.perf_counter(), np.ones(self.n_tracks, np.bool_)
        index, profiles = ContentIndex.trained(self._sound, self._tags, probes), self._sampled(histories)
        self._late = self._late[:0]
        truth = [top_columns(self.nearness(profile), RECALL_AT) for profile in profiles]

        def found(vectors: VectorIndex, i: int) -> Columns:
            return self.nearest(replace(index, vectors=vectors), profiles[i], CANDIDATES, everything)

        vectors, report = tuned(index.vectors, truth, found, start)
        self.index = replace(index, vectors=vectors)
        return report

    def load_index(self, directory: Path, expected: IndexReport) -> None:
        """Take the stored index. Raises UnreadableIndex."""
        self.index, self._late = ContentIndex.load(directory, self._sound, self._tags, expected), self._late[:0]

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        tags = sorted(self._space.position, key=self._space.position.__getitem__)
        (directory / "tags.json").write_text(json.dumps({"tags": tags, "rarity": self._space.rarity}))
        np.save(directory / "scale.npy", np.stack([self._scale.mean, self._scale.std]), allow_pickle=False)
        np.save(directory / "sound.npy", self._sound, allow_pickle=False)
        save_rows(directory, "tags", self._tags)

    @classmethod
    def load(cls, directory: Path) -> Self:
        model = cls(ContentConfig(**json.loads((directory / "config.json").read_text())))
        space = json.loads((directory / "tags.json").read_text())
        model._space = TagSpace({tag: i for i, tag in enumerate(space["tags"])}, tuple(space["rarity"]))
        model._scale = SoundScale(*np.load(directory / "scale.npy", allow_pickle=False))
        sound = np.load(directory / "sound.npy", allow_pickle=False)
        return model._with(sound, load_rows(directory, "tags", len(space["tags"])))

    def _with(self, sound: Floats, tags: csr_matrix[np.float32]) -> Self:
        self._sound, self._tags, self.moments = sound, tags, TaggedMoments.of(sound, tags)
        self._rows = SideBySide.of(tags, MOST_SIDE_BY_SIDE)
        self.index, self._late = None, self._late[:0]
        return self

    def _keep_index(self, index: ContentIndex, late: Columns) -> None:
        few = len(late) <= MOST_LATE
        self.index = index if few else index.grown(self._sound, self._tags, late)
        self._late = late if few else late[:0]

    def _sampled(self, histories: csr_matrix[np.float32]) -> list[Profile]:
        """Of each listener, and of a song in the middle of each history."""
        bounds = [(start, end) for start, end in pairwise(histories.indptr.tolist()) if end > start]
        weights = lenient(dampen(histories.data), self.config.rejection)
        listeners = [self.profile(histories.indices[start:end], weights[start:end]) for start, end in bounds]
        return listeners + [self.profile_of(int(histories.indices[(start + end) // 2])) for start, end in bounds]

    def _embedded(self, tracks: Sequence[Track]) -> tuple[Floats, csr_matrix[np.float32]]:
        sound = sound_vectors(tracks, self._scale, self.config.dimensions) * np.float32(np.sqrt(self.config.sound))
        tags = self._space.vectors(tracks, self.config.artist, self.config.genre)
        lengths = np.sqrt(np.einsum("ij,ij->i", sound, sound) + squared_lengths(tags))
        inverse = np.where(lengths > 0, 1.0 / np.where(lengths > 0, lengths, 1.0), 0.0).astype(np.float32)
        return sound * inverse[:, None], csr_matrix(diags(inverse) @ tags, dtype=np.float32)


class ContentReading(Reading):
    """The profile of a history: the weighted sum of its tracks' vectors."""

    def __init__(self, model: ContentModel, history: History) -> None:
        super().__init__(model, history)
        self._content = model
        self._inside = history.told(model.n_tracks)
        self._own = history.columns[self._inside]
        self._weights = lenient(history.dampened[self._inside], model.config.rejection)
        self.profile = model.profile(self._own, self._weights)

    def scores(self, columns: Columns | None = None) -> Floats:
        if columns is None:
            return self._content.nearness(self.profile)
        return scored(columns, self._content.n_tracks, lambda inside: self._content.nearness(self.profile, inside))

    def own_scores(self) -> Floats:
        return self._content.nearness(self.profile, self._own)

    def candidates(self, n: int, allowed: Mask) -> Columns:
        return self._content.near(self.profile, n, allowed)

    def moments(self) -> Moments:
        return self._content.moments.along(self.profile.sound, self.profile.tags, self.profile.counts)

    def contributions(self, columns: Columns) -> Floats:
        inside = known(columns, self._content.n_tracks)
        asked = columns[inside]
        vectors = self._content.vectors(np.concatenate([asked, self._own]))
        shares = (vectors[: len(asked)] @ vectors[len(asked) :].T) * self._weights
        return spread(shares, inside, self._inside, (len(columns), len(self.history)))


_NOTHING = Track(TrackNo(0), "", "", (), None, None, None, None, None, (), None)
"""Stands for a stub: an empty vector, which is like nothing."""


def _widened(tags: csr_matrix[np.float32], width: int) -> csr_matrix[np.float32]:
    return csr_matrix((tags.data, tags.indices, tags.indptr), shape=(tags.shape[0], width))
