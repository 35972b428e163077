"""A session as a history: the order of its tracks, and which of them were skipped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.models.contract import History

HALF_LIFE_TRACKS = 5.0
"""A track counts half of one that was played so many tracks later: the next song should follow the last ones."""
SKIP = -0.5
"""As in `segue.taste.TasteWeights`."""
TRACK_S = 200.0
"""Taken as the length of a track, so that times tell the order."""


def session_history(columns: Sequence[int], skipped: Sequence[bool]) -> History:
    """The history of a session that went through `columns`, oldest first; a track that came twice counts twice."""
    preference: dict[int, float] = {}
    last: dict[int, float] = {}
    for position, (column, skip) in enumerate(zip(columns, skipped, strict=True)):
        recency = 2.0 ** ((position + 1 - len(columns)) / HALF_LIFE_TRACKS)
        preference[column] = preference.get(column, 0.0) + (SKIP if skip else 1.0) * recency
        last[column] = TRACK_S * position
    kept = list(preference)
    return History(
        np.array(kept, np.int32), np.array([preference[c] for c in kept], np.float32), np.array([last[c] for c in kept])
    )
