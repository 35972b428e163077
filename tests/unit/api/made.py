"""A small catalogue of jazz and rock, what was learned of it, and listeners' states."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.events import AudioFeatures
from segue.ids import TrackNo, UserNo
from segue.listeners import Cell, ListenerState
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend
from segue.models.contract import Interactions
from segue.recommending.answer import Recommender
from segue.stores.redis.rows import ListenerRow, row_of
from segue.taste import forward_factor

JAZZ_SOUND = {"valence": 0.3, "energy": 0.2}


ROCK_SOUND = {"valence": 0.8, "energy": 0.9}


def track(number: int, genre: str, **changes: object) -> Track:
    """Track `t<number>`: calm-sad jazz or happy rock, popularity 100 less its number, released in 1980 plus its number."""
    sound = JAZZ_SOUND if genre == "jazz" else ROCK_SOUND
    neutral = dict.fromkeys(("danceability", "speechiness", "acousticness", "instrumentalness", "liveness"), 0.5)
    features = AudioFeatures(**neutral, **sound, key=1, mode=1, loudness=-8.0, tempo=100.0 + number)
    facts: dict[str, object] = {
        "track_no": TrackNo(number), "track_id": f"t{number}", "name": f"Song {'abcdefghijklmnopqrstuvwxyz'[number]}",
        "artists": (f"Artist {number}",), "album": "Album", "year": 1980 + number, "duration_ms": 180_000, "explicit": False,
        "popularity": 100 - number, "genres": (genre,), "features": features,
    }  # fmt: skip
    return Track(**(facts | changes))  # type: ignore[arg-type]


JAZZ = [track(number, "jazz") for number in range(1, 9)]


ROCK = [track(number, "rock") for number in range(9, 17)]


CATALOGUE = JAZZ + ROCK


@cache
def fitted() -> Recommender:
    """A real recommender: ten listeners of the jazz tracks, ten of the rock tracks, each missing two."""
    tracks = CATALOGUE
    half = len(tracks) // 2
    plays = np.zeros((20, len(tracks)), np.float32)
    for listener in range(20):
        columns = np.arange(half) + half * (listener % 2)
        plays[listener, np.delete(columns, [listener % half, (listener + 1) % half])] = 3.0
    numbers = np.array([t.track_no for t in tracks], np.int32)
    blend = Blend(als=AlsModel(AlsConfig(factors=4, iterations=4))).fit(Interactions(csr_matrix(plays), numbers, 20), tracks)
    return Recommender.build(blend, numbers, tracks)


def state(*played: int, events: int | None = None, user_no: int = 1) -> ListenerState:
    """Someone who played these tracks once each, just now."""
    now_s = time.time()
    cells = [Cell(TrackNo(number), forward_factor(now_s), 1, 0, 0, 1, now_s) for number in played]
    return ListenerState(UserNo(user_no), len(played) if events is None else events, now_s, cells)


def row(*played: int) -> ListenerRow:
    """The live row of that state."""
    return row_of(state(*played), time.time())
