"""What somebody is listening to right now, as the part of a history that has an order."""

from __future__ import annotations

import numpy as np

from segue.models.contract import History
from segue.models.transitions import SESSION_GAP_S

RECENT_TRACKS = 10
"""The last tracks of a session that can say what comes next; the model lets the tenth count a twentieth of the last."""


def running_session(history: History, now_s: float | None) -> History:
    """The tracks of the session that still runs at `now_s` (Unix time), or nothing.

    A session runs while no pause is longer than SESSION_GAP_S, the one up to now included. Of a track that was played twice only
    the last time is known, so a pause may seem longer than it was and cut the session short.
    """
    if now_s is None or len(history) == 0 or now_s - history.last_at_s.max() > SESSION_GAP_S:
        return History.empty()
    # Only so many can count, so only so many are ordered.
    newest = np.argsort(-history.last_at_s, kind="stable")[:RECENT_TRACKS]
    at_s = history.last_at_s[newest]
    pauses = np.concatenate([[max(now_s - at_s[0], 0.0)], at_s[:-1] - at_s[1:]])
    runs = np.flatnonzero(~(pauses <= SESSION_GAP_S))
    kept = newest[: runs[0] if len(runs) else len(newest)]
    return History(history.columns[kept], history.preference[kept], history.last_at_s[kept])
