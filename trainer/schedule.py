"""The trainer as a service: refit when enough is new, one trainer at a time, back off when something fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from segue.errors import SegueError, Unavailable
from segue.logs import fields
from segue.settings import Settings
from segue.stores.postgres.models import ModelRegistry
from trainer.learning import NothingToLearn
from trainer.refit import Refit, Stores, refit

LOG = logging.getLogger(__name__)
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 600.0
WAIT_FOR_FIRST_MODEL_S = 5.0
"""While there is no model at all, look this often: nothing can be answered without one."""
CATALOGUE_GROWTH = 0.1
"""A catalogue or a set of playlists that changed its size by this share is worth a refit without any listens."""


@dataclass(frozen=True)
class Due:
    """Whether to refit now, and why (or why not)."""

    now: bool
    reason: str


class Schedule:
    """Runs `refit` until stopped. A failure keeps the last model and doubles the wait, up to LONGEST_RETRY_S."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self._stores = stores
        self._settings = settings
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End `run` after the refit that is under way; may be called from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Refit whenever due, until `stop`."""
        failures = 0
        while not self._stopped.is_set():
            try:
                self.tick()
                failures = 0
                wait_s = self._interval_s()
            except SegueError as error:
                failures += 1
                wait_s = min(FIRST_RETRY_S * 2.0 ** (failures - 1), LONGEST_RETRY_S)
                LOG.warning("refit failed, the last model stays", extra=fields(error=error, retry_s=wait_s, failures=failures))
            self._stopped.wait(wait_s)

    def tick(self) -> Refit | None:
        """Refit if it is due and nobody else trains; None if not."""
        due = is_due(self._stores.training.sizes(), latest_counts(self._stores.registry), self._settings.train_min_events)
        if not due.now:
            LOG.info("no refit", extra=fields(reason=due.reason))
            return None
        with self._stores.training.single_flight() as alone:
            if not alone:
                LOG.info("no refit", extra=fields(reason="another trainer is at work"))
                return None
            return self._refit(due)

    def _refit(self, due: Due) -> Refit | None:
        try:
            outcome = refit(self._stores, lambda stage: LOG.info("refit", extra=fields(stage=stage)))
        except NothingToLearn as nothing:
            LOG.info("no refit", extra=fields(reason=nothing))
            return None
        prune(self._stores, self._settings.snapshots_kept)
        LOG.info(
            "refit done",
            extra=fields(version=outcome.manifest.version, verdict=outcome.verdict, reason=due.reason),
        )
        return outcome

    def _interval_s(self) -> float:
        try:
            waiting = self._stores.registry.champion() is None
        except Unavailable:
            return FIRST_RETRY_S
        return min(WAIT_FOR_FIRST_MODEL_S, self._settings.train_interval_s) if waiting else self._settings.train_interval_s


def is_due(sizes: Mapping[str, int], counts: Mapping[str, int] | None, min_events: int) -> Due:
    """Whether a refit is worth it. `sizes` as of now, `counts` from the newest model's manifest (None: no model yet)."""
    if counts is None:
        return Due(sizes["tracks"] > 0 or sizes["events"] > 0, "there is no model yet")
    new_events = sizes["events"] - counts.get("events", 0)
    if new_events >= max(min_events, 1):
        return Due(True, f"{new_events} new events")
    for name in ("tracks", "playlists"):
        if abs(sizes[name] - counts.get(name, 0)) > CATALOGUE_GROWTH * max(counts.get(name, 0), 1):
            return Due(True, f"{name} went from {counts.get(name, 0)} to {sizes[name]}")
    return Due(False, f"{new_events} new events, {min_events} are asked for")


def latest_counts(registry: ModelRegistry) -> dict[str, int] | None:
    """The counts in the newest model's manifest; None without a model."""
    models = registry.list()
    return {name: int(count) for name, count in models[0].manifest.get("counts", {}).items()} if models else None


def prune(stores: Stores, kept: int) -> None:
    """Delete all but the `kept` newest snapshots; never the champion nor the model that a rollback would return to."""
    models = stores.registry.list()
    champion = next((model.version for model in models if model.champion), None)
    promoted = [m.version for m in models if m.verdict == "promoted" and champion is not None and m.version < champion]
    needed = {champion, *promoted[:1], *(model.version for model in models[:kept])}
    for model in models:
        if model.version not in needed:
            stores.registry.forget(model.version)
            stores.snapshots.delete(model.version)
