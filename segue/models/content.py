"""What a track is: sound, era, artists and genres, as one vector; likeness is the cosine.

It needs no listener, so it is what a track nobody has played is recommended by, seconds after it is published.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Reading, ReadingModel, lenient
from segue.models.moments import Moments, TaggedMoments
from segue.models.rows import compact, entries_of, load_rows, save_rows
from segue.models.sound import SoundScale, sound_vectors
from segue.models.tags import TagSpace, squared_lengths


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
        self.moments = TaggedMoments.of(self._sound, self._tags)

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
        return model

    @property
    def n_tracks(self) -> int:
        return len(self._sound)

    def vectors(self, columns: Columns) -> Floats:
        """Unit vectors of these tracks, shape (len(columns), any): their dot products are the cosines of these tracks."""
        return np.hstack([self._sound[columns], compact(self._tags, columns)])

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        weighted = histories.copy()
        weighted.data = lenient(histories.data, self.config.rejection)
        sound = (weighted @ self._sound) @ self._sound.T
        scores: Floats = sound + (weighted @ self._tags @ self._tags.T).toarray()
        return scores

    def read(self, history: History) -> ContentReading:
        return ContentReading(self, history)

    @property
    def sound(self) -> Floats:
        """The dense part of each track's vector, (n_tracks, dimensions)."""
        return self._sound

    @property
    def tags(self) -> csr_matrix[np.float32]:
        """The sparse part, (n_tracks, n_tags)."""
        return self._tags

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        own = np.zeros(self._tags.shape[1], np.float32)
        entries = entries_of(self._tags, np.array([column], np.int32))
        own[entries.column] = entries.value
        tags, sound = (self._tags, self._sound) if columns is None else (self._tags[columns], self._sound[columns])
        scores: Floats = sound @ self._sound[column]
        scores += tags @ own
        return scores

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
        return self

    def _embedded(self, tracks: Sequence[Track]) -> tuple[Floats, csr_matrix[np.float32]]:
        sound = sound_vectors(tracks, self._scale, self.config.dimensions) * np.float32(np.sqrt(self.config.sound))
        tags = self._space.vectors(tracks, self.config.artist, self.config.genre)
        lengths = np.sqrt(np.einsum("ij,ij->i", sound, sound) + squared_lengths(tags))
        inverse = np.where(lengths > 0, 1.0 / np.where(lengths > 0, lengths, 1.0), 0.0).astype(np.float32)
        return sound * inverse[:, None], csr_matrix(diags(inverse) @ tags, dtype=np.float32)


class ContentReading(Reading):
    """The profile of a history: the weighted sum of its tracks' vectors, its tags by their positions."""

    def __init__(self, model: ContentModel, history: History) -> None:
        super().__init__(model, history)
        self._sound, self._tags, self._moments, self._vectors = model.sound, model.tags, model.moments, model.vectors
        part = history.within(model.n_tracks)
        weights = lenient(part.preference, model.config.rejection)
        self._history_weights = lenient(history.preference, model.config.rejection)
        self.direction: Floats = weights @ self._sound[part.columns]
        entries = entries_of(self._tags, part.columns)
        self.tags, place = np.unique(entries.column, return_inverse=True)
        summed = np.bincount(place, weights=entries.value * weights[entries.row], minlength=len(self.tags))
        self.weights = summed.astype(np.float64, copy=False)

    @cached_property
    def _liked(self) -> Floats:
        liked = np.zeros(self._tags.shape[1], np.float32)
        liked[self.tags] = self.weights
        return liked

    def scores(self, columns: Columns | None = None) -> Floats:
        if columns is None:
            everything: Floats = self._sound @ self.direction
            everything += self._tags @ self._liked
            return everything
        scores = np.zeros(len(columns), np.float32)
        known = np.flatnonzero((columns >= 0) & (columns < len(self._sound)))
        entries = entries_of(self._tags, columns[known])
        tagged = np.bincount(entries.row, weights=entries.value * self._liked[entries.column], minlength=len(known))
        scores[known] = self._sound[columns[known]] @ self.direction + tagged
        return scores

    def moments(self) -> Moments:
        return self._moments.along(self.direction, self.tags, self.weights)

    def contributions(self, columns: Columns) -> Floats:
        shares = np.zeros((len(columns), len(self.history)), np.float32)
        heard, n_tracks = self.history.columns, len(self._sound)
        inside, known = np.flatnonzero(heard < n_tracks), np.flatnonzero((columns >= 0) & (columns < n_tracks))
        vectors = self._vectors(np.concatenate([columns[known], heard[inside]]))
        cosine = vectors[: len(known)] @ vectors[len(known) :].T
        shares[np.ix_(known, inside)] = cosine * self._history_weights[inside]
        return shares


_NOTHING = Track(TrackNo(0), "", "", (), None, None, None, None, None, (), None)
"""Stands for a stub: an empty vector, which is like nothing."""


def _widened(tags: csr_matrix[np.float32], width: int) -> csr_matrix[np.float32]:
    return csr_matrix((tags.data, tags.indices, tags.indptr), shape=(tags.shape[0], width))
