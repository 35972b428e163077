"""Tracks published again with features: everything else is as it is stored at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

import msgspec

from producers.ingestion.contract import Item
from producers.simulator.clock import Clock
from segue.errors import Unavailable
from segue.events import AudioFeatures
from segue.kafka import consumer_lag
from segue.settings import Settings
from segue.stores.postgres.features import FeatureStore
from segue.topics import CATALOGUE

POLL_S = 0.5


class Completed:
    """Puts features into records. `up_to_date` returns when the store has what the log has, or raises Unavailable.

    Without that, a record that is in the log and not stored yet would be undone, and a deleted track come back.
    """

    def __init__(self, store: FeatureStore, up_to_date: Callable[[], None], most: int) -> None:
        self._store, self._up_to_date, self._most = store, up_to_date, most
        self._given: dict[str, None] = {}

    def records(self, found: Mapping[str, AudioFeatures], source: str) -> list[Item]:
        """The tracks, by id, that have no features yet, with these. Raises Unavailable."""
        wanted = [track_id for track_id in found if track_id not in self._given]
        if not wanted:
            return []
        self._up_to_date()
        stored = self._store.records(wanted)
        self._given |= dict.fromkeys(stored)
        for track_id in list(islice(self._given, max(0, len(self._given) - self._most))):
            del self._given[track_id]
        return [
            msgspec.structs.replace(record, features=found[track_id], features_source=source)
            for track_id, record in stored.items()
        ]


class StoredLog:
    """Waits until everything in the log of the catalogue is stored."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    def wait(self) -> None:
        """Returns when it is. Raises Unavailable after SEGUE_INGEST_PATIENCE_S without progress."""
        least, deadline_s = self._behind(), self._deadline()
        behind = least
        while behind:
            if self._clock.now_s() > deadline_s or self._clock.stopped():
                raise Unavailable(f"{behind:,} records of tracks are not stored yet: start the processors (`segue up`)")
            self._clock.wait(POLL_S)
            behind = self._behind()
            if behind < least:
                least, deadline_s = behind, self._deadline()

    def _behind(self) -> int:
        return sum(consumer_lag(self._settings.require_kafka(), self._settings.kafka_group, (CATALOGUE,)).values())

    def _deadline(self) -> float:
        return self._clock.now_s() + self._settings.ingest_patience_s
