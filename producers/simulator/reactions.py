"""Reactions: what somebody states about a track right after playing it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from producers.simulator.sessions import Plays
from segue.events import LISTENING_TYPES, TYPE_CODES, ListeningType

LIKE_SHARE = 0.04
PLAYLIST_ADD_SHARE = 0.02
DISLIKE_SHARE = 0.03
"""Of the skips; the other two are shares of the plays that suit best."""
REACTION_DELAY_MS = 500
"""A reaction follows its play and precedes the end of the next one, which takes 2 s at least."""


@dataclass(frozen=True)
class Reactions:
    """r reactions: the play each one follows (index into the plays), and its type code; in order of the play."""

    play: npt.NDArray[np.int64]
    type_code: npt.NDArray[np.int64]

    def of(self, play: int) -> list[ListeningType]:
        """The types of the reactions to one play."""
        return [LISTENING_TYPES[code] for code in self.type_code[self.play == play]]


def react(rng: np.random.Generator, plays: Plays) -> Reactions:
    """Likes, dislikes and additions to playlists: rare, and each at most once for a track."""
    chance = rng.random(len(plays.track))
    suits = 1 / (1 + np.exp(-2.0 * plays.fit))
    likes = _firsts(plays, ~plays.skipped & (chance < LIKE_SHARE * suits))
    adds = _firsts(plays, ~plays.skipped & (chance > 1 - PLAYLIST_ADD_SHARE * suits))
    dislikes = np.setdiff1d(_firsts(plays, plays.skipped & (chance < DISLIKE_SHARE * (1 - suits))), likes)
    play = np.concatenate((likes, adds, dislikes))
    codes = np.repeat(
        [TYPE_CODES["like"], TYPE_CODES["playlist_add"], TYPE_CODES["dislike"]], (len(likes), len(adds), len(dislikes))
    )
    order = np.argsort(play, kind="stable")
    return Reactions(play[order], codes[order])


def _firsts(plays: Plays, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    where = np.flatnonzero(chosen)
    _, first = np.unique(plays.track[where], return_index=True)
    return np.sort(where[first])
