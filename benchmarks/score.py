"""`python -m benchmarks score`: milliseconds of whole answers on one thread, from a recommender over a made-up catalogue.

An answer retrieves, scores, filters, diversifies and explains; the way through HTTP and Redis is not part of it. Figures, all
`_p50` and `_p99` over RUNS listeners in milliseconds: `user_ms` 10 tracks for 100 tracks of history; `filtered_ms` the same
under one of FILTERS after the other; `blocked_ms` with blocks, excludes and a heard window; `dial_ms` with the dial at 0.8;
`explored_ms` with a tenth of the slots explored; `hundred_ms` 100 tracks; `long_ms` for 1,000 tracks of history; `new_ms` for
a newcomer with chosen genres; `song_ms` 10 tracks like a song; `group_ms` for three listeners; `prompt_ms` a playlist of 25
tracks for a listener from two tracks, an artist and a genre; `hour_ms` one that lasts an hour, in a smooth order; `most_ms` the
longest one in a smooth order.
`build_s`: catalogue, models, indexes and recommender; `…_recall_at_100`, `…_probes`, `…_index_s` of each index; `rss_mb`: of
the whole process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.made_world import World, blend, index_parts, world
from benchmarks.results import percentile, report
from segue.ids import TrackNo
from segue.models.contract import History
from segue.recommending.answer import FOR_LISTENER, Answer, Recommender
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.lists import Shape, shaped
from segue.recommending.prompts import Prompt
from segue.recommending.steering import Exploration, Steering

RUNS = 300
HISTORY = 100
LONG_HISTORY = 1_000
FILTERS = (
    Filters(explicit=False),
    Filters(genres=("genre 0", "genre 1", "genre 2")),
    Filters(genres=("genre 300",)),
    Filters(year_min=1990, year_max=1999),
    Filters(year_min=1994, year_max=1994, exclude_genres=("genre 3",)),
    Filters(moods=("calm", "sad"), popularity_min=20),
    Filters(features=(FeatureRange("energy", 0.6), FeatureRange("tempo", 110, 130)), explicit=False),
)

Ask = Callable[[int], Answer]


def score(n_tracks: int, factors: int, json_path: Path | None = None) -> dict[str, Any]:
    """Run it."""
    start = time.perf_counter()
    made = world(n_tracks)
    models = blend(made, factors)
    indexes = index_parts(models, made, HISTORY)
    recommender = Recommender.build(models, np.arange(n_tracks, dtype=np.int32), made.tracks)
    built_s = time.perf_counter() - start
    figures: dict[str, Any] = {"tracks": n_tracks, "factors": factors, "build_s": round(built_s, 1)}
    for part, index in indexes.items():
        figures |= {
            f"{part}_recall_at_100": index.recall_at_100,
            f"{part}_probes": index.probes,
            f"{part}_index_s": index.seconds,
        }
    for name, ask in _questions(recommender, made).items():
        figures |= _timed(name, ask)
    figures["rss_mb"] = round(psutil.Process().memory_info().rss / 1e6)
    report(f"answers over {n_tracks:,} tracks", figures, json_path)
    return figures


def _questions(recommender: Recommender, made: World) -> dict[str, Ask]:
    histories = [made.history(HISTORY, seed) for seed in range(40)]
    long = [made.history(LONG_HISTORY, 1_000 + seed) for seed in range(10)]
    steps = range(0, len(made.tracks), max(1, len(made.tracks) // RUNS))

    def user(**steering: Any) -> Ask:
        return lambda run: recommender.for_listener(histories[run % len(histories)], 10, Steering(**steering))

    def nobody(run: int) -> Answer:
        return recommender.for_listener(History.empty(), 10, genres=(f"genre {run % 20}",))

    blocks = {
        "blocked_tracks": frozenset(TrackNo(number) for number in steps[:50]),
        "exclude": frozenset(TrackNo(number) for number in steps[50:100]),
        "blocked_artists": tuple(f"Artist {number}" for number in range(20)),
        "heard_days": 30.0,
    }

    def listed(shape: Shape) -> Ask:
        def ask(run: int) -> Answer:
            history, steering = histories[run % len(histories)], Steering(longest_ms=shape.duration_ms)
            track = made.tracks[steps[run % len(steps)]]
            prompt = Prompt(tuple(TrackNo(steps[(run + i) % len(steps)]) for i in (1, 2)), track.artists, track.genres[:1])
            best = partial(recommender.for_prompt, prompt, steering=steering, history=history)
            return shaped(best, shape, recommender.track, FOR_LISTENER)

        return ask

    return {
        "user": user(),
        "filtered": lambda run: user(filters=FILTERS[run % len(FILTERS)])(run),
        "blocked": user(**blocks),
        "dial": user(adventurousness=0.8),
        "explored": user(exploration=Exploration(0.1, 7)),
        "hundred": lambda run: recommender.for_listener(histories[run % len(histories)], 100),
        "long": lambda run: recommender.for_listener(long[run % len(long)], 10),
        "new": nobody,
        "group": lambda run: recommender.for_group({f"m{i}": histories[(run + i) % len(histories)] for i in range(3)}, 10),
        "prompt": listed(Shape(25)),
        "hour": listed(Shape(250, 3_600_000, smooth=True)),
        "most": listed(Shape(250, smooth=True)),
        "song": lambda run: recommender.for_song(TrackNo(steps[run % len(steps)]), 10),
    }


def _timed(name: str, ask: Ask) -> dict[str, float]:
    for run in range(len(FILTERS)):
        ask(run)
    spent: list[float] = []
    for run in range(RUNS):
        start = time.perf_counter()
        ask(run)
        spent.append(1_000 * (time.perf_counter() - start))
    return {f"{name}_ms_p50": round(percentile(spent, 50), 3), f"{name}_ms_p99": round(percentile(spent, 99), 3)}
