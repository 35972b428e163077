"""How an answer is to be steered, as both kinds of questions take it: songs by query, listeners by body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from segue.client import Segue
from segue.client.generated.shapes import Bounds, SongAnswer, Variety, WantedTracks

Mood = Literal["happy", "energetic", "calm", "sad"]


@dataclass(frozen=True)
class Span:
    """From `least` to `most`, both included; None is open."""

    least: float | None = None
    most: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything lies within."""
        return self.least is None and self.most is None

    def within(self, floor: float, ceiling: float) -> Span:
        """An end that is where the scale ends bounds nothing, and must not hide what has no value."""
        return Span(None if self.least == floor else self.least, None if self.most == ceiling else self.most)


@dataclass(frozen=True)
class Steer:
    """Years, and energy (0..1) and tempo (beats per minute), as spans; None leaves the choice to the API."""

    genres: Sequence[str] = ()
    exclude_genres: Sequence[str] = ()
    moods: Sequence[Mood] = ()
    years: Span = field(default_factory=Span)
    explicit: bool | None = None
    energy: Span = field(default_factory=Span)
    tempo: Span = field(default_factory=Span)
    adventurousness: float | None = None
    diversity: float | None = None

    def filters(self) -> WantedTracks:
        """The part of it that says which tracks may be answered."""
        spans = {"energy": self.energy, "tempo": self.tempo}
        return WantedTracks(
            genres=list(self.genres) or None,
            exclude_genres=list(self.exclude_genres) or None,
            moods=list(self.moods) or None,
            year_min=_year(self.years.least),
            year_max=_year(self.years.most),
            explicit=self.explicit,
            features={name: Bounds(min=s.least, max=s.most) for name, s in spans.items() if not s.is_open} or None,
        )

    def variety(self) -> Variety | None:
        """How mixed it is to be."""
        return None if self.diversity is None else Variety(strength=self.diversity)

    def similar(self, client: Segue, track_id: str, n: int) -> SongAnswer:
        """Songs like a song. Raises SegueError."""
        return client.recommend_song(
            track_id,
            n=n,
            genre=self.genres or None,
            exclude_genre=self.exclude_genres or None,
            mood=list(self.moods) or None,
            year_min=_year(self.years.least),
            year_max=_year(self.years.most),
            explicit=self.explicit,
            energy_min=self.energy.least,
            energy_max=self.energy.most,
            tempo_min=self.tempo.least,
            tempo_max=self.tempo.most,
            adventurousness=self.adventurousness,
            diversity=self.diversity,
        )


def _year(value: float | None) -> int | None:
    return None if value is None else int(value)
