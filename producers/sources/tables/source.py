"""A table as a source of imports: its columns are found and judged before its first page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

from producers.ingestion.contract import Item, Page, Rejected, Skipped
from producers.ingestion.songs import Songs
from producers.reading.bounds import Bounds
from producers.reading.members import Member
from producers.sources.fingerprints import fingerprint
from producers.sources.histories.identifying import Identifying
from producers.sources.tables.columns import Kind, find_columns
from producers.sources.tables.files import SAMPLE_ROWS, Row, Table, open_table
from producers.sources.tables.judging import judge, judge_names
from producers.sources.tables.listens import ListenRows
from producers.sources.tables.times import TimeForm, time_form
from producers.sources.tables.tracks import TrackRows
from producers.sources.tables.values import BrokenRow
from segue.errors import InvalidFile, InvalidInput

PAGE_ROWS = 5_000


class TableSource:
    """Listens or tracks of one file. `asked`: {field: column}; `now`: with a zone. Raises InvalidInput, NotFound, Unavailable."""

    name = "table"

    def __init__(
        self, path: Path, kind: Kind, asked: Mapping[str, str], listener: str | None, songs: Songs, bounds: Bounds,
        *, header: bool = True, zone: tzinfo = UTC, now: datetime | None = None,
    ) -> None:  # fmt: skip
        now = now or datetime.now(UTC)
        self.label = path.name
        with self._named_damage():
            self._table = open_table(path, bounds, header)
            names = self._table.columns
        self._columns = find_columns(asked, names, kind, listener)
        sample = _sample(self._table, names)
        judge(self._columns, sample, now)
        judge_names(self._columns, sample, songs)
        form = time_form([one for one in sample[self._columns["time"]] if one], now, zone) if kind == "listens" else None
        self._rows = _reader(self._columns, form, listener, songs, now)
        self.fingerprint = fingerprint([_member(path)], kind, listener or "", str(sorted(self._columns.items())), str(form))
        self.notes = _notes(self._columns, names, form)
        """What the columns are taken for."""

    def total(self) -> int | None:
        """Rows, where counting them is cheap."""
        return self._table.total()

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """Rows behind a position. Raises InvalidInput for one of something else, Unavailable."""
        done = _begin(position)
        rows = islice(self._table.rows(list(self._columns.values())), done, None)
        while True:
            taken, damage = _taken(rows)
            if not taken and damage is None:
                return
            if not taken and not done and damage is not None:
                with self._named_damage():
                    raise damage
            done += len(taken)
            yield self._page(taken, damage, done)
            if damage is not None:
                return

    @contextmanager
    def _named_damage(self) -> Iterator[None]:
        try:
            yield
        except InvalidFile as damage:
            raise InvalidFile(f"{self.label} {damage}", damage.code) from damage

    def _page(self, taken: Sequence[Row], damage: InvalidFile | None, done: int) -> Page:
        rejected: list[Rejected] = []
        read: list[Any] = []
        for row in taken:
            if isinstance(row, Rejected):
                rejected.append(row)
                continue
            try:
                read.append(self._rows.read(row[1]))
            except BrokenRow as broken:
                rejected.append(Rejected(broken.code, f"{self.label}, {self._table.place} {row[0]:,}", str(broken)))
        if damage is not None:
            rejected.append(Rejected(damage.code, self.label, str(damage)))
        items, skipped = self._items(read)
        return Page(items, rejected, skipped, {"rows": done}, len(taken))

    def _items(self, read: list[Any]) -> tuple[list[Item], list[Skipped]]:
        return self._rows.items(read) if read else ([], [])


def _reader(
    columns: Mapping[str, str], form: TimeForm | None, listener: str | None, songs: Songs, now: datetime
) -> ListenRows | TrackRows:
    identifying = Identifying(songs)
    return TrackRows(columns, identifying) if form is None else ListenRows(columns, form, listener, identifying, now)


def _taken(rows: Iterator[Row]) -> tuple[list[Row], InvalidFile | None]:
    """The next rows, and what is wrong with the file behind them."""
    taken: list[Row] = []
    try:
        for row in islice(rows, PAGE_ROWS):
            taken.append(row)  # noqa: PERF402 - what was read before the damage is kept
    except InvalidFile as damage:
        return taken, damage
    return taken, None


def _sample(table: Table, names: Sequence[str]) -> dict[str, list[Any]]:
    values: list[list[Any]] = []
    # Damage is told of where the rows are read; what comes before it is judged.
    with suppress(InvalidFile):
        values.extend(row[1] for row in islice(table.rows(names), SAMPLE_ROWS) if not isinstance(row, Rejected))
    return {name: [row[place] for row in values] for place, name in enumerate(names)}


def _begin(position: dict[str, Any] | None) -> int:
    rows = position.get("rows") if position is not None else 0
    if not isinstance(rows, int) or rows < 0:
        raise InvalidInput("the position is none of a table: import it from the start with --restart", "invalid_position")
    return rows


def _member(path: Path) -> Member:
    facts = path.stat()
    return Member(path.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC), lambda: path.open("rb"))


def _notes(columns: Mapping[str, str], names: Sequence[str], form: TimeForm | None) -> list[str]:
    taken = ", ".join(f"{field}={column}" for field, column in columns.items())
    notes = [f"columns: {taken}"]
    if form is not None:
        notes.append(f"times of {columns['time']}: {form}")
    unused = [name for name in names if name not in columns.values()]
    if unused:
        notes.append(f"not used: {', '.join(unused[:20])}" + (", …" if len(unused) > 20 else ""))
    return notes
