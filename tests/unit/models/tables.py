"""Small data whose right answers are obvious; shared by the tests of models, answers and the trainer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.events import AudioFeatures
from segue.ids import TrackNo
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend, BlendConfig
from segue.models.co_listening import CoListeningModel
from segue.models.content import ContentModel
from segue.models.contract import Interactions, Model
from segue.models.popularity import PopularityModel
from segue.models.sequence import SequenceModel

N_TRACKS = 12
FIRST_TRACK_NO = 100


def track(
    number: int,
    *,
    name: str | None = None,
    artist: str | None = None,
    genre: str = "rock",
    energy: float = 0.8,
    valence: float = 0.8,
    year: int | None = 2001,
    explicit: bool | None = None,
    popularity: int | None = 50,
) -> Track:
    """A track; loud and fast when `energy` is high."""
    features = AudioFeatures(
        danceability=energy, energy=energy, key=0, loudness=-20 + 15 * energy, mode=1, speechiness=0.05,
        acousticness=1 - energy, instrumentalness=0.0, liveness=0.1, valence=valence, tempo=60 + 100 * energy,
    )  # fmt: skip
    return Track(
        TrackNo(number), f"t{number}", name or f"Song {number}", (artist or f"Artist {number}",), None, year, 200_000, explicit,
        popularity, (genre,), features,
    )  # fmt: skip


def catalogue() -> list[Track]:
    """Even columns are loud rock of 2001, odd ones calm jazz of 1961; popularity falls with the column."""
    return [
        track(FIRST_TRACK_NO + i, popularity=90 - i)
        if i % 2 == 0
        else track(FIRST_TRACK_NO + i, genre="jazz", energy=0.1, valence=0.2, year=1961, popularity=90 - i)
        for i in range(N_TRACKS)
    ]


def checkerboard(listeners: int = 40) -> Interactions:
    """Listener i likes every column of i's parity but one: the one left out is the obvious recommendation."""
    rows = np.zeros((listeners, N_TRACKS), np.float32)
    for listener in range(listeners):
        rows[listener, listener % 2 :: 2] = 1.0
        rows[listener, left_out(listener)] = 0.0
    track_nos = np.arange(FIRST_TRACK_NO, FIRST_TRACK_NO + N_TRACKS, dtype=np.int32)
    # Everybody plays on with the next of the same colour.
    follows = csr_matrix(np.roll(np.eye(N_TRACKS, dtype=np.float32), 2, axis=1) * listeners)
    return Interactions(csr_matrix(rows), track_nos, listeners, follows)


def left_out(listener: int) -> int:
    """The column of its parity that the checkerboard's listener has not played."""
    return (listener % 2 + 2 * (listener // 2)) % N_TRACKS


def small_als() -> AlsModel:
    """ALS sized for a table of a dozen tracks."""
    return AlsModel(AlsConfig(factors=64, regularization=1.0, alpha=10.0))


def fitted_blend(config: BlendConfig | None = None) -> Blend:
    """A blend of the checkerboard and the catalogue."""
    return Blend(config, als=small_als()).fit(checkerboard(), catalogue())


MODELS: dict[str, Callable[[], Model]] = {
    "als": small_als,
    "co_listening": CoListeningModel,
    "content": ContentModel,
    "popularity": PopularityModel,
    "sequence": SequenceModel,
    "blend": lambda: Blend(als=small_als()),
}
"""Every model of the contract, unfitted, by name."""
