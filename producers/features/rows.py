"""A row of a table of audio features: which tracks it may be of, and what it says of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from producers.features.columns import FEATURES, IDS
from producers.sources.tables.values import BrokenRow, text_of, whole_of
from segue.catalogue import song_key
from segue.errors import InvalidEvent
from segue.events import MAX_MS_PLAYED, AudioFeatures
from segue.record_checks import check_features
from segue.songs import spotify_id_in

_PITCHES = {name: key for key, names in enumerate(
    ("c", "c# db c♯ d♭", "d", "d# eb d♯ e♭", "e", "f", "f# gb f♯ g♭", "g", "g# ab g♯ a♭", "a", "a# bb a♯ b♭", "b")
) for name in names.split()}  # fmt: skip
_MODES = {"minor": 0, "major": 1}


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """`ids` under which the catalogue may have the track; `key`: artist and title, None where one is missing."""

    ids: tuple[str, ...]
    key: str | None
    duration_ms: int | None
    features: AudioFeatures


class FeatureRows:
    """`columns`: {field: column}; rows are values in their order."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._at = {field: place for place, field in enumerate(columns)}

    def read(self, values: Sequence[Any]) -> FeatureRow | None:
        """The row; None where it has none of the features. Raises BrokenRow."""
        cells = [*values, None]
        features = self._features(cells)
        if features is None:
            return None
        ids, key = self._ids(cells), self._key(cells)
        if not ids and key is None:
            raise BrokenRow("no_track", "says neither an id nor title and artist")
        return FeatureRow(ids, key, whole_of(self._cell(cells, "duration_ms"), "duration_ms", MAX_MS_PLAYED), features)

    def _cell(self, cells: Sequence[Any], field: str) -> Any:
        return cells[self._at.get(field, -1)]

    def _ids(self, cells: Sequence[Any]) -> tuple[str, ...]:
        said = (text_of(self._cell(cells, field), field) for field in IDS)
        return tuple(dict.fromkeys(spotify_id_in(one) or one for one in said if one))

    def _key(self, cells: Sequence[Any]) -> str | None:
        title, artist = text_of(self._cell(cells, "track"), "track"), _first_artist(self._cell(cells, "artist"))
        if not title or not artist:
            return None
        key = song_key(title, [artist])
        # Names of signs only leave nothing to find them by.
        return None if key.startswith("|") or key.endswith("|") else key

    def _features(self, cells: Sequence[Any]) -> AudioFeatures | None:
        values = {name: self._cell(cells, name) for name in FEATURES}
        missing = [name for name, value in values.items() if value is None or value == ""]
        if len(missing) == len(FEATURES):
            return None
        if missing:
            raise BrokenRow("incomplete_features", f"has no {', '.join(missing)}: all eleven features are needed")
        try:
            numbers: dict[str, float] = {name: _number(name, value) for name, value in values.items()}
            features = AudioFeatures(**numbers | {name: int(numbers[name]) for name in ("key", "mode")})  # type: ignore[arg-type]  # a dict has one type of values
            check_features(features)
        except InvalidEvent as error:
            raise BrokenRow("bad_features", str(error)) from None
        except (TypeError, ValueError, OverflowError):
            raise BrokenRow("bad_features", "an audio feature is no number") from None
        return features


def _number(name: str, value: Any) -> float:
    """Some tables write `C#` and `Major`."""
    word = value.strip().casefold() if isinstance(value, str) else value
    known = _PITCHES if name == "key" else _MODES if name == "mode" else {}
    return float(known[word]) if isinstance(word, str) and word in known else float(word)


def _first_artist(value: Any) -> str | None:
    """Of a list, of one written as Python or JSON write it, or of names apart by semicolons."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return text_of(value, "artist")
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    text = text_of(value, "artist")
    return text.split(";")[0].strip() if text else None
