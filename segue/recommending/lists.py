"""From a ranking to a list: as long as was asked, in tracks or in time, and in an order to hear it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.recommending.diversity import Diversity
from segue.recommending.eligibility import LENGTH_FIELD, Note
from segue.recommending.ordering import place_of, smooth
from segue.recommending.pipeline import Answer

TYPICAL_MS = 180_000
SPARE_TRACKS = 10
WIDENING = 4
WIDENINGS = 2
"""WIDENING times as many tracks are asked for, so often, when those that came do not fill the time."""
NEAR_MS = 30_000
NEAR_SHARE = 0.05
"""A list is as long as was asked when it is within half a minute or a twentieth of that."""

Ask = Callable[[int], Answer]
"""The best so many tracks."""
Known = Callable[[TrackNo], Track | None]
"""The track of a number."""


@dataclass(frozen=True)
class Shape:
    """`tracks`; with `duration_ms` as many as last about so long, `tracks` at most. `smooth`: see `smoothed`."""

    tracks: int
    duration_ms: int | None = None
    smooth: bool = False


def shaped(ask: Ask, shape: Shape, known: Known, caps: Diversity) -> Answer:
    """The list of a shape."""
    lasts = shape.duration_ms
    answer = ask(shape.tracks) if lasts is None else lasting(ask, lasts, shape.tracks, known, caps)
    return smoothed(answer, known) if shape.smooth else answer


def lasting(ask: Ask, duration_ms: int, most: int, known: Known, caps: Diversity) -> Answer:
    """The best tracks that together last about `duration_ms`, at most `most` of them.

    `ask` gives the best n, of known lengths up to `duration_ms`. A track that does not fit any more is passed over for a later
    one that does; the last may end after the time if that is nearer to it.
    """
    n = min(most, duration_ms // TYPICAL_MS + SPARE_TRACKS)
    answer = ask(n)
    filling = _filled(_lengths(answer, known), duration_ms)
    for _ in range(WIDENINGS):
        if filling.is_near or len(answer.items) < n or n == most:
            break
        n = min(most, n * WIDENING)
        answer = ask(n)
        filling = _filled(_lengths(answer, known), duration_ms)
    return _cut(answer, filling, most, [known(item.track_no) for item in answer.items], caps)


def smoothed(answer: Answer, known: Known) -> Answer:
    """The same tracks in an order in which neighbours are close in tempo and energy; the best stays first.

    Those of which tempo or energy is unknown come last, as they were.
    """
    tracks = [known(item.track_no) for item in answer.items]
    places = [place_of(track.features if track else None) for track in tracks]
    sounding = [at for at, place in enumerate(places) if place is not None]
    silent = [at for at, place in enumerate(places) if place is None]
    way = smooth(np.array([places[at] for at in sounding], np.float64).reshape(-1, 2))
    items = tuple(answer.items[at] for at in [*(sounding[step] for step in way.tolist()), *silent])
    text = f"{len(silent)} tracks of unknown tempo or energy stand at the end"
    return Answer(items, (*answer.notes, *([Note("unknown_sound", text, ("ordering",))] if silent else [])))


@dataclass(frozen=True)
class _Filling:
    """Which of the tracks to take, ascending, how long these last and how long they were to."""

    positions: tuple[int, ...]
    lasts_ms: int
    wanted_ms: int

    @property
    def is_near(self) -> bool:
        return abs(self.wanted_ms - self.lasts_ms) <= max(NEAR_MS, NEAR_SHARE * self.wanted_ms)

    def note(self, most: int) -> Note:
        why = f"a list has {most} tracks at most" if len(self.positions) == most else "no more of what passes fits"
        text = f"{self.lasts_ms / 60_000:.0f} of {self.wanted_ms / 60_000:.0f} minutes: {why}"
        return Note("fewer_than_asked", text, (LENGTH_FIELD,))


def _lengths(answer: Answer, known: Known) -> list[int | None]:
    tracks = (known(item.track_no) for item in answer.items)
    return [track.duration_ms if track and (track.duration_ms or 0) > 0 else None for track in tracks]


def _filled(lengths: Sequence[int | None], wanted_ms: int) -> _Filling:
    taken: list[int] = []
    left_ms, shortest = wanted_ms, (0, -1)
    for at, length_ms in enumerate(lengths):
        if length_ms is None:
            continue
        if length_ms <= left_ms:
            taken.append(at)
            left_ms -= length_ms
        elif shortest[1] < 0 or length_ms < shortest[0]:
            shortest = (length_ms, at)
    if shortest[1] >= 0 and shortest[0] - left_ms < left_ms:
        taken.append(shortest[1])
        left_ms -= shortest[0]
    return _Filling(tuple(sorted(taken)), wanted_ms - left_ms, wanted_ms)


def _cut(answer: Answer, filling: _Filling, most: int, tracks: Sequence[Track | None], caps: Diversity) -> Answer:
    """What was taken, with the notes that are true of it."""
    if not answer.items:
        return answer
    taken = [track for track in (tracks[at] for at in filling.positions) if track is not None]
    exceeded = _exceeded(taken, caps)
    notes = [note for note in answer.notes if note.code in exceeded]
    short = [] if filling.is_near else [filling.note(most)]
    return Answer(tuple(answer.items[at] for at in filling.positions), (*short, *notes))


def _exceeded(tracks: Sequence[Track], caps: Diversity) -> set[str]:
    """Codes of the notes about caps that gave way."""
    artists = Counter(track.artists[0].casefold() for track in tracks if track.artists)
    albums = Counter((t.artists[0].casefold(), t.album.casefold()) for t in tracks if t.artists and t.album)
    found = {
        "per_artist_relaxed": max(artists.values(), default=0) > caps.per_artist,
        "per_album_relaxed": max(albums.values(), default=0) > caps.per_album,
    }
    return {code for code, exceeded in found.items() if exceeded}
