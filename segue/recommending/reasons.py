"""Why a track stands in an answer: true to the score that put it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.contract import Columns, Floats, History

Code = Literal["because_you_played", "similar_sound", "popular_now", "popular_in_genre", "played_together", "picked_for_you"]
BEHAVIOUR = ("als", "co_listening")
LEAST_SHARE = 0.15
"""A model is named as a source when it makes up this share of the positive score."""


@dataclass(frozen=True)
class Reason:
    """`code` is stable, `text` is English for people, `seed_track_no` the track of the history (or the asked song) behind it."""

    code: Code
    text: str
    seed_track_no: TrackNo | None = None


def sources(parts: Mapping[str, Floats], position: int) -> tuple[str, ...]:
    """The models behind one track's score, strongest first. `parts`: each model's share for each position."""
    shares = {name: float(values[position]) for name, values in parts.items()}
    total = sum(share for share in shares.values() if share > 0)
    named = [name for name in sorted(shares, key=lambda name: -shares[name]) if shares[name] > LEAST_SHARE * total]
    return tuple(named) or (max(shares, key=lambda name: shares[name]),)


def strongest(evidence: Mapping[str, Floats], history: History) -> dict[str, Columns]:
    """For each side, `behaviour` and `content`, the column of the liked track that adds most to each answered track.

    `evidence`: what each track of the history adds, by model, (n_answered, len(history)). Arrays of shape (n_answered,), -1
    where no liked track adds anything.
    """
    sides = {"behaviour": [evidence[name] for name in BEHAVIOUR if name in evidence], "content": []}
    if "content" in evidence:
        sides["content"] = [evidence["content"]]
    return {side: _strongest(parts, history) for side, parts in sides.items() if parts and len(history)}


def listener_reason(shares: Mapping[str, float], seeds: Mapping[str, int], tracks: Sequence[Track | None]) -> Reason:
    """The reason for one track in a listener's answer.

    `shares`: each model's part of the score; `seeds`: from `strongest`, for this track. The strongest side speaks: listeners
    (als and co-listening together), content, or popularity; and within it the liked track that adds most.
    """
    if not seeds:
        # No history at all: nothing but popularity was asked.
        return popular_now()
    behaviour = sum(shares[name] for name in BEHAVIOUR if name in shares) if "behaviour" in seeds else float("-inf")
    content = shares["content"] if "content" in seeds else float("-inf")
    if shares.get("popularity", 0.0) > 0 and shares["popularity"] >= max(behaviour, content):
        return popular_now()
    seed = seeds.get("behaviour" if behaviour >= content else "content", -1)
    track = tracks[seed] if seed >= 0 else None
    if track is None:
        return Reason("picked_for_you", "Fits what you play")
    if behaviour >= content:
        return Reason("because_you_played", f"Because you played {titled(track)}", track.track_no)
    return Reason("similar_sound", f"Sounds like {titled(track)}, which you played", track.track_no)


def song_reason(shares: Mapping[str, float], seed: Track) -> Reason:
    """The reason for one track in the answer to "songs like `seed`"."""
    if shares.get("als", 0.0) + shares.get("co_listening", 0.0) > shares.get("content", 0.0):
        return Reason("played_together", f"Often played together with {titled(seed)}", seed.track_no)
    return Reason("similar_sound", f"Close to {titled(seed)} in sound and style", seed.track_no)


def popular_now() -> Reason:
    """Many people play it."""
    return Reason("popular_now", "Popular right now")


def popular_in(track: Track, genres: Sequence[str]) -> Reason:
    """Many people play it and it has one of the chosen genres."""
    chosen = {genre.casefold() for genre in genres}
    named = next((genre for genre in track.genres if genre.casefold() in chosen), None)
    return popular_now() if named is None else Reason("popular_in_genre", f"Popular in {named}")


def titled(track: Track) -> str:
    """`Title by Artist`."""
    return f"{track.name} by {track.artists[0]}" if track.artists else track.name


def _strongest(parts: Sequence[Floats], history: History) -> Columns:
    total = np.where(history.preference > 0, np.sum(parts, axis=0), np.float32(0))
    best = total.argmax(axis=1)
    return np.where(total.max(axis=1) > 0, history.columns[best], -1).astype(np.int32)
