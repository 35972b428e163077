"""Prompts: what a playlist is to be like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.catalogue import Mood
from segue.ids import TrackNo
from segue.models.contract import History

PROMPT_SHARE = 0.7
"""Share of what was chosen in the taste that a playlist is made for; the rest is what the listener likes anyway."""
CHOSEN = 1.0
"""Preference that a choice stands for: that of one full play."""


@dataclass(frozen=True)
class Prompt:
    """What was chosen: tracks, artists and genres (case does not matter), moods. Nothing at all is a prompt, too."""

    tracks: tuple[TrackNo, ...] = ()
    artists: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    moods: tuple[Mood, ...] = ()


NOTHING = Prompt()


def led_by(history: History, seeds: Sequence[int]) -> History:
    """A taste of which the columns `seeds` are PROMPT_SHARE, each as much as the others, and the history at most the rest.

    The history is scaled down rather than the seeds up: to ALS a great preference is hardly more than a small one, so that many
    of them would outvote few greater ones. A seed that was turned down once is chosen now.
    """
    if not seeds:
        return history
    columns = np.unique(np.array(seeds, np.int32))
    others = ~np.isin(history.columns, columns)
    liked = float(history.preference[others].clip(0).sum())
    rest = CHOSEN * len(columns) * (1.0 - PROMPT_SHARE) / PROMPT_SHARE
    scale = np.float32(min(1.0, rest / max(liked, 1e-9)))
    return History(
        np.concatenate([history.columns[others], columns]),
        np.concatenate([history.preference[others] * scale, np.full(len(columns), CHOSEN, np.float32)]),
        np.concatenate([history.last_at_s[others], np.zeros(len(columns))]),
    )
