"""Why a track stands in an answer: true to the score that put it there.

The part with the largest share of the score speaks, and within it the liked track that adds most to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.contract import Columns, Floats, History

Code = Literal[
    "because_you_played", "similar_sound", "popular_now", "popular_in_genre", "played_together", "played_next", "picked_for_you",
    "chosen_artist", "chosen_track", "fits_title", "fits_mood", "discovery", "familiar", "best_of_the_rest", "exploring",
    "suits_everyone", "suits_some", "compromise",
]  # fmt: skip
LEAST_SHARE = 0.15
"""A model is named as a source when it makes up this share of the positive score."""

DIAL_TEXTS = {"discovery": "Off your usual path", "familiar": "Close to what you know"}


@dataclass(frozen=True)
class Reason:
    """`code` is stable, `text` is English for people.

    `seed_track_no`: the track of the history (or the asked song) behind it; `seed_artist`: the chosen artist behind it;
    `suits`: the members of a group who like it, the happiest first.
    """

    code: Code
    text: str
    seed_track_no: TrackNo | None = None
    seed_artist: str | None = None
    suits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Circumstances:
    """What reasons speak of: the track of each column, what was chosen, by which chosen artist a seed is, and which columns are
    chosen tracks.
    """

    tracks: Sequence[Track | None]
    genres: Sequence[str] = ()
    title: str = ""
    seeded: Mapping[int, str] | None = None
    chosen: AbstractSet[int] = frozenset()


def sources(shares: Mapping[str, float]) -> tuple[str, ...]:
    """The models behind one track's score, strongest first, from each one's share."""
    least = LEAST_SHARE * sum([share for share in shares.values() if share > 0])
    named = [name for name, share in shares.items() if share > least]
    return tuple(sorted(named, key=shares.__getitem__, reverse=True)) or (strongest_part(shares),)


def strongest_part(shares: Mapping[str, float]) -> str:
    """The name of the part with the largest share."""
    return max(shares, key=shares.__getitem__)


def strongest_seeds(evidence: Floats, history: History) -> Columns:
    """The column of the liked track that adds most to each answered track, -1 where none adds anything.

    `evidence`: what each track of the history adds, (n_answered, len(history)).
    """
    liked = np.where(history.preference > 0, evidence, np.float32(0))
    best = liked.argmax(axis=1)
    adds = liked[np.arange(len(best)), best] > 0
    return np.where(adds, history.columns[best], np.int32(-1))


def listener_reason(shares: Mapping[str, float], seed: int, told: Circumstances, track: Track | None) -> Reason:
    """The reason for one track in a listener's answer.

    `shares`: each part of the score; `seed`: from `strongest_seeds` of the strongest part's evidence, -1 without.
    """
    part = strongest_part(shares)
    if shares[part] <= 0 and seed < 0:
        return Reason("best_of_the_rest", "Among the best of what is left")
    if part in ("popularity", "trending"):
        return popular_now()
    if part == "genres":
        return popular_now() if track is None else popular_in(track, told.genres)
    if part == "moods":
        return popular_now() if track is None else in_mood(track)
    if part == "title":
        return Reason("fits_title", f"Fits the title “{told.title}”")
    if part in DIAL_TEXTS:
        return by_the_dial(part)
    return _by_a_seed(part, seed, told)


def song_reason(shares: Mapping[str, float], seed: Track) -> Reason:
    """The reason for one track in the answer to "songs like `seed`"."""
    part = strongest_part(shares)
    if shares[part] <= 0:
        return Reason("best_of_the_rest", f"Among the best of what is left besides {titled(seed)}", seed.track_no)
    if part == "popularity":
        return popular_now()
    if part in DIAL_TEXTS:
        return by_the_dial(part)
    if part == "content":
        return Reason("similar_sound", f"Close to {titled(seed)} in sound and style", seed.track_no)
    return Reason("played_together", f"Often played together with {titled(seed)}", seed.track_no)


def group_reason(suited: tuple[str, ...], members: int) -> Reason:
    """The reason for one track in a group's answer; `suited`: the members it suits."""
    if not suited:
        return Reason("compromise", "A compromise: fair to everyone")
    if len(suited) == members:
        return Reason("suits_everyone", f"Suits everyone: {', '.join(suited)}", suits=suited)
    return Reason("suits_some", f"Suits {', '.join(suited)}; fair to the others", suits=suited)


def exploring() -> Reason:
    """Chance put it there."""
    return Reason("exploring", "A try beyond your usual picks")


def by_the_dial(direction: str) -> Reason:
    """The adventurousness dial put it there: `discovery` or `familiar`."""
    return Reason("discovery" if direction == "discovery" else "familiar", DIAL_TEXTS[direction])


def popular_now() -> Reason:
    """Many people play it."""
    return Reason("popular_now", "Popular right now")


def popular_in(track: Track, genres: Sequence[str]) -> Reason:
    """Many people play it and it has one of the chosen genres."""
    chosen = {genre.casefold() for genre in genres}
    named = next((genre for genre in track.genres if genre.casefold() in chosen), None)
    return popular_now() if named is None else Reason("popular_in_genre", f"Popular in {named}")


def in_mood(track: Track) -> Reason:
    """It has one of the chosen moods."""
    return Reason("fits_mood", f"Fits the mood: {track.mood}")


def titled(track: Track) -> str:
    """`Title by Artist`."""
    return f"{track.name} by {track.artists[0]}" if track.artists else track.name


def _by_a_seed(part: str, seed: int, told: Circumstances) -> Reason:
    artist = (told.seeded or {}).get(seed)
    if artist is not None:
        return Reason("chosen_artist", f"Because you chose {artist}", seed_artist=artist)
    track = told.tracks[seed] if seed >= 0 else None
    if track is None:
        return Reason("picked_for_you", "Fits what you play")
    if seed in told.chosen:
        return Reason("chosen_track", f"Because you chose {titled(track)}", track.track_no)
    if part == "sequence":
        return Reason("played_next", f"Often played after {titled(track)}", track.track_no)
    if part == "content":
        return Reason("similar_sound", f"Sounds like {titled(track)}, which you played", track.track_no)
    return Reason("because_you_played", f"Because you played {titled(track)}", track.track_no)
