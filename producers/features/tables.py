"""A table of audio features as a source: read twice, first for the tracks it names by id, then for those of the same song.

Nothing of it is kept in memory, however large it is: the catalogue is asked about each page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from producers.features.columns import feature_columns
from producers.features.publishing import Completed
from producers.features.rows import FeatureRow, FeatureRows
from producers.features.scales import Pair
from producers.ingestion.contract import Page, Rejected, Skipped
from producers.reading.bounds import Bounds
from producers.reading.members import Member
from producers.sources.fingerprints import fingerprint
from producers.sources.tables.files import Row, open_table
from producers.sources.tables.values import BrokenRow
from segue.errors import InvalidFile, InvalidInput
from segue.events import AudioFeatures
from segue.stores.postgres.features import BareTrack, FeatureStore

PAGE_ROWS = 5_000
MOST_LONGER_MS = 15_000
"""Versions of a song whose lengths differ by more (a live take, an extended mix) do not share features."""

Pass = Literal["ids", "songs"]
PASSES: tuple[Pass, ...] = ("ids", "songs")


class FeatureTable:
    """Features for tracks that have none, from one file. Raises NotFound, InvalidFile or InvalidInput."""

    name = "features-table"

    def __init__(self, path: Path, bounds: Bounds, store: FeatureStore, completed: Completed) -> None:
        self.label = path.name
        with self._named_damage():
            self._table = open_table(path, bounds, header=True)
            self._columns = feature_columns(self._table.columns)
        self._rows, self._store, self._completed = FeatureRows(self._columns), store, completed
        self.source = f"table:{path.name}"
        self.fingerprint = fingerprint([_member(path)])

    def total(self) -> int | None:
        """Rows of both readings, where counting them is cheap."""
        rows = self._table.total()
        return None if rows is None else rows * len(PASSES)

    def overlap(self, most: int) -> list[Pair]:
        """What the catalogue has from elsewhere and what this table says of the same tracks.

        Raises Unavailable, and InvalidInput where no row can be used.
        """
        pairs: list[Pair] = []
        usable, broken = 0, list[Rejected]()
        rows = self._read()
        while (taken := _page(rows)) and len(pairs) < most:
            good = [row for row in taken if isinstance(row, FeatureRow)]
            usable += len(good)
            broken = broken or [row for row in taken if isinstance(row, Rejected)][:1]
            said = {one: row.features for row in good for one in row.ids}
            known = self._store.features_of_others(said, self.source)
            pairs += [(features, said[track_id]) for track_id, features in known.items()]
        if broken and not usable:
            raise InvalidInput(f"no row of {self.label} can be used. {broken[0].where}: {broken[0].reason}", broken[0].code)
        return pairs[:most]

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """Rows behind a position. Raises InvalidInput for one of something else, InvalidFile, Unavailable."""
        begun, done = _begin(position)
        for reading in PASSES[PASSES.index(begun) :]:
            rows = islice(self._read(), done, None)
            while taken := _page(rows):
                done += len(taken)
                yield self._page_of(reading, taken, {"reading": reading, "rows": done})
            done = 0

    def _page_of(self, reading: Pass, taken: Sequence[FeatureRow | Rejected | None], position: dict[str, Any]) -> Page:
        rows = [row for row in taken if isinstance(row, FeatureRow)]
        found = self._by_id(rows) if reading == "ids" else self._by_song(rows)
        first = reading == PASSES[0]
        # What is wrong with a row is told at the first reading.
        rejected = [row for row in taken if isinstance(row, Rejected)] if first else []
        skipped = [Skipped("no_features")] * sum(row is None for row in taken) if first else []
        return Page(self._completed.records(found, self.source), rejected, skipped, position, len(taken))

    def _by_id(self, rows: Sequence[FeatureRow]) -> dict[str, AudioFeatures]:
        # The first row of an id counts: tables repeat them, once for each genre.
        said = {one: row.features for row in reversed(rows) for one in row.ids}
        return {track.track_id: said[track.track_id] for track in self._store.bare_with_ids(said)}

    def _by_song(self, rows: Sequence[FeatureRow]) -> dict[str, AudioFeatures]:
        of_key: dict[str, list[FeatureRow]] = {}
        for row in rows:
            if row.key is not None:
                of_key.setdefault(row.key, []).append(row)
        chosen = ((track, _fitting(track, of_key[track.song_key])) for track in self._store.bare_with_keys(of_key))
        return {track.track_id: row.features for track, row in chosen if row is not None}

    def _read(self) -> Iterator[FeatureRow | Rejected | None]:
        """Every row as what it says; None for one without features. Damage behind the first row is the last that is given."""
        begun = False
        try:
            for row in self._table.rows(list(self._columns.values())):
                begun = True
                yield self._row(row)
        except InvalidFile as damage:
            if not begun:
                raise InvalidFile(f"{self.label} {damage}", damage.code) from damage
            yield Rejected(damage.code, self.label, str(damage))

    def _row(self, row: Row) -> FeatureRow | Rejected | None:
        if isinstance(row, Rejected):
            return row
        try:
            return self._rows.read(row[1])
        except BrokenRow as broken:
            return Rejected(broken.code, f"{self.label}, {self._table.place} {row[0]:,}", str(broken))

    @contextmanager
    def _named_damage(self) -> Iterator[None]:
        try:
            yield
        except InvalidFile as damage:
            raise InvalidFile(f"{self.label} {damage}", damage.code) from damage


def _fitting(track: BareTrack, rows: Sequence[FeatureRow]) -> FeatureRow | None:
    """The row of the nearest length; the first one where no length is known."""

    def apart_ms(row: FeatureRow) -> int:
        return abs(row.duration_ms - track.duration_ms) if row.duration_ms and track.duration_ms else MOST_LONGER_MS

    best = min(rows, key=apart_ms)
    return best if apart_ms(best) <= MOST_LONGER_MS else None


def _page(rows: Iterator[FeatureRow | Rejected | None]) -> list[FeatureRow | Rejected | None]:
    return list(islice(rows, PAGE_ROWS))


def _begin(position: dict[str, Any] | None) -> tuple[Pass, int]:
    if position is None:
        return PASSES[0], 0
    reading, rows = position.get("reading"), position.get("rows")
    if reading not in PASSES or not isinstance(rows, int) or rows < 0:
        raise InvalidInput("the position is none of a table of features: begin anew with --restart", "invalid_position")
    return reading, rows


def _member(path: Path) -> Member:
    facts = path.stat()
    return Member(path.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC), lambda: path.open("rb"))
