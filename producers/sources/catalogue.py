"""A table of tracks, or an invented one, as a source of imports.

A track's genres and a playlist's tracks are spread over the file: the whole of it is read before anything is published, so there
is no position to go on from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from producers.ingestion.contract import Item, Page, Rejected
from producers.sources.csv_rows import csv_rows, open_lines
from producers.sources.spotify_columns import find_columns
from producers.sources.spotify_csv import MAX_PLAYLIST_TRACKS, Catalogue, Merge
from producers.sources.spotify_rows import Reason
from producers.sources.synthetic import invented

PAGE_ROWS = 5_000
PAGE_ITEMS = 2_000


class CatalogueSource:
    """`path` None: an invented catalogue. `max_tracks`: stop after as many."""

    name = "catalogue"

    def __init__(self, path: Path | None, label: str, max_tracks: int | None = None) -> None:
        self.label, self._path, self._max_tracks = label, path, max_tracks
        self.fingerprint = hashlib.sha256(f"{path and path.absolute()} {max_tracks}".encode()).hexdigest()
        self.notes: list[str] = []
        """What to know of the catalogue, once it is read."""

    def total(self) -> int | None:
        """Unknown before it is read."""
        return None

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:  # noqa: ARG002 see above
        """Rows and what is wrong with them first, then tracks, then playlists. Raises NotFound or InvalidCatalogue."""
        if self._path is None:
            catalogue = invented(self._max_tracks)
            yield Page([], [], [], {}, catalogue.rows)
        else:
            catalogue = yield from _read(self._path, self._max_tracks)
        self.notes = _notes(catalogue)
        items: list[Item] = [*catalogue.tracks, *catalogue.playlists]
        for start in range(0, len(items), PAGE_ITEMS):
            yield Page(items[start : start + PAGE_ITEMS], [], [], {}, 0)


def _read(path: Path, max_tracks: int | None) -> Generator[Page, None, Catalogue]:
    """Yields what was rejected; returns the catalogue."""
    rejected: list[Rejected] = []

    def note(line: int, reason: Reason) -> None:
        text = f"{reason}: correct the row and import the file again, or do without it"
        rejected.append(Rejected(reason.replace(" ", "_"), f"{path.name}, line {line:,}", text))

    merge, columns, read = Merge(note), None, 0
    with open_lines(path) as lines:
        for line, cells in csv_rows(lines):
            if columns is None:
                columns = find_columns(cells)
            elif cells and not merge.take(line, cells, columns, max_tracks):
                yield _rows(rejected, read)
                return merge.result(complete=False)
            else:
                read += 1
            if read == PAGE_ROWS:
                yield _rows(rejected, read)
                read = 0
    yield _rows(rejected, read)
    return merge.result(complete=True)


def _rows(rejected: list[Rejected], read: int) -> Page:
    page = Page([], list(rejected), [], {}, read)
    rejected.clear()
    return page


def _notes(catalogue: Catalogue) -> list[str]:
    memberships = sum(len(playlist.track_ids) for playlist in catalogue.playlists)
    notes = [f"{memberships:,} places of tracks in playlists"] if memberships else []
    if catalogue.featureless:
        notes.append(f"{catalogue.featureless:,} tracks have no audio features")
    if catalogue.cut_playlists:
        notes.append(f"{catalogue.cut_playlists:,} playlists were cut at {MAX_PLAYLIST_TRACKS:,} tracks")
    if not catalogue.complete:
        notes.append("stopped at --limit: there is more")
    return notes
