"""A made-up catalogue and models over it, of any size, with the skew of real ones: few artists and genres have most tracks.

Track counts of artists and genres and plays of tracks follow power laws; three tracks in ten have never been played. Tracks of
one artist and artists of one genre are near each other in sound and in factors, factors of tracks that are played more are
longer, and only what is played has neighbours, most in its own genre. Nothing here says how good answers are, only what they
cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from segue.catalogue import Track
from segue.events import AudioFeatures
from segue.ids import TrackNo
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend
from segue.models.blend_index import SAMPLED_LISTENERS, Reports, build_index
from segue.models.co_listening import CoListeningModel
from segue.models.content import ContentModel
from segue.models.contract import Floats, History, Interactions
from segue.models.popularity import PopularityModel

SEED = 3
TUNED_ON = 10_000
"""Seeds of the listeners on whom indexes are tuned, from here on: others than those who ask."""
TRACKS_PER_ARTIST = 8
GENRES = 600
UNPLAYED = 0.3
NEIGHBOURS = 400
"""Of the best known tracks; a track of median fame has a tenth."""
LEVELS = ("danceability", "energy", "speechiness", "acousticness", "instrumentalness", "liveness", "valence")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Column i holds track i. `genre` and `artist`: of each track, (n,); `plays`: (n,)."""

    tracks: tuple[Track, ...]
    genre: Ints
    artist: Ints
    plays: Floats

    def history(self, size: int, seed: int) -> History:
        """A listener of three genres who plays what is played, each track once to a few times, one in ten turned down."""
        random = np.random.default_rng(seed)
        genres = _zipf(random, GENRES, 3)
        own = np.flatnonzero(np.isin(self.genre, genres) & (self.plays > 0))
        if len(own) == 0:
            # In a small world a genre may have nothing that is played.
            own = np.flatnonzero(self.plays > 0)
        liking = np.sqrt(self.plays[own].astype(np.float64))
        columns = random.choice(own, min(size, len(own)), replace=False, p=liking / liking.sum())
        preference = random.exponential(1.5, len(columns)) + 0.2
        return History.of(columns.tolist(), np.where(random.random(len(columns)) < 0.1, -0.5, preference).tolist())


def world(n_tracks: int) -> World:
    """The same for the same size."""
    random = np.random.default_rng(SEED)
    n_artists = max(1, n_tracks // TRACKS_PER_ARTIST)
    artist = _zipf(random, n_artists, n_tracks, 0.6)
    genre_of_artist = _zipf(random, GENRES, n_artists)
    plays = np.ceil(random.pareto(0.9, n_tracks) * 2.0).astype(np.float32)
    plays[random.random(n_tracks) < UNPLAYED] = 0
    return World(_tracks(random, artist, genre_of_artist, plays), genre_of_artist[artist], artist, plays)


def blend(made: World, factors: int) -> Blend:
    """Models over the world."""
    random = np.random.default_rng(SEED + 1)
    played = Interactions(csr_matrix(made.plays[None, :]), np.arange(len(made.tracks), dtype=np.int32), 1)
    parts = Blend(
        als=AlsModel.of(_factors(random, made, factors), AlsConfig(factors=factors)),
        co_listening=CoListeningModel.of(_neighbours(random, made)),
        content=ContentModel().fit(played, made.tracks),
        popularity=PopularityModel().fit(played, made.tracks),
    )
    return parts.with_support(made.plays)


def index_parts(models: Blend, made: World, history: int) -> Reports:
    """Index the models as a refit does, tuned on listeners with a `history` of so many tracks."""
    sampled = [made.history(history, TUNED_ON + seed).as_row(len(made.tracks)) for seed in range(SAMPLED_LISTENERS)]
    return build_index(models, csr_matrix(vstack(sampled)))


def _tracks(random: np.random.Generator, artist: Ints, genre_of_artist: Ints, plays: Floats) -> tuple[Track, ...]:
    n = len(artist)
    second = random.integers(0, GENRES, len(genre_of_artist))
    taste = random.random((GENRES, len(LEVELS)))
    levels = np.clip(taste[genre_of_artist[artist]] + random.normal(0, 0.15, (n, len(LEVELS))), 0, 1).tolist()
    year, tempo = random.integers(1960, 2026, n).tolist(), random.normal(120, 25, n).tolist()
    fame = np.minimum(100, 9 * np.log2(1 + plays)).astype(int).tolist()
    explicit, album = (random.random(n) < 0.15).tolist(), random.integers(0, 12, n).tolist()
    made: list[Track] = []
    for number, (own, level) in enumerate(zip(artist.tolist(), levels, strict=True)):
        genres = [f"genre {genre_of_artist[own]}"] + ([f"genre {second[own]}"] if own % 3 else [])
        features = AudioFeatures(
            **dict(zip(LEVELS, level, strict=True)), key=number % 12, loudness=-20 + 15 * level[1], mode=number % 2,
            tempo=tempo[number],
        )  # fmt: skip
        made.append(
            Track(
                TrackNo(number), f"t{number}", f"Song {number}", (f"Artist {own}",), f"Album {album[number]}", year[number],
                200_000, explicit[number], fame[number], tuple(dict.fromkeys(genres)), features,
            )
        )  # fmt: skip
    return tuple(made)


def _factors(random: np.random.Generator, made: World, factors: int) -> Floats:
    """Directions near to those of genre and artist; the first dimensions hold most, as those of fitted factors do."""
    scale = (np.arange(1, factors + 1) ** -0.35).astype(np.float32)

    def directions(count: int) -> Floats:
        return random.standard_normal((count, factors), np.float32) * scale

    found = directions(GENRES)[made.genre]
    found += 0.7 * directions(int(made.artist.max(initial=0)) + 1)[made.artist]
    found += 0.7 * directions(len(found))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found *= (0.3 * np.log2(1 + made.plays))[:, None]
    return found.astype(np.float32)


def _neighbours(random: np.random.Generator, made: World) -> csr_matrix[np.float32]:
    n = len(made.tracks)
    sizes = np.where(made.plays > 0, np.minimum(NEIGHBOURS, 12 * np.log2(1 + made.plays) ** 1.3), 0).astype(np.int64)
    by_fame = np.lexsort((-made.plays, made.genre))
    starts = np.searchsorted(made.genre[by_fame], np.arange(GENRES + 1))
    played = np.bincount(made.genre, weights=made.plays > 0, minlength=GENRES).astype(np.int64)
    row_genre = np.where(random.random(n) < 0.1, random.integers(0, GENRES, n), made.genre)
    sizes = np.minimum(sizes, played[row_genre])
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    row = np.repeat(np.arange(n, dtype=np.int32), sizes)
    # Spread over the genre, the better known the denser; a step of at least one keeps the neighbours of a track distinct.
    within = (np.arange(len(row)) - np.repeat(indptr[:-1], sizes) + random.random(len(row), np.float32)) / sizes[row]
    rank = np.minimum((within**2 * played[row_genre[row]]).astype(np.int64), played[row_genre[row]] - 1)
    indices = by_fame[starts[row_genre[row]] + rank].astype(np.int32)
    matrix = csr_matrix((random.random(len(row), np.float32) ** 2 * 0.1, indices, indptr), shape=(n, n))
    matrix.sum_duplicates()
    return matrix


def _zipf(random: np.random.Generator, kinds: int, size: int, exponent: float = 1.0) -> Ints:
    weights = 1.0 / (10.0 + np.arange(kinds)) ** exponent
    return np.searchsorted(np.cumsum(weights / weights.sum()), random.random(size)).clip(0, kinds - 1)
