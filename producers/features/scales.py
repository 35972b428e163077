"""Whether two sources of audio features speak of the same thing: by the tracks that both know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from segue.events import AudioFeatures

MOST_APART: dict[str, float] = {
    "danceability": 0.05, "energy": 0.05, "loudness": 1.0, "speechiness": 0.03, "acousticness": 0.05, "instrumentalness": 0.05,
    "liveness": 0.05, "valence": 0.05, "tempo": 5.0,
}  # fmt: skip
"""The median distance up to which a feature counts as the same; loudness in dB, tempo in beats per minute. Releases of one
recording are nearer, different songs are farther apart (docs/decisions/0028-features.md). Key and mode have no scale."""
FEWEST = 20
"""Tracks known to both from which on a median says something."""

Pair = tuple[AudioFeatures, AudioFeatures]


@dataclass(frozen=True)
class Comparison:
    """`apart`: the median distance of each feature, over `tracks` that two sources know."""

    tracks: int
    apart: Mapping[str, float]

    @property
    def enough(self) -> bool:
        """Whether there are enough tracks to judge by."""
        return self.tracks >= FEWEST

    @property
    def too_far(self) -> list[str]:
        """Features whose scales differ."""
        return [name for name, distance in self.apart.items() if not distance <= MOST_APART[name]]

    def told(self) -> str:
        """For people: each feature's median distance."""
        return ", ".join(f"{name} {distance:.3g}" for name, distance in self.apart.items())


def compared(pairs: Sequence[Pair]) -> Comparison:
    """Compare what two sources say of the same tracks."""
    if not pairs:
        return Comparison(0, {})
    apart = {name: median(abs(getattr(one, name) - getattr(other, name)) for one, other in pairs) for name in MOST_APART}
    return Comparison(len(pairs), apart)
