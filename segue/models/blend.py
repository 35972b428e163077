"""The blend: each model's list put on one scale and added up, with weights for how warm the listener is.

Scores of different models do not compare; their z-scores over the catalogue do, the tracks of the history left out. Measured:
z-scoring each listener's list before blending matters, and the blend beats its best part by 5 to 8 % (benchmarks: quality).
`segue.evaluation.tuning` learns the weights.

A track that no training row holds has no collaborative score. It is given `transfer` times its content z-score in place of
each, so that a new track competes from the first second, behind tracks that listeners have proved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.models.als import AlsModel
from segue.models.co_listening import CoListeningModel
from segue.models.content import ContentModel
from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Mask, Model, Reading, ReadingModel
from segue.models.likeness import Likeness
from segue.models.moments import Moments
from segue.models.popularity import PopularityModel
from segue.models.positions import known, scored
from segue.models.ranking import distinct, standardise
from segue.models.sequence import SequenceModel

PARTS = ("als", "co_listening", "content", "popularity")
COLLABORATIVE = ("als", "co_listening")
Stage = Callable[[str], AbstractContextManager[None]]
"""Surrounds a stage of a fit, which it is given the name of: to time it, or to tell of it."""
Weights = tuple[float, float, float, float]
"""Weights of PARTS; they need not sum to one."""
NOBODY: Weights = (0.0, 0.0, 0.0, 1.0)
ONLY_REJECTIONS: Weights = (0.0, 0.0, 0.5, 1.0)
"""What is popular, away from what the listener turned down."""


def _untold(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class BlendConfig:
    """`weights`: by the least number of liked tracks for which they hold, ascending.

    `likeness`: weights of als, co-listening and content for "songs like this one"; `transfer`: see the module. `sequence`:
    weight of what comes next after the last tracks, for questions that have an order; 0 until validation proves it. Raises
    ValueError for weights that are not four finite numbers or are all 0, and for a sequence weight below 0 or not finite.
    """

    weights: tuple[tuple[int, Weights], ...] = (
        (1, (0.6, 0.4, 0.4, 0.1)),
        (5, (0.65, 0.35, 0.2, 0.0)),
        (20, (0.7, 0.3, 0.1, 0.0)),
    )
    likeness: tuple[float, float, float] = (0.2, 0.2, 1.0)
    transfer: float = 1.3
    sequence: float = 0.0

    def __post_init__(self) -> None:
        for least, weights in self.weights:
            if len(weights) != len(PARTS) or not np.isfinite(weights).all() or not any(weights):
                raise ValueError(
                    f"weights from {least} liked tracks on are {weights}: give one finite number for each of {PARTS}"
                )
        if not 0.0 <= self.sequence < float("inf"):
            raise ValueError(f"the weight of the sequence is {self.sequence}: give a finite number from 0 on")

    def weights_for(self, liked: int, rejected: int = 0) -> Weights:
        """The weights for a listener with that many liked and rejected tracks."""
        held = [weights for least, weights in self.weights if liked >= max(least, 1)]
        return held[-1] if held else ONLY_REJECTIONS if rejected else NOBODY


@dataclass(frozen=True)
class BlendedScores:
    """What the blend thinks of some tracks for one history.

    `total` of shape (n,); `parts`: each model's weighted z-scores, which add up to `total`.
    """

    total: Floats
    parts: Mapping[str, Floats]


class Blend(ReadingModel):
    """The four models of PARTS over the same columns; als and co-listening may know fewer (tracks appended after training)."""

    name = "blend"
    for_cold_users = True
    for_cold_tracks = True

    def __init__(
        self,
        config: BlendConfig | None = None,
        als: AlsModel | None = None,
        co_listening: CoListeningModel | None = None,
        content: ContentModel | None = None,
        popularity: PopularityModel | None = None,
        sequence: SequenceModel | None = None,
    ) -> None:
        self.config = config or BlendConfig()
        self.als = als or AlsModel()
        self.co_listening = co_listening or CoListeningModel()
        self.content = content or ContentModel()
        self.popularity = popularity or PopularityModel()
        self.sequence = sequence or SequenceModel()
        """Not one of PARTS, which look at a history without its order; questions that have one add it."""
        self.support: Floats = np.empty(0, np.float32)
        self.unsupported: npt.NDArray[np.bool_] = np.empty(0, np.bool_)

    def fit(self, interactions: Interactions, catalogue: Catalogue, stage: Stage = _untold) -> Self:
        for name, part in self._all_parts().items():
            with stage(f"fit {name}"):
                part.fit(interactions, catalogue)
        return self.with_support(interactions.support())

    def refit(self, interactions: Interactions, catalogue: Catalogue, stage: Stage = _untold) -> Self:
        """Fit this blend again, to more interactions with the tracks of the same catalogue.

        ALS goes on from where it is; content, which hears nothing of listening, stays.
        """
        # Co-listening first: what it had is gone before the most memory is taken.
        for name in ("co_listening", "popularity", "sequence"):
            with stage(f"fit {name}"):
                self._all_parts()[name].fit(interactions, catalogue)
        with stage("fit als"):
            self.als.refit(interactions, catalogue)
        return self.with_support(interactions.support())

    def with_support(self, support: Floats) -> Self:
        """Take note of how many training rows like each track, shape (n_tracks,); after the parts are fitted."""
        self.support = support
        self.unsupported = support == 0
        self._any_unsupported = bool(self.unsupported.any())
        return self

    def parts(self) -> dict[str, Model]:
        """The models by name, in the order of PARTS."""
        return {name: getattr(self, name) for name in PARTS}

    def reweighted(self, config: BlendConfig) -> Blend:
        """The same models under another configuration."""
        models = (self.als, self.co_listening, self.content, self.popularity, self.sequence)
        return Blend(config, *models).with_support(self.support)

    def placed(self, columns: Columns, tracks: Sequence[Track]) -> Blend:
        """A blend with `tracks` in `columns`, which may be old ones or follow on the last. This one stays as it is.

        Content sees every one of them; popularity only the new ones, by what the catalogue says.
        """
        new = [track for column, track in zip(columns, tracks, strict=True) if column >= self.n_tracks]
        content, popularity = self.content.placed(columns, tracks), self.popularity.extended(new)
        support = np.concatenate([self.support, np.zeros(len(new), np.float32)])
        models = (self.als, self.co_listening, content, popularity, self.sequence)
        return Blend(self.config, *models).with_support(support)

    @property
    def n_tracks(self) -> int:
        return self.content.n_tracks

    def read(self, history: History) -> BlendReading:
        return BlendReading(self, history)

    def blended(self, history: History, columns: Columns | None = None) -> BlendedScores:
        """Scores of `columns` (None: of every track) for one history, with their parts.

        Either way each model's list is standardised by its mean and spread over the catalogue but the history's tracks.
        """
        return self.read(history).blended(columns)

    def follows(self, history: History) -> Floats:
        """The unweighted score of coming next after a history in order, of every track, shape (n_tracks,)."""
        return _padded(self.sequence.score_all(history), self.n_tracks)

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        asked = self._asked(self._weights_of_rows(histories))
        return self.combined(histories, {name: part.score_many(histories[:, : part.n_tracks]) for name, part in asked.items()})

    def combined(self, histories: csr_matrix[np.float32], raw: Mapping[str, Floats]) -> Floats:
        """`score_many` from what the parts gave for the same histories; a part that has no say may be missing."""
        rows = self._weights_of_rows(histories)
        weights = {name: rows[:, i : i + 1] for i, name in enumerate(PARTS)}
        told = {name: histories[:, : part.n_tracks] for name, part in self._asked(rows).items()}
        standard = {name: _padded(standardise(raw[name], own)[0], self.n_tracks) for name, own in told.items()}
        return added(self.weighted(standard, weights, np.flatnonzero(self.unsupported)))

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        return added(self.likeness(column).parts(columns))

    def likeness(self, column: int) -> Likeness:
        """What is like the track in `column`."""
        return Likeness(column, self.als, self.co_listening, self.content, self.config.likeness, float(self.support[column]))

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        np.save(directory / "support.npy", self.support, allow_pickle=False)
        for name, part in self._all_parts().items():
            (directory / name).mkdir()
            part.save(directory / name)

    @classmethod
    def load(cls, directory: Path) -> Self:
        stored = json.loads((directory / "config.json").read_text())
        weights = tuple((least, tuple(values)) for least, values in stored["weights"])
        # Snapshots of before November 2026 know no order.
        sequence = directory / "sequence"
        config = BlendConfig(weights, tuple(stored["likeness"]), stored["transfer"], stored.get("sequence", 0.0))
        model = cls(
            config,
            AlsModel.load(directory / "als"),
            CoListeningModel.load(directory / "co_listening"),
            ContentModel.load(directory / "content"),
            PopularityModel.load(directory / "popularity"),
            SequenceModel.load(sequence) if sequence.exists() else None,
        )
        return model.with_support(np.load(directory / "support.npy", allow_pickle=False))

    def borrows(self, name: str) -> bool:
        """Whether this part speaks whatever its weight: content, where others know nothing."""
        return name == "content" and self._any_unsupported and self.config.transfer > 0

    def weighted(
        self, standard: Mapping[str, Floats], weights: Mapping[str, Any], cold: npt.NDArray[np.intp]
    ) -> dict[str, Floats]:
        """Each part of the total; `cold`: positions of unsupported tracks.

        From z-scores (n,) and one weight, or from those of many listeners, (rows, n), and their weights (rows, 1).
        """
        parts = {name: scores * weights[name] for name, scores in standard.items()}
        if len(cold) and self.config.transfer > 0:
            collaborative = [name for name in COLLABORATIVE if name in parts]
            for name in collaborative:
                parts[name][..., cold] = 0.0
            share = self.config.transfer * sum(weights[name] for name in collaborative)
            parts["content"][..., cold] += np.multiply(share, standard["content"][..., cold], dtype=np.float32)
        return parts

    def _all_parts(self) -> dict[str, Model]:
        return {**self.parts(), "sequence": self.sequence}

    def _asked(self, weights: Floats) -> dict[str, Model]:
        """The parts that have a say for any of the rows of `weights` (n_rows, len(PARTS))."""
        return {name: part for i, (name, part) in enumerate(self.parts().items()) if weights[:, i].any() or self.borrows(name)}

    def _weights_of_rows(self, histories: csr_matrix[np.float32]) -> Floats:
        rows = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
        liked = np.bincount(rows, weights=histories.data > 0, minlength=histories.shape[0]).astype(int)
        rejected = np.bincount(rows, weights=histories.data < 0, minlength=histories.shape[0]).astype(int)
        weights = [self.config.weights_for(likes, rejections) for likes, rejections in zip(liked, rejected, strict=True)]
        return np.array(weights, np.float32).reshape(histories.shape[0], len(PARTS))


class BlendReading(Reading):
    """What each part makes of a history, and how much it is worth to this listener."""

    def __init__(self, model: Blend, history: History) -> None:
        super().__init__(model, history)
        self._blend = model
        weights = model.config.weights_for(history.liked, history.rejected)
        self.weights = dict(zip(PARTS, weights, strict=True))
        asked = {name: part for name, part in model.parts().items() if self.weights[name] or model.borrows(name)}
        self.readings = {name: part.read(history) for name, part in asked.items()}

    @cached_property
    def _moments(self) -> dict[str, Moments]:
        return {name: _moments_of_others(reading) for name, reading in self.readings.items()}

    def blended(self, columns: Columns | None = None) -> BlendedScores:
        """See `Blend.blended`."""
        standard = {name: self._standardised(name, columns) for name in self.readings}
        unsupported = self._blend.unsupported if columns is None else self._blend.unsupported[columns]
        parts = self._blend.weighted(standard, self.weights, unsupported.nonzero()[0])
        return BlendedScores(added(parts), parts)

    def scores(self, columns: Columns | None = None) -> Floats:
        if columns is None:
            return self.blended().total
        return scored(columns, self._blend.n_tracks, lambda inside: self.blended(inside).total)

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """The `n` best of each part, and the most popular.

        So there are `n`; and where filters leave only what is far from the history, the best known have the greatest products
        with it, while an index reads what is near.
        """
        found = [reading.candidates(n, allowed) for reading in self.readings.values()]
        return distinct(*found, self._blend.popularity.best(n, allowed))

    def evidence(self, part: str, columns: Columns) -> Floats | None:
        """What each track of the history adds to `part` of each of `columns`, shape (len(columns), len(history)).

        None for a part that does not look at histories.
        """
        if part == "popularity" or part not in self.readings:
            return None
        shares: Floats = self.readings[part].contributions(columns) * self._worth(part, columns)[:, None]
        return shares

    def contributions(self, columns: Columns) -> Floats:
        """What each track of the history adds to the z-scored total, which also has terms that no single track makes."""
        inside = known(columns, self._blend.n_tracks)
        found = np.zeros((len(columns), len(self.history)), np.float32)
        for name in self.readings:
            shares = self.evidence(name, columns[inside])
            if shares is not None:
                found[inside] += shares
        return found

    def _standardised(self, name: str, columns: Columns | None) -> Floats:
        moments, n_tracks = self._moments[name], self.readings[name].model.n_tracks
        standard = self.readings[name].scores(columns)
        standard -= moments.mean
        standard *= 1.0 / moments.spread
        if n_tracks == self._blend.n_tracks:
            return standard
        if columns is None:
            return _padded(standard, self._blend.n_tracks)
        standard[columns >= n_tracks] = 0.0
        return standard

    def _worth(self, part: str, columns: Columns) -> Floats:
        """What one unit of the part's raw score is worth in the total."""
        one = np.full(len(columns), 1.0 / self._moments[part].spread, np.float32)
        cold = self._blend.unsupported[columns].nonzero()[0]
        if len(cold) == 0:
            return one * self.weights[part]
        return self._blend.weighted(dict.fromkeys(self.readings, one), self.weights, cold)[part]


def added(parts: Mapping[str, Floats]) -> Floats:
    """The sum of arrays of one shape."""
    first, *others = parts.values()
    total = first.copy()
    for other in others:
        total += other
    return total


def _moments_of_others(reading: Reading) -> Moments:
    """Of the tracks that the history says nothing of."""
    return reading.moments().without(reading.model.n_tracks, reading.own_scores())


def _padded(scores: Floats, n_tracks: int) -> Floats:
    missing = n_tracks - scores.shape[-1]
    return scores if missing == 0 else np.pad(scores, [(0, 0)] * (scores.ndim - 1) + [(0, missing)])
