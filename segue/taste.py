"""Taste: what one event says about a listener and a track, as a signed confidence that decays forward in time.

A weight is stored as `w = Σ cᵢ · 2^((tᵢ − t₀) / half-life)`. The sum is additive, so neither the order of events nor the time of
reading matters and no sweep ever runs: the weight as of `now` is `w · 2^(−(now − t₀) / half-life)`. Forward decay: Cormode,
Shkapenyuk, Srivastava, Xu, "Forward Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009.

Likes, dislikes and playlist memberships are statements, not habits: they do not decay, and the newest one holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.events import ListeningEvent

LANDMARK_S = 1_767_225_600
"""t₀ of the forward decay: 2026-01-01T00:00:00Z. Changing it changes every stored weight."""

FULL_PLAY_MS = 30_000
"""Thirty seconds count as a listen, as with Spotify's own stream counts and ListenBrainz."""


@dataclass(frozen=True)
class TasteWeights:
    """How much each kind of event says; half-life in days."""

    half_life_days: float = 60.0
    play: float = 1.0
    short_play: float = 0.25
    skip: float = -0.5
    like: float = 4.0
    playlist_add: float = 2.0

    @property
    def half_life_s(self) -> float:
        """The half-life in seconds."""
        return self.half_life_days * 86_400.0


DEFAULT_WEIGHTS = TasteWeights()


def confidence(event: ListeningEvent, weights: TasteWeights = DEFAULT_WEIGHTS) -> float:
    """The undecayed signed confidence of one event; 0 for statements (like, playlist_add, …) and impressions.

    A play without `ms_played` is taken as full, since whoever does not report it reports listens only.
    """
    if event.type == "skip":
        return weights.skip
    if event.type != "play":
        return 0.0
    if event.ms_played is not None and event.ms_played < FULL_PLAY_MS:
        return weights.short_play
    return weights.play


def forward_factor(occurred_at_s: float, weights: TasteWeights = DEFAULT_WEIGHTS) -> float:
    """`2^((t − t₀)/half-life)` of a Unix time in seconds. Finite in float64 for a century around the landmark."""
    return float(2.0 ** ((occurred_at_s - LANDMARK_S) / weights.half_life_s))


def as_of(stored: npt.NDArray[np.float64], now_s: float, weights: TasteWeights = DEFAULT_WEIGHTS) -> npt.NDArray[np.float64]:
    """Decay stored weights (any shape, float64) to the Unix time `now_s`."""
    factor = 2.0 ** (-(now_s - LANDMARK_S) / weights.half_life_s)
    return stored * np.float64(factor)


def preference(
    weight_now: npt.NDArray[np.float64],
    stance: npt.NDArray[np.int8],
    saves: npt.NDArray[np.int16],
    weights: TasteWeights = DEFAULT_WEIGHTS,
) -> npt.NDArray[np.float64]:
    """Signed preference for each track, all arrays of shape (n,): decayed plays and skips, plus standing statements.

    A dislike outweighs every play: the result is negative wherever `stance` is -1.
    """
    total = weight_now + weights.like * (stance > 0) + weights.playlist_add * np.minimum(saves.clip(0), 2)
    return np.where(stance < 0, -weights.like, total)


def stance_of(event: ListeningEvent) -> int | None:
    """What the event states about the track: 1 liked, -1 disliked, 0 withdrawn; None if it states nothing."""
    return _STANCES.get(event.type)


_STANCES = {"like": 1, "unlike": 0, "dislike": -1, "undislike": 0}


def saves_of(event: ListeningEvent) -> int:
    """How the event changes the number of the listener's playlists that hold the track."""
    return _SAVES.get(event.type, 0)


_SAVES = {"playlist_add": 1, "playlist_remove": -1}


def total_confidence(events: Sequence[ListeningEvent], weights: TasteWeights = DEFAULT_WEIGHTS) -> float:
    """The stored weight that these events of one listener and one track add up to."""
    return sum(confidence(e, weights) * forward_factor(e.occurred_at.timestamp(), weights) for e in events)
