"""What is like one song: the cosine of its content and of its ALS factors, and what is played together with it."""

from __future__ import annotations

import numpy as np

from segue.models.als import AlsModel
from segue.models.co_listening import CoListeningModel
from segue.models.content import ContentModel
from segue.models.contract import Columns, Floats, Mask
from segue.models.ranking import best_of

POOL = 500
"""Tracks, best by co-listening and content, for which ALS is asked too: its cosine over all costs 3 ms of 30k tracks."""
TRUSTED_SUPPORT = 2.0
"""Training rows after which a song's co-listening counts half; a single row knows nothing but one person's mix."""


class Likeness:
    """Weighted by `weights` of als, co-listening and content; `support`: how many training rows like the song."""

    def __init__(
        self,
        column: int,
        als: AlsModel,
        co_listening: CoListeningModel,
        content: ContentModel,
        weights: tuple[float, float, float],
        support: float,
    ) -> None:
        self._column, self._als, self._content, self._weights = column, als, content, weights
        self._profile = content.profile_of(column)
        self._together = co_listening.played_with(column)
        self._trust = support / (support + TRUSTED_SUPPORT)

    def candidates(self, n: int, allowed: Mask) -> tuple[Columns, Columns]:
        """About the `n` columns most like it by content, and by co-listening, that are `allowed` (n_tracks,)."""
        return self._content.near(self._profile, n, allowed), self._together.best(n, allowed)

    def parts(self, columns: Columns | None = None, eligible: Mask | None = None) -> dict[str, Floats]:
        """How like it each of `columns` (None: every track) is, by part; they add up.

        ALS is asked only for the POOL best of the other two among those that are `eligible` (a mask of the same shape; None:
        all).
        """
        als_weight, co_weight, content_weight = self._weights
        content = self._content.nearness(self._profile, columns)
        content *= content_weight
        co_listening = self._played_together(columns, len(content))
        co_listening *= co_weight
        als = np.zeros_like(content)
        if self._column < self._als.n_tracks:
            both = content + co_listening
            if eligible is not None and not eligible.all():
                both[~eligible] = -np.inf
            pool = best_of(both, POOL)
            asked = pool.astype(np.int32) if columns is None else columns[pool]
            pool, asked = pool[asked < self._als.n_tracks], asked[asked < self._als.n_tracks]
            als[pool] = np.float32(als_weight * self._trust) * self._als.similarity(self._column, asked)
        return {"als": als, "co_listening": co_listening, "content": content}

    def closeness(self, columns: Columns) -> Floats:
        """By content alone."""
        return self._content.nearness(self._profile, columns)

    def _played_together(self, columns: Columns | None, n: int) -> Floats:
        """Co-listening put on the scale of a cosine: 1 for the strongest neighbour of a well-known song."""
        together, strongest = self._together, float(self._together.values.max(initial=0.0))
        strength = np.zeros(n, np.float32)
        if strongest <= 0:
            return strength
        if columns is None:
            strength[: together.n] = together.dense()
        else:
            strength = together.at(columns)
        strength *= self._trust / strongest
        return strength
