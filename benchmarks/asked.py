"""Some 300 questions of every kind over a made-up catalogue, and the same again after its tracks have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.made_world import World, blend, index_parts, world
from segue.ids import TrackNo
from segue.models.blend import Blend
from segue.models.contract import History, Interactions
from segue.models.popularity import PopularNow
from segue.recommending.answer import Answer, Recommender
from segue.recommending.diversity import Diversity
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.steering import STRAIGHT, Exploration, Steering

NOW_S = 1_800_000_000.0
SIZES = (1, 3, 8, 30, 100, 400)
FILTERS = (
    Filters(explicit=False),
    Filters(genres=("genre 0", "genre 1", "genre 2")),
    Filters(genres=("genre 60",)),
    Filters(year_min=1990, year_max=1999),
    Filters(moods=("calm", "sad"), popularity_min=20),
    Filters(features=(FeatureRange("energy", 0.6), FeatureRange("tempo", 110, 130)), exclude_genres=("genre 3",)),
    Filters(popularity_max=0, year_min=2020),
    Filters(genres=("no such genre",)),
)

Ask = Callable[[], Answer]


def recommenders(n_tracks: int, factors: int) -> Iterator[tuple[str, World, Recommender]]:
    """Over a fresh catalogue, and over one with tracks added, changed and removed."""
    made = world(n_tracks)
    models = _ordered(blend(made, factors), n_tracks)
    index_parts(models, made, 100)
    fresh = Recommender.build(models, np.arange(n_tracks, dtype=np.int32), made.tracks)
    yield "fresh", made, fresh
    added = [replace(made.tracks[i * 7], track_no=TrackNo(n_tracks + i), name=f"New {i}") for i in range(90)]
    bare = [replace(added[0], track_no=TrackNo(n_tracks + 100 + i), features=None, genres=(f"fresh {i}",)) for i in range(3)]
    moved = [replace(made.tracks[i * 11], genres=("genre 2",), year=None) for i in range(20)]
    yield "changed", made, fresh.add_tracks([*added, *bare, *moved]).remove_tracks([TrackNo(i * 13) for i in range(200)])


def questions(made: World, recommender: Recommender) -> Iterator[tuple[str, Ask]]:
    """Each with a name of its own."""
    for seed in range(12):
        for size in SIZES:
            listener = _listener(made, size, 100 * size + seed)
            yield f"user {size} {seed}", _user(recommender, listener, 10, STRAIGHT)
        for name, steering in _steerings(seed):
            listener = _listener(made, (100, 5)[seed % 2], 50_000 + seed)
            yield f"user {name} {seed}", _user(recommender, listener, 10, steering)
            yield f"song {name} {seed}", _song(recommender, 97 * seed, steering)
    yield from _others(made, recommender)


def _others(made: World, recommender: Recommender) -> Iterator[tuple[str, Ask]]:
    n_tracks = len(made.tracks)
    popular = PopularNow(np.array([5, 90, 11, n_tracks + 4], np.int32), np.array([0.5, 0.3, 0.1, 0.1]))
    for i in range(12):
        members = {f"m{k}": _listener(made, SIZES[(i + k) % len(SIZES)], 700 + i + k) for k in range(2 + i % 2)}
        session = [(TrackNo(step * 31 % n_tracks), step % 3 == 2) for step in range(i, i + 1 + i % 7)]
        playlist = [TrackNo(step * 53 % n_tracks) for step in range(i, i + 2 * i)]
        new = {"genres": (f"genre {i}",), "artists": (f"Artist {3 * i}", "nobody")}
        yield f"group {i}", partial(recommender.for_group, members, 10, now_s=NOW_S)
        yield f"session {i}", partial(recommender.for_session, session, 10)
        yield f"playlist {i}", partial(recommender.for_playlist, playlist, 10, title="chill genre 4 song")
        yield f"hundred {i}", _user(recommender, _listener(made, 100, i), 100, STRAIGHT)
        yield f"new {i}", _user(recommender, History.empty(), 10, STRAIGHT, **new, popular=popular)
        yield f"trending {i}", _user(recommender, History.empty(), 10 + i, STRAIGHT, popular=popular)
        yield f"chosen {i}", _user(recommender, _listener(made, 2, i), 10, STRAIGHT, **new, popular=popular)
        yield f"newest song {i}", _song(recommender, recommender.n_tracks - 1 - i, STRAIGHT)
        yield f"played song {i}", _song(recommender, int(np.argsort(-made.plays, kind="stable")[i * 37]), STRAIGHT)
    for name, preference in (("nobody", []), ("rejections", [-1.0, -0.5, -3.0]), ("met only", [0.0, 0.0])):
        listener = History.of([7, 400, 90][: len(preference)], preference)
        yield f"user {name}", _user(recommender, listener, 10, STRAIGHT)


def _steerings(seed: int) -> Iterator[tuple[str, Steering]]:
    yield "filter", Steering(filters=FILTERS[seed % len(FILTERS)])
    yield "dial", Steering(adventurousness=(0.0, 0.3, 0.8, 1.0)[seed % 4])
    yield "exploration", Steering(exploration=Exploration(0.3, seed))
    yield "ranking", Steering(diversity=Diversity(0.0, 10, 10), heard_days=0.0)
    tracks = frozenset(TrackNo(number * 3) for number in range(50))
    yield (
        "blocks",
        Steering(blocked_tracks=tracks, exclude=frozenset({TrackNo(seed)}), blocked_artists=("artist 1",), heard_days=5),
    )


def _user(recommender: Recommender, history: History, n: int, steering: Steering, **told: Any) -> Ask:
    return partial(recommender.for_listener, history, n, steering, now_s=NOW_S, **told)


def _song(recommender: Recommender, number: int, steering: Steering) -> Ask:
    # Every 13th has been removed.
    return partial(recommender.for_song, TrackNo(number + (number % 13 == 0)), 10, steering)


def _listener(made: World, size: int, seed: int) -> History:
    """Heard over the last weeks; every other one is in the middle of a session."""
    random = np.random.default_rng(seed)
    history = made.history(size, seed)
    age_s = random.exponential(10 * 86_400.0, len(history))
    age_s[: 6 * (seed % 2)] = 300.0 * np.arange(len(age_s[: 6 * (seed % 2)]))
    return History(history.columns, history.preference, NOW_S - age_s)


def _ordered(models: Blend, n_tracks: int) -> Blend:
    """With transitions from each track to some others."""
    random = np.random.default_rng(9)
    after, weights = random.integers(0, n_tracks, (n_tracks, 20)), random.exponential(3.0, n_tracks * 20)
    start = np.arange(0, 20 * n_tracks + 1, 20)
    counts = csr_matrix((weights.astype(np.float32), after.ravel().astype(np.int32), start), shape=(n_tracks, n_tracks))
    counts.sum_duplicates()
    nobody = csr_matrix(np.zeros((0, n_tracks), np.float32))
    models.sequence.fit(Interactions(nobody, np.arange(n_tracks, dtype=np.int32), 0, counts), [None] * n_tracks)
    return models.reweighted(replace(models.config, sequence=1.5))
