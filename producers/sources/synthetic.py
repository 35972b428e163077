"""An invented catalogue, for when there is no file and no network. Names are plainly fictitious; the numbers are plausible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from producers.sources.spotify_csv import Catalogue
from segue.events import AudioFeatures, CatalogueTrack, PlaylistRecord

SOURCE = "synthetic"
DEFAULT_TRACKS = 5_000
DEFAULT_ARTISTS = 600
DEFAULT_SEED = 20_200_121
PLAYLISTS_PER_SUBGENRE = 5
PLAYLIST_TRACKS = 60

GENRES: dict[str, tuple[str, ...]] = {
    "pop": ("dance pop", "electropop", "indie poptimism", "post-teen pop"),
    "rap": ("gangster rap", "hip hop", "southern hip hop", "trap"),
    "rock": ("album rock", "classic rock", "hard rock", "permanent wave"),
    "latin": ("latin hip hop", "latin pop", "reggaeton", "tropical"),
    "r&b": ("hip pop", "neo soul", "new jack swing", "urban contemporary"),
    "edm": ("big room", "electro house", "pop edm", "progressive electro house"),
}
# danceability, energy, loudness, speechiness, acousticness, instrumentalness, liveness, valence, tempo
_CENTRES: dict[str, tuple[float, ...]] = {
    "pop": (0.64, 0.70, -6.3, 0.07, 0.17, 0.06, 0.18, 0.50, 121.0),
    "rap": (0.72, 0.65, -7.0, 0.20, 0.19, 0.08, 0.19, 0.51, 121.0),
    "rock": (0.52, 0.73, -7.6, 0.06, 0.14, 0.06, 0.20, 0.54, 125.0),
    "latin": (0.71, 0.71, -6.3, 0.10, 0.21, 0.04, 0.18, 0.61, 119.0),
    "r&b": (0.67, 0.59, -7.9, 0.12, 0.26, 0.03, 0.18, 0.53, 114.0),
    "edm": (0.66, 0.80, -5.4, 0.09, 0.08, 0.22, 0.21, 0.40, 125.5),
}
_SPREAD = np.array((0.10, 0.12, 2.0, 0.05, 0.12, 0.10, 0.10, 0.18, 18.0))
_LOW = np.array((0.0, 0.0, -60.0, 0.0, 0.0, 0.0, 0.0, 0.0, 50.0))
_HIGH = np.array((1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 220.0))
_SUBGENRE_SHIFT = 0.6
"""Distance of a subgenre's centre from its genre's, in standard deviations of one track."""

_MOST_PROLIFIC = 8.0
"""Bound of an artist's output, in units of the long tail's scale: uncapped, one artist may make a quarter of the catalogue."""

_ADJECTIVES = (
    "Imaginary", "Invented", "Fictional", "Pretend", "Make-Believe", "Hypothetical",
    "Placeholder", "Unreal", "Fabled", "Supposed", "Notional", "Nonexistent",
)  # fmt: skip
_NOUNS = (
    "Otters", "Lanterns", "Comets", "Teapots", "Foxes", "Bridges", "Umbrellas", "Harbours", "Sparrows", "Compasses",
    "Orchards", "Pigeons", "Lighthouses", "Marbles", "Kettles", "Meadows", "Penguins", "Staircases", "Violets", "Windmills",
    "Badgers", "Envelopes", "Glaciers", "Herons", "Islands", "Jackdaws", "Kites", "Ladders", "Magpies", "Notebooks",
    "Octopuses", "Parasols", "Quilts", "Rivers", "Snowmen", "Tortoises", "Uncles", "Valleys", "Walruses", "Xylophones",
    "Yaks", "Zeppelins", "Anchors", "Bicycles", "Chimneys", "Dragonflies", "Elephants", "Fountains", "Geese", "Hedgehogs",
)  # fmt: skip
_TITLE_STARTS = (
    "Almost", "After the", "Under the", "Nobody's", "Another", "Goodbye", "Electric", "Paper", "Half a",
    "Waiting for the", "Return of the", "Slow", "Midnight", "No More", "Dear", "Beyond the",
)  # fmt: skip
_TITLE_ENDS = (
    "Timetable", "Weather", "Sandwich", "Telescope", "Postcard", "Ferry", "Crossword", "Balcony", "Satellite", "Marmalade",
    "Escalator", "Daydream", "Signal", "Garden", "Thunder", "Elevator", "Whistle", "Carousel", "Horizon", "Bookshop",
)  # fmt: skip


def synthetic_catalogue(tracks: int = DEFAULT_TRACKS, artists: int = DEFAULT_ARTISTS, seed: int = DEFAULT_SEED) -> Catalogue:
    """`tracks` invented tracks by `artists` artists in 6 genres and 24 subgenres, and playlists; the same for the same seed.

    Each artist keeps to one subgenre; popularity and the artists' output are long-tailed.
    """
    rng = np.random.default_rng(seed)
    styles = [(genre, subgenre) for genre, subgenres in GENRES.items() for subgenre in subgenres]
    artist_styles = rng.integers(0, len(styles), artists)
    share = np.minimum(rng.pareto(1.5, artists) + 0.2, _MOST_PROLIFIC)
    artist_of = rng.choice(artists, tracks, p=share / share.sum())
    style_of = artist_styles[artist_of]
    features = _features(rng, [genre for genre, _ in styles], style_of)
    popularity = np.clip(rng.beta(2.0, 3.0, artists)[artist_of] * 85 + rng.normal(0, 10, tracks), 0, 100).astype(int)
    years = np.clip(2020 - rng.gamma(1.5, 8.0, tracks), 1960, 2020).astype(int)
    durations = np.clip(rng.normal(222_000, 45_000, tracks), 90_000, 480_000).astype(int)
    made = [
        CatalogueTrack(
            track_id=f"synthetic-{number:05d}",
            name=_title(number, rng),
            artists=(_artist(int(artist)),),
            album=f"Invented Album {number % 7 + 1} of {_artist(int(artist))}",
            released=str(year),
            duration_ms=int(duration),
            popularity=int(liked),
            genres=styles[style],
            features=features[number],
            source=SOURCE,
        )
        for number, (artist, style, liked, year, duration) in enumerate(
            zip(artist_of, style_of, popularity, years, durations, strict=True)
        )
    ]
    return Catalogue(made, _playlists(rng, made, styles), rows=tracks, rejected={}, featureless=0)


def invented(max_tracks: int | None) -> Catalogue:
    """The default catalogue, or its first tracks alone: playlists would name some that are not there."""
    catalogue = synthetic_catalogue()
    if max_tracks is None or max_tracks >= len(catalogue.tracks):
        return catalogue
    tracks = catalogue.tracks[:max_tracks]
    return Catalogue(tracks, [], rows=len(tracks), rejected={}, featureless=0, complete=False)


def _features(rng: np.random.Generator, genres: Sequence[str], style_of: npt.NDArray[np.int64]) -> list[AudioFeatures]:
    centres = np.array([_CENTRES[genre] for genre in genres])
    centres += rng.normal(0, _SUBGENRE_SHIFT, centres.shape) * _SPREAD
    values = np.clip(centres[style_of] + rng.normal(0, 1, (len(style_of), centres.shape[1])) * _SPREAD, _LOW, _HIGH).round(4)
    keys, modes = rng.integers(0, 12, len(style_of)), rng.integers(0, 2, len(style_of))
    return [_audio(row, key, mode) for row, key, mode in zip(values.tolist(), keys.tolist(), modes.tolist(), strict=True)]


def _audio(row: Sequence[float], key: int, mode: int) -> AudioFeatures:
    danceability, energy, loudness, speechiness, acousticness, instrumentalness, liveness, valence, tempo = row
    return AudioFeatures(
        danceability=danceability,
        energy=energy,
        key=key,
        loudness=loudness,
        mode=mode,
        speechiness=speechiness,
        acousticness=acousticness,
        instrumentalness=instrumentalness,
        liveness=liveness,
        valence=valence,
        tempo=tempo,
    )


def _artist(number: int) -> str:
    adjective, noun = _ADJECTIVES[number % len(_ADJECTIVES)], _NOUNS[number // len(_ADJECTIVES) % len(_NOUNS)]
    again = number // (len(_ADJECTIVES) * len(_NOUNS))
    return f"The {adjective} {noun}{f' {again + 1}' if again else ''}"


def _title(number: int, rng: np.random.Generator) -> str:
    start, end = rng.integers(0, len(_TITLE_STARTS)), rng.integers(0, len(_TITLE_ENDS))
    return f"{_TITLE_STARTS[start]} {_TITLE_ENDS[end]} No. {number}"


def _playlists(
    rng: np.random.Generator, tracks: Sequence[CatalogueTrack], styles: Sequence[tuple[str, str]]
) -> list[PlaylistRecord]:
    return [
        PlaylistRecord(
            playlist_id=f"synthetic-playlist-{style:02d}-{number}",
            name=f"Invented {subgenre} {number + 1}",
            track_ids=tuple(_sample(rng, [track.track_id for track in tracks if track.genres == (genre, subgenre)])),
            source=SOURCE,
        )
        for style, (genre, subgenre) in enumerate(styles)
        for number in range(PLAYLISTS_PER_SUBGENRE)
    ]


def _sample(rng: np.random.Generator, track_ids: Sequence[str]) -> list[str]:
    size = min(PLAYLIST_TRACKS, len(track_ids))
    return cast(list[str], rng.choice(np.array(track_ids, dtype=object), size, replace=False).tolist()) if size else []
