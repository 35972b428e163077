"""What `segue ingest features` does: each source in turn, judged by its scale before anything of it is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.console import err, out
from producers.features.asked import AskedService
from producers.features.publishing import Completed, StoredLog
from producers.features.reccobeats import MOST_IDS, open_reccobeats
from producers.features.scales import FEWEST, MOST_APART, Comparison, compared
from producers.features.tables import FeatureTable
from producers.ingestion.importing import import_from, not_now
from producers.ingestion.options import Asked
from producers.ingestion.stopping import StoppableClock
from producers.ingestion.summary import EXIT_AGAIN, EXIT_DONE, EXIT_STOPPED
from producers.reading.bounds import Bounds
from segue.errors import InvalidInput, Unavailable
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.features import FeatureStore

Source = FeatureTable | AskedService


def complete(settings: Settings, tables: Sequence[Path], reccobeats: bool, accept_scale: bool, asked: Asked) -> int:
    """Ask the tables in their order, then ReccoBeats, for tracks that still have no features; returns the exit code.

    Raises SegueError.
    """
    clock = StoppableClock()
    with closing(Database(settings.require_postgres())) as database:
        store = FeatureStore(database)
        run = _Run(settings, clock, store, accept_scale, asked)
        with clock.signals():
            code = run.all(tables, reccobeats)
        if not (tables or reccobeats):
            _tell_missing(store)
    return code


@dataclass(frozen=True)
class _Run:
    """The sources of one command, one after the other."""

    settings: Settings
    clock: StoppableClock
    store: FeatureStore
    accept_scale: bool
    asked: Asked

    def all(self, tables: Sequence[Path], reccobeats: bool) -> int:
        """The exit code: the first one that ends everything, else the worst."""
        codes = []
        try:
            for source in self._sources(tables, reccobeats):
                judge(source, self.store, self.settings.features_overlap_tracks, self.accept_scale)
                codes.append(import_from(source, self.asked, self.settings, clock=self.clock))
                if codes[-1] in {EXIT_AGAIN, EXIT_STOPPED}:
                    return codes[-1]
        except Unavailable as error:
            return not_now(error)
        return max(codes, default=EXIT_DONE)

    def _sources(self, tables: Sequence[Path], reccobeats: bool) -> Iterator[Source]:
        for path in tables:
            yield FeatureTable(path, Bounds.of(self.settings), self.store, self._completed())
        if reccobeats:
            with self._service() as service:
                yield service

    @contextmanager
    def _service(self) -> Iterator[AskedService]:
        settings = self.settings
        err.print(
            f"ids of tracks without audio features are sent to {settings.reccobeats_url}, {MOST_IDS} at a time; nothing else is",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        completed = self._completed()
        if not self._publishes_nothing:
            # What the tables had is not asked for.
            self._log().wait()
        with open_reccobeats(settings, self.clock) as reccobeats:
            service = AskedService(reccobeats, self.store, completed, settings.reccobeats_url)
            known, unknown = timedelta(days=settings.features_kept_days), timedelta(days=settings.features_unknown_days)
            service.forget(datetime.now(UTC), unknown, known)
            yield service

    @property
    def _publishes_nothing(self) -> bool:
        return self.asked.dry_run or self.asked.out is not None

    def _completed(self) -> Completed:
        wait = (lambda: None) if self._publishes_nothing else self._log().wait
        return Completed(self.store, wait, self.settings.id_cache_entries)

    def _log(self) -> StoredLog:
        return StoredLog(self.settings, self.clock)


def judge(source: Source, store: FeatureStore, most: int, accepted: bool) -> None:
    """Compare a source with what the catalogue has from elsewhere, and say so. Raises InvalidInput unless it is `accepted`."""
    if accepted:
        err.print(f"{source.label}: its scale is accepted unseen", markup=False, highlight=False)
        return
    if not store.has_of_others(source.source, FEWEST):
        err.print(
            f"{source.label}: the catalogue has no features from elsewhere to compare it with", markup=False, highlight=False
        )
        return
    found = compared(source.overlap(most))
    if not found.enough:
        raise InvalidInput(
            f"{source.label} and the catalogue have features of {found.tracks} tracks in common, by id: {FEWEST} are needed to "
            "see whether their scales agree. If you know that they do (both are Spotify's), add --accept-scale",
            "unknown_scale",
        )
    said = f"{source.label} compared with {found.tracks:,} tracks of the catalogue, median distance: {found.told()}"
    if found.too_far:
        raise InvalidInput(f"{said}. {_too_far(found)}", "other_scale")
    err.print(said, markup=False, highlight=False, soft_wrap=True)


def _too_far(found: Comparison) -> str:
    bounds = ", ".join(f"{name} (at most {MOST_APART[name]:g})" for name in found.too_far)
    return f"Its scale is another one: {bounds}. Nothing was published; --accept-scale mixes them all the same"


def _tell_missing(store: FeatureStore) -> None:
    counts = store.counts()
    out.print(f"{counts.without:,} of {counts.tracks:,} tracks have no audio features", highlight=False)
    if counts.without:
        out.print(
            "--table FILE gives them those of a table, --reccobeats asks a service: docs/guide/features.md", highlight=False
        )
