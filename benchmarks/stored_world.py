"""A made-up world where a service finds it: tracks in Postgres, a promoted snapshot, the rows of its listeners in Redis."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from benchmarks.made_world import World, blend, index_parts
from segue import __version__
from segue.catalogue import Track
from segue.ids import TrackNo, UserNo
from segue.listeners import Cell, ListenerState
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.models import ModelRegistry
from segue.stores.redis.reader import LiveRowReader
from segue.stores.snapshots import Manifest, SnapshotStore, new_version
from segue.taste import forward_factor

COPIED = 50_000
COLUMNS = "track_no, track_id, name, artists, album, year, duration_ms, explicit, popularity, genres, features, changed_at"
HOUR_S = 3_600.0
MONTH_S = 30 * 86_400.0
DISLIKED, NEUTRAL = 0, 1
"""`Cell.statement`s."""


def store_tracks(settings: Settings, made: World) -> None:
    """Every track under its own number, straight into the table: the way through Kafka is what `ingest` measures."""
    with Database(settings.require_postgres()).transaction() as cursor:
        for at in range(0, len(made.tracks), COPIED):
            rows = io.StringIO()
            csv.writer(rows).writerows(_row(track) for track in made.tracks[at : at + COPIED])
            rows.seek(0)
            cursor.copy_expert(f"copy tracks ({COLUMNS}) from stdin (format csv)", rows)
        cursor.execute("analyze tracks")


def store_model(settings: Settings, made: World, factors: int, history: int) -> None:
    """A promoted snapshot of models over the world, with the indexes that a refit makes."""
    models = blend(made, factors)
    indexes = index_parts(models, made, history)
    snapshots = SnapshotStore(settings.snapshots())
    made_at = datetime.now(UTC)
    draft = Manifest(version=new_version(made_at), created_at=made_at, code_version=__version__, indexes=indexes)
    written = snapshots.write(draft, models, np.arange(len(made.tracks), dtype=np.int32))
    ModelRegistry(Database(settings.require_postgres())).add(written.version, snapshots.url_of(written.version), written, True)


def store_listeners(settings: Settings, made: World, listeners: int, history: int) -> None:
    """Rows of `listener-0` and so on, who listened in the last month and not in the last hour."""
    asyncio.run(_filled(settings, {f"listener-{seed}": _state(made, seed, history) for seed in range(listeners)}))


async def _filled(settings: Settings, states: dict[str, ListenerState]) -> None:
    reader = LiveRowReader(settings.require_redis(), settings.redis_buckets, settings.listener_row_ttl_days, timeout_s=5.0)
    for user_id, state in states.items():
        await reader.fill(user_id, state)
    await reader.close()


def _state(made: World, seed: int, size: int) -> ListenerState:
    history, now_s = made.history(size, seed), time.time()
    ages_s = np.random.default_rng(seed).uniform(HOUR_S, MONTH_S, len(history)).tolist()
    cells = [
        Cell(TrackNo(column), abs(liking) * forward_factor(now_s), 1, 0, 0, NEUTRAL if liking > 0 else DISLIKED, now_s - age_s)
        for column, liking, age_s in zip(history.columns.tolist(), history.preference.tolist(), ages_s, strict=True)
    ]
    return ListenerState(UserNo(seed + 1), len(cells), now_s - min(ages_s, default=HOUR_S), cells)


def _row(track: Track) -> Iterator[object]:
    features = track.features
    yield from (track.track_no, track.track_id, track.name, _array(track.artists), track.album, track.year, track.duration_ms)
    yield from (track.explicit, track.popularity, _array(track.genres))
    yield None if features is None else _array(getattr(features, name) for name in type(features).__struct_fields__)
    yield "2026-01-01T00:00:00Z"


def _array(values: object) -> str:
    return "{" + ",".join(f'"{value}"' for value in values) + "}"  # type: ignore[attr-defined]
