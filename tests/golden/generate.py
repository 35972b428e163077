"""Makes the golden snapshot of the current format: `python -m tests.golden.generate NAME`, from the repository's root.

The directory `tests/golden/NAME` holds a snapshot as the trainer writes it, small enough to commit, and `answers.json`, what it
answered when it was made. `test_golden.py` loads every one of them: snapshots of an older release go on answering the same, or
a release says that they do not. When the format changes on purpose (files, types, keys of the JSON files), run this under a new
name and keep the old ones; a form that no release wrote may be replaced.

Everything is drawn from one seed; no outside data.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue import __version__
from segue.catalogue import Track
from segue.events import AudioFeatures
from segue.ids import TrackNo
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend
from segue.models.contract import Columns, Floats, History, Interactions
from segue.models.ranking import top_columns
from segue.stores.snapshots import Manifest, Snapshot, SnapshotStore

GOLDEN = Path(__file__).parent
VERSION = "20261124T000000Z-901de0"
"""The name of every golden snapshot inside its directory."""
ANSWERS = "answers.json"
N_TRACKS = 24
LISTENERS = 40
GENRES = ("rock", "jazz", "folk")
HISTORIES: dict[str, dict[int, float]] = {
    "newcomer": {},
    "one play": {500: 1.0},
    "rock": {500: 2.0, 503: 1.0, 506: 0.5, 501: -1.0},
    "everything but jazz": {500 + i: 1.0 for i in range(N_TRACKS) if i % 3 != 1},
}
"""Preference by track number."""
SONGS = (500, 507)


def tracks() -> list[Track]:
    """The catalogue: track 500 + i is of genre i mod 3."""
    random = np.random.default_rng(20_261_124)
    return [_track(number, random) for number in range(N_TRACKS)]


def interactions() -> Interactions:
    """Listeners of one genre each, with two strays, and a few rejections."""
    random = np.random.default_rng(24_112_026)
    plays = np.zeros((LISTENERS, N_TRACKS), np.float32)
    for listener in range(LISTENERS):
        own = np.arange(listener % 3, N_TRACKS, 3)
        plays[listener, random.choice(own, 5, replace=False)] = random.integers(1, 5, 5)
        plays[listener, random.choice(N_TRACKS, 2, replace=False)] = [1.0, -0.5]
    follows = csr_matrix(np.roll(np.eye(N_TRACKS, dtype=np.float32), 1, axis=1) * 5)
    return Interactions(csr_matrix(plays), np.arange(500, 500 + N_TRACKS, dtype=np.int32), LISTENERS, follows)


def fitted() -> Blend:
    """The blend of that data."""
    als = AlsModel(AlsConfig(factors=32, regularization=1.0, alpha=10.0, iterations=8))
    return Blend(als=als).fit(interactions(), tracks())


def answers(snapshot: Snapshot) -> dict[str, list[list[float]]]:
    """What is recorded: the best tracks of each history and those like each of SONGS, as [track number, score].

    Of the models alone: how answers are mixed and capped is no matter of a stored format.
    """
    blend, listed = snapshot.blend, partial(_listed, snapshot.track_nos)
    histories = {name: _history(snapshot, liked) for name, liked in HISTORIES.items()}
    lists = {name: listed(blend.candidates(own, 8), blend.score_all(own)) for name, own in histories.items()}
    songs = np.searchsorted(snapshot.track_nos, SONGS).tolist()
    if blend.sequence.pairs:
        after = blend.sequence.score_all(histories["one play"])
        lists["after one play"] = listed(top_columns(after, 1), after)
    return lists | {
        f"like {number}": listed(blend.similar(at, 5), blend.similarity(at)) for number, at in zip(SONGS, songs, strict=True)
    }


def written(directory: Path) -> None:
    """Write the snapshot and its answers."""
    store = SnapshotStore(str(directory))
    manifest = Manifest(version=VERSION, created_at=datetime(2026, 11, 24, tzinfo=UTC), code_version=__version__)
    store.write(manifest, fitted(), interactions().track_nos)
    (directory / ANSWERS).write_text(json.dumps(answers(store.load(VERSION)), indent=1) + "\n")


def _history(snapshot: Snapshot, liked: dict[int, float]) -> History:
    columns = np.searchsorted(snapshot.track_nos, np.array(list(liked), np.int32))
    return History.of(columns.tolist(), list(liked.values()))


def _listed(track_nos: npt.NDArray[np.int32], columns: Columns, scores: Floats) -> list[list[float]]:
    return [[int(track_nos[column]), round(float(scores[column]), 4)] for column in columns.tolist()]


def _track(number: int, random: np.random.Generator) -> Track:
    level, valence = (float(value) for value in random.random(2))
    features = AudioFeatures(
        danceability=level, energy=level, key=0, loudness=-20.0 * level, mode=1, speechiness=0.1, acousticness=1.0 - level,
        instrumentalness=0.0, liveness=0.1, valence=valence, tempo=60.0 + 120.0 * level,
    )  # fmt: skip
    return Track(
        TrackNo(500 + number), f"golden-{number}", f"Tune {number}", (f"Band {number // 4}",), None, 1970 + 2 * number, 200_000,
        None, 90 - 3 * number, (GENRES[number % 3],), None if number == 20 else features,
    )  # fmt: skip


if __name__ == "__main__":
    written(GOLDEN / sys.argv[1])
