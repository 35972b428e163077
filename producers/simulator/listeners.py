"""Listeners: a latent taste over the catalogue, and the tracks that it makes them come back to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from producers.simulator.tracks import AUDIBLE, Floats, Rows, TrackTable

MEDIAN_PLAYS_PER_DAY = 6.0
PLAYS_PER_DAY_SIGMA = 0.8
"""Log-normal: most people listen a little, a few all day. The mean is 8 plays a day."""
MAX_PLAYS_PER_DAY = 150.0
MAX_FAVOURITE_GENRES = 3
FAVOURITE_ARTISTS = (3, 9)
REPERTOIRE = (50, 220)
"""Between how many tracks somebody alternates; what they try beyond comes from a wider pool."""
POOL = 300

_GENRE_PULL = 4.0
_ARTIST_PULL = 2.0
_AUDIO_PULL = 0.35
_POOL_SHARPNESS = 0.4
"""The pool follows the same taste, less strictly: its log-odds are this share of the repertoire's."""


@dataclass(frozen=True)
class Listener:
    """One simulated listener. Rows are rows of the TrackTable; `fit` is how well a track suits, standardised over `repertoire`.

    `genres` are the favourites with their `genre_shares` (sum 1); `in_genre[g, k]` says whether track k of the repertoire
    is of favourite g. Interest in track k comes and goes with `period_days[k]` and `phase[k]` (0..1): boredom and rediscovery.
    """

    number: int
    user_id: str
    genres: tuple[str, ...]
    genre_shares: Floats
    plays_per_day: float
    adventurousness: float
    patience: float
    wakes_at_h: float
    repertoire: Rows
    repertoire_fit: Floats
    in_genre: Floats
    period_days: Floats
    phase: Floats
    pool: Rows
    pool_fit: Floats


def make_listener(number: int, tracks: TrackTable, seed: int) -> Listener:
    """Listener `number` (from 1); depends on nothing but the number, the seed and the tracks."""
    rng = np.random.default_rng((seed, number, 0))
    favourites, shares, taste = _drawn_taste(rng, tracks)
    size = min(int(rng.integers(*REPERTOIRE)), len(tracks))
    repertoire = _sample(rng, taste, size)
    pool = _sample(rng, taste * _POOL_SHARPNESS, min(POOL, len(tracks)))
    centre, spread = float(taste[repertoire].mean()), float(taste[repertoire].std()) or 1.0
    return Listener(
        number=number,
        user_id=f"listener-{number:05d}",
        genres=tuple(tracks.genres[genre] for genre in favourites),
        genre_shares=shares,
        plays_per_day=min(rng.lognormal(np.log(MEDIAN_PLAYS_PER_DAY), PLAYS_PER_DAY_SIGMA), MAX_PLAYS_PER_DAY),
        adventurousness=rng.beta(1.5, 6.0),
        patience=rng.normal(0.0, 0.5),
        wakes_at_h=rng.normal(7.5, 1.5),
        repertoire=repertoire,
        repertoire_fit=(taste[repertoire] - centre) / spread,
        in_genre=_membership(tracks, favourites, repertoire),
        period_days=rng.uniform(20.0, 80.0, size).astype(np.float32),
        phase=rng.random(size, dtype=np.float32),
        pool=pool,
        pool_fit=(taste[pool] - centre) / spread,
    )


def true_taste(number: int, tracks: TrackTable, seed: int) -> Floats:
    """Log-odds with which that listener chooses each track, shape (n,): the ground truth that answers can be judged by."""
    return _drawn_taste(np.random.default_rng((seed, number, 0)), tracks)[2]


def _drawn_taste(rng: np.random.Generator, tracks: TrackTable) -> tuple[Rows, Floats, Floats]:
    """Favourite genres, their shares, and the taste that follows from them."""
    favourites = _favourite_genres(rng, tracks)
    shares = rng.dirichlet(np.full(len(favourites), 2.0)).astype(np.float32)
    return favourites, shares, _taste(rng, tracks, favourites, shares)


def _favourite_genres(rng: np.random.Generator, tracks: TrackTable) -> Rows:
    sizes = np.sqrt([len(rows) for rows in tracks.genre_rows])
    count = min(int(rng.integers(1, MAX_FAVOURITE_GENRES + 1)), len(sizes))
    return rng.choice(len(sizes), count, replace=False, p=sizes / sizes.sum())


def _taste(rng: np.random.Generator, tracks: TrackTable, favourites: Rows, shares: Floats) -> Floats:
    """Log-odds of choosing each track, shape (n,)."""
    era, era_pull = rng.gamma(1.2, 0.8) - 1.0, rng.uniform(0.0, 0.5)
    taste = tracks.audio @ rng.normal(0.0, _AUDIO_PULL, len(AUDIBLE)).astype(np.float32)
    taste += np.float32(rng.normal(0.5, 0.4)) * tracks.popularity
    taste -= np.float32(era_pull) * np.square(tracks.age - np.float32(era))
    for genre, share in zip(favourites, shares, strict=True):
        taste[tracks.genre_rows[genre]] += np.float32(_GENRE_PULL) * (np.float32(0.4) + share)
    loved = tracks.artist[_sample(rng, taste, min(int(rng.integers(*FAVOURITE_ARTISTS)), len(tracks)))]
    taste += np.float32(_ARTIST_PULL) * np.isin(tracks.artist, loved, kind="table")
    return taste


def _membership(tracks: TrackTable, favourites: Rows, repertoire: Rows) -> Floats:
    member = np.zeros((len(favourites), len(repertoire)), dtype=np.float32)
    of_genre = np.empty(len(tracks), dtype=np.float32)
    for place, genre in enumerate(favourites):
        of_genre.fill(0.0)
        of_genre[tracks.genre_rows[genre]] = 1.0
        member[place] = of_genre[repertoire]
    return member


def _sample(rng: np.random.Generator, log_odds: Floats, size: int) -> Rows:
    """`size` different rows with probabilities in proportion to exp(log_odds).

    Exponential race: Efraimidis, Spirakis, "Weighted random sampling with a reservoir", 2006.
    """
    arrival = rng.standard_exponential(len(log_odds), dtype=np.float32) / np.exp(log_odds - log_odds.max())
    return np.argpartition(arrival, size - 1)[:size]
