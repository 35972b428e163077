"""Ids of made-up tracks, features, and tables of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from segue.events import AudioFeatures

FEATURES = AudioFeatures(
    danceability=0.5, energy=0.25, key=-1, loudness=-7.0, mode=0, speechiness=0.125, acousticness=0.5, instrumentalness=0.0,
    liveness=0.25, valence=0.75, tempo=96.0,
)  # fmt: skip


def spotify_id(number: int) -> str:
    """22 characters, as Spotify's."""
    return f"{number:022d}"


def with_features(energy: float) -> AudioFeatures:
    """These features, but for the energy."""
    return msgspec.structs.replace(FEATURES, energy=energy)


def cells(features: AudioFeatures = FEATURES, **others: Any) -> dict[str, Any]:
    """A row of a table."""
    return others | msgspec.structs.asdict(features)


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A table whose columns are those of its first row."""
    every = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(every[0]))
        writer.writeheader()
        writer.writerows(every)
    return path
