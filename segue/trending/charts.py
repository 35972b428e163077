"""From counts to charts: what is heard most, and what is heard more than usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from segue.trending.counts import Amounts, Heard, Numbers, Past

PRIOR_LISTENERS = 5.0
"""Strength of the belief that a track is heard as usual. A track without a past rises from its fifth listener on."""
DOUBT = 0.05
"""A track rises when its growth is above 1 with all but this probability."""


@dataclass(frozen=True)
class Chart:
    """Tracks in order; arrays of shape (n,).

    `score`: what they are ordered by. `growth`: how many times as many listeners as usual; NaN while there is no past.
    """

    track_no: Numbers
    listeners: Numbers
    score: Amounts
    growth: Amounts

    def __len__(self) -> int:
        return len(self.track_no)


def top(heard: Heard, past: Past) -> Chart:
    """The tracks that most listeners heard, the newest plays counting most; the score is the heat."""
    expected = usual(heard, past)
    growth = np.full(len(heard.track_no), np.nan) if expected is None else _mean(heard.listeners, expected)
    return _ordered(heard, heard.heat, growth, np.ones(len(heard.track_no), np.bool_))


def rising(heard: Heard, past: Past) -> Chart:
    """The tracks that surely have more listeners than usual; the score is the growth that is all but sure. Empty without a past.

    Listeners are taken as Poisson around growth times what is usual, and growth as Gamma(k, k) before they are seen, so it is
    Gamma(k + listeners, k + usual) after: the mean is a ratio shrunk to 1, and the lower quantile, by which tracks are ordered,
    trusts a handful of listeners least. DuMouchel, "Bayesian Data Mining in Large Frequency Tables, with an Application to the
    FDA Spontaneous Reporting System", The American Statistician 53(3), 1999 (EBGM and its quantiles; there with a mixture as
    prior).
    """
    expected = usual(heard, past)
    if expected is None:
        return _ordered(heard, heard.heat, heard.heat, np.zeros(len(heard.track_no), np.bool_))
    sure: Amounts = gammaincinv(PRIOR_LISTENERS + heard.listeners, DOUBT) / (PRIOR_LISTENERS + expected)
    return _ordered(heard, sure, _mean(heard.listeners, expected), sure > 1.0)


def usual(heard: Heard, past: Past) -> Amounts | None:
    """How many listeners each track would have if its share of all were that of the past; None without a past.

    Shares, so that an hour of the evening, or a service that grows, does not make everything rise.
    """
    if past.total == 0:
        return None
    return past.of(heard.track_no).astype(np.float64) * (heard.total / past.total)


def _mean(listeners: Numbers, expected: Amounts) -> Amounts:
    return (listeners.astype(np.float64) + PRIOR_LISTENERS) / (expected + PRIOR_LISTENERS)


def _ordered(heard: Heard, score: Amounts, growth: Amounts, kept: npt.NDArray[np.bool_]) -> Chart:
    columns = np.flatnonzero(kept)
    order = columns[np.lexsort((heard.track_no[columns], -score[columns]))]
    return Chart(heard.track_no[order], heard.listeners[order], score[order], growth[order])
