"""A small made-up world with everything that steering looks at: artists, albums, versions, guests, unknown facts, listeners."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.events import AudioFeatures
from segue.ids import TrackNo
from segue.models import blend_index
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend
from segue.models.blend_index import build_index
from segue.models.contract import Interactions
from segue.recommending import retrieval, sources
from segue.recommending.answer import Recommender

N_TRACKS = 160
GENRES = ("rock", "jazz", "hip hop", "folk")


def made_track(number: int, random: np.random.Generator) -> Track:
    """Every fourth track of an artist is a remaster of the one before; one track in ten lacks year, features and popularity."""
    artist = number // 8
    level = float(random.random())
    features = AudioFeatures(
        danceability=level, energy=level, key=0, loudness=-20.0 * level, mode=1, speechiness=0.1, acousticness=1 - level,
        instrumentalness=0.0, liveness=0.1, valence=float(random.random()), tempo=60.0 + 120.0 * level,
    )  # fmt: skip
    bare = number % 10 == 9
    name = f"Tune {number - 1} - Remastered" if number % 4 == 3 else f"Tune {number}"
    return Track(
        TrackNo(1_000 + number), f"t{number}", name, (f"Band {artist}", "Guest") if number % 16 == 0 else (f"Band {artist}",),
        f"Record {number % 8 // 4}", None if bare else 1960 + number % 60, 200_000, (None, True, False)[number % 3],
        None if bare else number % 101, (GENRES[artist % 4],), None if bare else features,
    )  # fmt: skip


@cache
def tracks() -> tuple[Track, ...]:
    """The catalogue; column i holds track 1000 + i."""
    random = np.random.default_rng(5)
    return tuple(made_track(number, random) for number in range(N_TRACKS))


@cache
def recommender() -> Recommender:
    """Fitted to 60 listeners who each play mostly one genre, and its well known tracks most."""
    random = np.random.default_rng(6)
    plays = np.zeros((60, N_TRACKS), np.float32)
    for listener in range(60):
        own = np.array([number for number in range(N_TRACKS) if (number // 8) % 4 == listener % 4])
        liking = 1.0 / (1.0 + np.arange(len(own)))
        plays[listener, random.choice(own, 12, replace=False, p=liking / liking.sum())] = 1.0
        plays[listener, random.choice(N_TRACKS, 3, replace=False)] = 1.0
    numbers = np.arange(1_000, 1_000 + N_TRACKS, dtype=np.int32)
    blend = Blend(als=AlsModel(AlsConfig(factors=16, regularization=1.0, alpha=10.0, iterations=5)))
    return Recommender.build(blend.fit(Interactions(csr_matrix(plays), numbers, 60), tracks()), numbers, tracks())


@cache
def indexed() -> Recommender:
    """The same, as if it were large: candidates come from indexes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(blend_index, "EXACT_TRACKS", 0)
        blend = copy.deepcopy(recommender()._blend)
        build_index(blend, csr_matrix(np.eye(N_TRACKS, dtype=np.float32)))
    return Recommender.build(blend, np.arange(1_000, 1_000 + N_TRACKS, dtype=np.int32), tracks())


@contextmanager
def as_if_large() -> Iterator[None]:
    """Ten candidates of each model are looked up, whatever the size of the catalogue."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (retrieval, sources):
            patched.setattr(module, "EXACT_TRACKS", 0)
        patched.setattr(retrieval, "EXACT_ELIGIBLE", 5)
        patched.setattr(retrieval, "CANDIDATES", 10)
        yield


def by_number(number: int) -> Track:
    """The track of a number."""
    return tracks()[number - 1_000]
