"""A song: its facts, and how it sounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segue.client.generated.shapes import AudioShown, TrackShown
from ui.views.text import duration, percent

AXES = {
    "danceability": "Danceable", "energy": "Energetic", "valence": "Cheerful", "tempo": "Fast", "loudness": "Loud",
    "acousticness": "Acoustic", "instrumentalness": "Instrumental", "liveness": "Live", "speechiness": "Spoken",
}  # fmt: skip
"""The features of the radar, and what much of each is called."""
UNITS = {"tempo": " BPM", "loudness": " dB"}
UNKNOWN = "unknown"


def song_facts(track: TrackShown, key: str | None) -> Iterator[tuple[str, str]]:
    """Names and values of what the catalogue knows of a track."""
    yield "Album", track.album or UNKNOWN
    yield "Year", str(track.year or UNKNOWN)
    yield "Length", duration(track.duration_ms)
    yield "Genres", ", ".join(track.genres) or UNKNOWN
    yield "Mood", track.mood or UNKNOWN
    yield "Key", key or UNKNOWN
    yield "Popularity", UNKNOWN if track.popularity is None else f"{track.popularity} of 100"
    yield "Explicit", UNKNOWN if track.explicit is None else ("yes" if track.explicit else "no")


def radar(ranks: Mapping[str, float], genre_ranks: Mapping[str, float]) -> dict[str, Any]:
    """An ECharts option: the share of the catalogue with less of each feature, beside the middle of the genre, or of all."""
    axes = [name for name in AXES if name in ranks]
    beside = "Middle of its genre" if genre_ranks else "Middle of the catalogue"
    usual = [round(100 * genre_ranks.get(name, 0.5)) for name in axes]
    middle = {"name": beside, "value": usual, "symbol": "none", "lineStyle": {"type": "dashed"}}
    song = {"name": "This song", "value": [round(100 * ranks[name]) for name in axes], "areaStyle": {"opacity": 0.25}}
    return {
        "animation": False,
        "legend": {"bottom": 0},
        "radar": {"indicator": [{"name": AXES[name], "min": 0, "max": 100} for name in axes], "radius": "62%"},
        "series": [{"type": "radar", "data": [song, middle]}],
    }


def radar_words(ranks: Mapping[str, float], genre_ranks: Mapping[str, float]) -> str:
    """The radar for those who do not see it."""
    usual = {name: f" (its genre {percent(rank)})" for name, rank in genre_ranks.items()}
    told = (f"{AXES[name].lower()} {percent(ranks[name])}{usual.get(name, '')}" for name in AXES if name in ranks)
    return "Share of the catalogue with less of each: " + ", ".join(told)


def sound_rows(audio: AudioShown) -> list[dict[str, str]]:
    """A table of the features: value, and place in the catalogue."""
    if audio.features is None:
        return []
    rows = []
    for name, word in AXES.items():
        value = getattr(audio.features, name)
        rank = audio.ranks.get(name)
        place = "–" if rank is None else f"more than {percent(rank)}"
        rows.append({"Sound": word, "Value": f"{value:.4g}{UNITS.get(name, '')}", "In the catalogue": place})
    return rows
