"""The data ingestor: finds a catalogue, reads it and publishes its tracks and playlists to Kafka.

python -m producers.data_ingestor catalogue [PATH_OR_URL]      (the same as `segue ingest`)
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from producers.publisher import Publisher
from producers.sources.csv_rows import open_lines
from producers.sources.fetch import locate, tidytuesday
from producers.sources.spotify_csv import Catalogue, read_catalogue
from producers.sources.synthetic import synthetic_catalogue
from segue.cli import main
from segue.errors import Unavailable
from segue.logs import fields
from segue.settings import Settings
from segue.topics import CATALOGUE, PLAYLISTS

log = logging.getLogger(__name__)

Progress = Callable[[int], None]
"""Called with the number of lines read or records queued so far."""

PROGRESS_EVERY = 500

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """Where a catalogue comes from. `path` is None when it is invented, and `reason` then says why."""

    label: str
    path: Path | None
    reason: str = ""


def choose_source(asked: str | None, settings: Settings) -> Source:
    """What was asked for, else SEGUE_CATALOGUE, else the public TidyTuesday table; invented only if that cannot be fetched.

    Raises Unavailable or InvalidInput for a named source that cannot be had: that is never replaced by another.
    """
    cache_dir = settings.state_dir / "catalogue"
    named = asked or settings.catalogue
    if named:
        return Source(named, locate(named, cache_dir))
    try:
        return Source("TidyTuesday 2020-01-21, spotify_songs.csv", tidytuesday(cache_dir))
    except Unavailable as error:
        log.warning("catalogue is synthetic", extra=fields(reason=error))
        return Source("synthetic", None, str(error))


def load_catalogue(source: Source, max_tracks: int | None = None, progress: Progress = lambda _: None) -> Catalogue:
    """Read the source. Raises NotFound or InvalidCatalogue."""
    if source.path is None:
        return _first(synthetic_catalogue(), max_tracks)
    with open_lines(source.path) as lines:
        return read_catalogue(_counted(lines, progress), max_tracks)


def publish_catalogue(publisher: Publisher, catalogue: Catalogue, progress: Progress = lambda _: None) -> int:
    """Publish every track and playlist, wait for the acknowledgements and return the number of records.

    Raises KafkaUnavailable with counts.
    """
    tracks = ((track.track_id, track) for track in catalogue.tracks)
    playlists = ((playlist.playlist_id, playlist) for playlist in catalogue.playlists)
    published = publisher.publish_records(CATALOGUE, _counted(tracks, progress))
    published += publisher.publish_records(PLAYLISTS, playlists)
    publisher.flush()
    log.info("catalogue published", extra=fields(tracks=len(catalogue.tracks), playlists=len(catalogue.playlists)))
    return published


def _first(catalogue: Catalogue, max_tracks: int | None) -> Catalogue:
    if max_tracks is None or max_tracks >= len(catalogue.tracks):
        return catalogue
    tracks = catalogue.tracks[:max_tracks]
    return Catalogue(tracks, [], rows=len(tracks), rejected={}, featureless=0, complete=False)


def _counted(items: Iterable[T], progress: Progress) -> Iterator[T]:
    for number, item in enumerate(items, start=1):
        if number % PROGRESS_EVERY == 0:
            progress(number)
        yield item


if __name__ == "__main__":
    sys.argv[1:1] = ["ingest"]
    main()
