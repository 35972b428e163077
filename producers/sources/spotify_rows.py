"""One row of a Spotify-style table as a typed value, or the named reason why it cannot be one."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from producers.sources.spotify_columns import FEATURES, Columns
from segue.errors import InvalidEvent
from segue.events import AudioFeatures, check_id

Reason = Literal[
    "too few columns",
    "too many columns",
    "not UTF-8",
    "control characters",
    "text too long",
    "no id",
    "invalid id",
    "no name",
    "no artist",
    "invalid number",
    "feature not a number",
    "feature out of range",
]

MAX_TEXT_CHARS = 1_000
"""Of a name, an album or a genre; a longer one is a broken row, and would not fit Postgres' search index."""
MAX_DURATION_MS = 24 * 3600 * 1000

_FEATURE_RANGES: dict[str, tuple[float, float]] = {
    "key": (-1.0, 11.0),
    "loudness": (-100.0, 20.0),
    "mode": (0.0, 1.0),
    "tempo": (0.0, 400.0),
}
_RANGES = tuple(_FEATURE_RANGES.get(name, (0.0, 1.0)) for name in FEATURES)
_URI_PREFIX = "spotify:track:"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_MISSING = frozenset({"", "NA", "NaN", "nan", "None", "NULL", "null"})
"""How R, pandas and databases write a missing value."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class BrokenRow(Exception):
    """A row that is left out, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One (playlist, track) pair, or one track where the table knows no playlists."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    album: str | None
    album_id: str | None
    released: str | None
    duration_ms: int | None
    explicit: bool | None
    popularity: int | None
    genre: str | None
    subgenre: str | None
    features: AudioFeatures | None
    playlist_id: str | None
    playlist_name: str | None


def read_row(cells: Sequence[str], columns: Columns) -> TrackRow:
    """The row's typed value; raises BrokenRow with the reason."""
    _check_text(cells, columns)
    row = _Cells(cells, columns)
    return TrackRow(
        track_id=_track_id(row),
        name=_required(row, "name", "no name"),
        artists=_artists(row, columns.several_artists),
        album=row.text("album"),
        album_id=row.text("album_id"),
        released=row.text("released"),
        duration_ms=_whole_number(row, "duration_ms", MAX_DURATION_MS) or None,
        explicit=_TRUTH.get((row.text("explicit") or "").casefold()),
        popularity=_whole_number(row, "popularity", 100),
        genre=row.text("genre"),
        subgenre=row.text("subgenre"),
        features=_features(row),
        playlist_id=_id(row, "playlist_id"),
        playlist_name=row.text("playlist_name"),
    )


class _Cells:
    def __init__(self, cells: Sequence[str], columns: Columns) -> None:
        stripped = [cell.strip() for cell in cells]
        # A column that the table does not have is looked up at the end, where a missing value stands.
        self._values = [*(None if cell in _MISSING else cell for cell in stripped), None]
        self._columns = columns

    def text(self, field: str) -> str | None:
        """The cell of a field without the spaces around it; None where the column or the value is missing."""
        return self._values[self._columns.at.get(field, -1)]

    def features(self) -> list[str | None]:
        """The cells of the audio features, in the order of FEATURES."""
        return [self._values[at] for at in self._columns.features_at]


def _check_text(cells: Sequence[str], columns: Columns) -> None:
    if len(cells) != columns.width:
        raise BrokenRow("too few columns" if len(cells) < columns.width else "too many columns")
    line = "".join(cells)
    if not line.isascii() and not _is_utf8(line):
        raise BrokenRow("not UTF-8")
    if _CONTROL.search(line):
        raise BrokenRow("control characters")
    if len(line) > MAX_TEXT_CHARS and any(len(cells[at]) > MAX_TEXT_CHARS for at in columns.at.values()):
        raise BrokenRow("text too long")


def _is_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _track_id(row: _Cells) -> str:
    found = _id(row, "track_id")
    if not found:
        raise BrokenRow("no id")
    return found


def _id(row: _Cells, field: str) -> str | None:
    value = (row.text(field) or "").removeprefix(_URI_PREFIX)
    if not value:
        return None
    try:
        check_id(field, value)
    except InvalidEvent:
        raise BrokenRow("invalid id") from None
    return value


def _required(row: _Cells, field: str, reason: Reason) -> str:
    value = row.text(field)
    if value is None:
        raise BrokenRow(reason)
    return value


def _artists(row: _Cells, several: bool) -> tuple[str, ...]:
    text = _required(row, "artists", "no artist")
    names = _python_list(text) if text.startswith("[") else text.split(";") if several else [text]
    cleaned = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not cleaned:
        raise BrokenRow("no artist")
    return cleaned


def _python_list(text: str) -> list[str]:
    """Some tables hold lists as Python prints them, `['A', 'B']`; an artist whose name starts with a bracket stays whole."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return [text]
    return [str(name) for name in found] if isinstance(found, list) else [text]


def _whole_number(row: _Cells, field: str, maximum: int) -> int | None:
    text = row.text(field)
    if text is None:
        return None
    value = _number(text, "invalid number")
    if not 0 <= value <= maximum:
        raise BrokenRow("invalid number")
    return round(value)


def _features(row: _Cells) -> AudioFeatures | None:
    texts = row.features()
    values = [_feature(text, low, high) for text, (low, high) in zip(texts, _RANGES, strict=True) if text is not None]
    if len(values) < len(FEATURES):
        return None
    named: dict[str, float] = dict(zip(FEATURES, values, strict=True))
    return AudioFeatures(**named | {"key": int(named["key"]), "mode": int(named["mode"])})  # type: ignore[arg-type]


def _feature(text: str, low: float, high: float) -> float:
    value = _number(text, "feature not a number")
    if not low <= value <= high:
        raise BrokenRow("feature out of range")
    return value


def _number(text: str, reason: Reason) -> float:
    try:
        return float(text)
    except ValueError:
        raise BrokenRow(reason) from None
