"""The data ingestor: where the demo's catalogue comes from, and all of `segue ingest` without `segue`.

python -m producers.data_ingestor catalogue [PATH_OR_URL]      (the same as `segue ingest`)
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from producers.sources.csv_rows import open_lines
from producers.sources.fetch import locate, tidytuesday
from producers.sources.spotify_csv import Catalogue, read_catalogue
from producers.sources.synthetic import invented
from segue.cli import main
from segue.errors import Unavailable
from segue.logs import fields
from segue.settings import Settings

log = logging.getLogger(__name__)


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


def load_catalogue(source: Source, max_tracks: int | None = None) -> Catalogue:
    """Read the source at once. Raises NotFound or InvalidCatalogue."""
    if source.path is None:
        return invented(max_tracks)
    with open_lines(source.path) as lines:
        return read_catalogue(lines, max_tracks)


if __name__ == "__main__":
    sys.argv[1:1] = ["ingest"]
    main()
