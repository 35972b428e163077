"""Imports whose songs are looked up in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from producers.console import err
from producers.ingestion.contract import Source
from producers.ingestion.importing import import_from, not_now
from producers.ingestion.options import Asked
from producers.ingestion.songs import EmptyCatalogue, PatientSongs, Songs
from producers.ingestion.stopping import StoppableClock
from segue.errors import Unavailable
from segue.logs import configure_logging
from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.songs import SongStore


def import_opened(opened: Callable[[Songs, Settings], Source], asked: Asked) -> int:
    """Import the source that `opened` makes of a catalogue; returns the exit code."""
    settings, clock = load_settings(), StoppableClock()
    configure_logging(settings.log_level)
    with _catalogue(settings, clock) as songs:
        try:
            source = opened(songs, settings)
        except Unavailable as error:
            return not_now(error)
        return import_from(source, asked, settings, clock=clock)


@contextmanager
def _catalogue(settings: Settings, clock: StoppableClock) -> Iterator[Songs]:
    """The catalogue in Postgres, or an empty one, which is said."""
    if settings.postgres_url is None:
        err.print("no Postgres is configured: nothing is looked up in its catalogue, every song counts as new")
        yield EmptyCatalogue()
        return
    with closing(Database(settings.require_postgres())) as database:
        yield PatientSongs(SongStore(database), clock, settings.ingest_patience_s)
