"""Sessions: when somebody listens, to how many tracks, which ones, and how each play ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from producers.simulator.listeners import Listener
from producers.simulator.tracks import Floats, Rows, TrackTable

MEAN_SESSION_TRACKS = 7.0
MAX_SESSION_TRACKS = 40
WEEKEND_FACTOR = 1.25
SESSION_BREAK_MS = 60_000
"""Shortest pause between two sessions of one listener."""
DAY_MS = 86_400_000

# Share of sessions by hours after getting up: a commute, a lull, an afternoon, a long evening, next to nothing at night.
_DAY_SHAPE = np.array([6, 8, 5, 3, 3, 4, 4, 4, 5, 6, 8, 9, 8, 7, 5, 3, 2, 1, 0.3, 0.1, 0.1, 0.1, 0.2, 1.0])
_HOUR_SHARE = _DAY_SHAPE / _DAY_SHAPE.sum()

_INTEREST_SWING = 1.5
_GENRE_OF_SESSION_PULL = 1.5
_SKIP_BASE, _SKIP_FIT, _SKIP_UNKNOWN, _SKIP_POSITION = -1.6, -0.9, 0.8, 0.03
_SKIP_AFTER_S = (2.0, 29.0)
_FULL_PLAY_SHARE = 0.85

Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plays:
    """m plays in order of time. `session` numbers the session, `fit` is how well the track suits the listener.

    `ms_played` in milliseconds; `skipped` is true where the listener went on within half a minute.
    """

    session: Times
    track: Rows
    fit: Floats
    skipped: npt.NDArray[np.bool_]
    ms_played: Times


def session_starts(rng: np.random.Generator, listener: Listener, first_day: int, days: int) -> Times:
    """When the listener's sessions begin, in Unix milliseconds and in order, over `days` days from `first_day` (Unix days)."""
    day_numbers = np.arange(first_day, first_day + days)
    weekend = (day_numbers + 3) % 7 >= 5  # Unix day 0 was a Thursday
    rate = listener.plays_per_day / MEAN_SESSION_TRACKS * np.where(weekend, WEEKEND_FACTOR, 1.0)
    day_of = np.repeat(day_numbers, rng.poisson(rate))
    hour = (listener.wakes_at_h + rng.choice(24, len(day_of), p=_HOUR_SHARE) + rng.random(len(day_of))) % 24
    return np.sort((day_of * DAY_MS + hour * 3_600_000).astype(np.int64))


def play_sessions(rng: np.random.Generator, listener: Listener, tracks: TrackTable, starts: Times) -> Plays:
    """The plays of sessions that begin at `starts` (Unix milliseconds, shape (s,))."""
    lengths = np.minimum(rng.geometric(1 / MEAN_SESSION_TRACKS, len(starts)), MAX_SESSION_TRACKS)
    widest = int(lengths.max(initial=1))
    ranked = _ranked(rng, listener, starts, widest)
    known = np.arange(widest) < np.minimum(lengths, ranked.shape[1])[:, None]
    known = known[:, : ranked.shape[1]]
    session, position = np.nonzero(known)
    slots = ranked[session, position]
    explores = rng.random(len(slots)) < listener.adventurousness
    tried = rng.integers(0, len(listener.pool), len(slots))
    track = np.where(explores, listener.pool[tried], listener.repertoire[slots])
    fit = np.where(explores, listener.pool_fit[tried], listener.repertoire_fit[slots])
    skipped = rng.random(len(slots)) < _skip_probability(listener, fit, explores, position)
    return Plays(session, track, fit, skipped, _ms_played(rng, tracks.duration_ms[track], skipped))


def play_ends(rng: np.random.Generator, starts: Times, plays: Plays) -> Times:
    """When each play ends, in Unix milliseconds; a session that would begin during the one before waits for its end."""
    steps = plays.ms_played + rng.integers(1_000, 6_000, len(plays.ms_played))
    lasts = np.bincount(plays.session, weights=steps, minlength=len(starts)).astype(np.int64) + SESSION_BREAK_MS
    before = np.cumsum(lasts) - lasts
    begins = before + np.maximum.accumulate(starts - before)
    elapsed = np.cumsum(steps)
    first = np.searchsorted(plays.session, np.arange(len(starts)))
    elapsed_before = np.concatenate(([0], elapsed))[first]
    return np.asarray(begins[plays.session] + elapsed - elapsed_before[plays.session], dtype=np.int64)


def _ranked(rng: np.random.Generator, listener: Listener, starts: Times, widest: int) -> Rows:
    """For each session up to `widest` different places in the repertoire, drawn without replacement."""
    size = len(listener.repertoire)
    when = (starts / DAY_MS).astype(np.float32)[:, None] / listener.period_days
    log_odds = 0.5 * listener.repertoire_fit + _INTEREST_SWING * np.cos(2 * np.pi * (when + listener.phase))
    shares = listener.genre_shares / listener.genre_shares.sum()
    genre = rng.choice(len(shares), len(starts), p=shares.astype(np.float64) / shares.astype(np.float64).sum())
    log_odds += _GENRE_OF_SESSION_PULL * listener.in_genre[genre]
    arrival = rng.standard_exponential((len(starts), size), dtype=np.float32) / np.exp(log_odds)
    return np.argsort(arrival, axis=1)[:, :widest]


def _skip_probability(
    listener: Listener, fit: Floats, explores: npt.NDArray[np.bool_], position: Rows
) -> npt.NDArray[np.float64]:
    log_odds = _SKIP_BASE - listener.patience + _SKIP_FIT * fit + _SKIP_UNKNOWN * explores + _SKIP_POSITION * position
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def _ms_played(rng: np.random.Generator, duration_ms: Times, skipped: npt.NDArray[np.bool_]) -> Times:
    size = len(duration_ms)
    early = rng.uniform(*_SKIP_AFTER_S, size) * 1_000
    share = np.where(rng.random(size) < _FULL_PLAY_SHARE, 1.0, rng.uniform(0.4, 1.0, size))
    return np.minimum(np.where(skipped, early, duration_ms * share), duration_ms).astype(np.int64)
