"""Tracks as Segue knows them: release year, mood and the key under which versions of one song meet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from segue.events import AudioFeatures
from segue.ids import TrackNo

Mood = Literal["happy", "energetic", "calm", "sad"]
MOODS: tuple[Mood, ...] = get_args(Mood)
FARTHEST_FEATURE = 1e4
"""No year, tempo or loudness lies beyond: whatever does is an error and counts as unknown, or it alone would set the scale."""

_PITCHES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_YEAR = re.compile(r"\s*(\d{4})")
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]")
_VERSION = re.compile(
    r"\s[-–—:]\s.*\b(remaster(ed)?|mix|remix|edit|version|live|mono|stereo|acoustic|demo|session|deluxe|bonus|anniversary"
    r"|instrumental|karaoke|feat|ft|with|from|single|album|explicit|original|radio)\b.*$"
)
_FEATURING = re.compile(r"\s(feat|ft|featuring)\.?\s.*$")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Track:
    """One track of the catalogue. `popularity` 0..100, `year` of release; None where the source did not say."""

    track_no: TrackNo
    track_id: str
    name: str
    artists: tuple[str, ...]
    album: str | None
    year: int | None
    duration_ms: int | None
    explicit: bool | None
    popularity: int | None
    genres: tuple[str, ...]
    features: AudioFeatures | None

    @property
    def mood(self) -> Mood | None:
        """Mood by valence and energy; None without audio features."""
        return mood_of(self.features)

    @property
    def song_key(self) -> str:
        """See `song_key`."""
        return song_key(self.name, self.artists)


def release_year(released: str | None) -> int | None:
    """The year in `2019`, `2019-06` or `2019-06-14`; None if there is none between 1860 (first recordings) and 2100."""
    match = _YEAR.match(released or "")
    year = int(match.group(1)) if match else 0
    return year if 1860 <= year <= 2100 else None


def mood_of(features: AudioFeatures | None) -> Mood | None:
    """The quadrant of valence and energy, both cut at 0.5 (Russell, "A circumplex model of affect", 1980).

    happy: both from 0.5 on; energetic: energy alone; calm: valence alone; sad: neither. None without features, or when one of the
    two is not a number within FARTHEST_FEATURE. An era is no mood: `year` has its own bounds.
    """
    if features is None or not (abs(features.valence) <= FARTHEST_FEATURE and abs(features.energy) <= FARTHEST_FEATURE):
        return None
    if features.valence >= 0.5:
        return "happy" if features.energy >= 0.5 else "calm"
    return "energetic" if features.energy >= 0.5 else "sad"


def key_name(key: int, mode: int) -> str | None:
    """`C♯ minor` of a pitch class (0..11) and a mode (1 major, 0 minor); None for an unknown key."""
    return f"{_PITCHES[key]} {'major' if mode else 'minor'}" if 0 <= key < len(_PITCHES) else None


def song_key(name: str, artists: Sequence[str]) -> str:
    """`artist|title`, folded, so that remasters, edits and live takes of one song share a key.

    Brackets, what follows a dash and names a version, and featured guests are dropped; accents and case are folded. A title
    that consists of nothing else keeps its words.
    """
    title = _fold(name)
    short = _FEATURING.sub("", _VERSION.sub("", _BRACKETS.sub(" ", title)))
    words = _WORD.findall(short) or _WORD.findall(title)
    artist = _WORD.findall(_fold(artists[0])) if artists else []
    return f"{' '.join(artist)}|{' '.join(words)}"


def folded_words(text: str) -> list[str]:
    """The words of a text, without accents and case."""
    return _WORD.findall(_fold(text))


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
