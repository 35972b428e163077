"""From a promoted version to a recommender that is ready to answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from api.live_model import Load, Served
from segue.catalogue import Track
from segue.models.contract import History
from segue.recommending.answer import Recommender
from segue.stores.snapshots import SnapshotStore

WARM_UP_TRACKS = 20


def snapshot_loader(store: SnapshotStore) -> Load:
    """Loads versions from `store`; raises CorruptSnapshot or NotFound."""

    def load(version: str, tracks: Sequence[Track]) -> Served:
        snapshot = store.load(version)
        recommender = Recommender.build(snapshot.blend, snapshot.track_nos, tracks)
        _warm_up(recommender)
        return Served(version, snapshot.manifest.created_at, recommender)

    return load


def _warm_up(recommender: Recommender) -> None:
    """Touch every array once, so that no listener waits for page faults and first-call costs."""
    columns = list(range(min(WARM_UP_TRACKS, recommender.n_tracks)))
    recommender.for_listener(History.of(columns), 10, now_s=time.time())
    recommender.for_listener(History.empty(), 10)
