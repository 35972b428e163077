"""Finding columns that were mixed up, by what stands in them: before anything is published under a wrong name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from producers.ingestion.songs import Songs
from producers.sources.tables.columns import FEATURES
from producers.sources.tables.times import time_form
from segue.catalogue import song_key
from segue.errors import InvalidInput
from segue.events import MAX_MS_PLAYED

ENOUGH = 10
"""Values from which on a column is judged by them."""
MOST = 0.9
"""Of the values of a column of names: more of them are no times, numbers or ids."""
HALF = 0.5
MATCHES = 10

_ID = re.compile(r"[0-9A-Za-z]{22}|spotify:.*|https?://.*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBERS = {"ms_played": MAX_MS_PLAYED, "s_played": MAX_MS_PLAYED // 1_000, "duration_ms": MAX_MS_PLAYED, "popularity": 100}
_TEXTS = ("track", "artist", "album")

Sample = Mapping[str, Sequence[Any]]
"""By column, the values of the first rows."""


def judge(columns: Mapping[str, str], sample: Sample, now: datetime) -> None:
    """Raises InvalidInput that names a column which holds something else than it is taken for, and which may be meant."""
    for field, column in columns.items():
        values = [value for value in sample[column] if value not in (None, "")]
        wrong = _wrong(field, values, now)
        if wrong is not None:
            raise InvalidInput(
                f"column {column}, taken for {field}, holds {wrong}{_instead(field, columns, sample, now)}", "mixed_up_columns"
            )


def judge_names(columns: Mapping[str, str], sample: Sample, songs: Songs) -> None:
    """Raises InvalidInput where the catalogue says that artists are taken for titles. Raises Unavailable."""
    if not {"track", "artist"} <= columns.keys():
        return
    pairs = list(dict.fromkeys(zip(map(str, sample[columns["track"]]), map(str, sample[columns["artist"]]), strict=True)))
    straight = {song_key(track, (artist,)) for track, artist in pairs}
    swapped = {song_key(artist, (track,)) for track, artist in pairs}
    there = {track.song_key for track in songs.find((), sorted(straight | swapped))}
    if len(there & swapped) >= MATCHES and len(there & swapped) > 2 * len(there & straight):
        raise InvalidInput(
            f"{columns['track']} holds artists and {columns['artist']} titles, says the catalogue: "
            f"--map track={columns['artist']} --map artist={columns['track']}",
            "mixed_up_columns",
        )


def looks_like(values: Sequence[Any], now: datetime) -> str | None:
    """What most of these values are if they are no names: `times`, `ids`, `numbers`; None for names and for too few values."""
    if len(values) < ENOUGH:
        return None
    if time_form(values, now) is not None:
        return "times"
    texts = [str(value) for value in values]
    if sum(_ID.fullmatch(text) is not None for text in texts) > MOST * len(texts):
        return "ids"
    return "numbers" if sum(_number(value) is not None for value in values) > MOST * len(values) else None


def _wrong(field: str, values: Sequence[Any], now: datetime) -> str | None:
    """What a column holds instead of what it should; None where nothing is wrong with it, or it is empty."""
    if not values:
        return "nothing" if field in {"time", "track", "artist"} else None
    if field == "time":
        return None if time_form(values, now) else f"what is no time, such as {str(values[0])[:40]!r}"
    if field in _TEXTS:
        return looks_like(values, now)
    if field in _NUMBERS or field in FEATURES:
        return _no_number(field, values)
    return None


def _no_number(field: str, values: Sequence[Any]) -> str | None:
    most = _NUMBERS.get(field)
    bad = [value for value in values if (number := _number(value)) is None or (most is not None and not 0 <= number <= most)]
    what = "no number" if most is None else f"no number within 0..{most:,}"
    return f"what is {what}, such as {str(bad[0])[:40]!r}" if len(bad) > HALF * len(values) else None


def _instead(field: str, columns: Mapping[str, str], sample: Sample, now: datetime) -> str:
    """Other columns that would do; for a field of many meanings there is no telling."""
    if field != "time":
        return f": say which column it is with --map {field}=COLUMN"
    fitting = [column for column, values in sample.items() if column != columns[field] and time_form(_filled(values), now)]
    if not fitting:
        return ": write times as ISO 8601 (2026-11-23T18:00:00Z) or as Unix time"
    return f": --map time={fitting[0]}" + (f" (or {', '.join(fitting[1:4])})" if fitting[1:] else "")


def _filled(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value not in (None, "")]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
