"""The columns of Spotify-style track tables, under the names that public data sets give them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from segue.errors import InvalidCatalogue
from segue.events import AudioFeatures

FEATURES: tuple[str, ...] = AudioFeatures.__struct_fields__
ESSENTIAL: dict[str, str] = {"track_id": "id", "name": "name", "artists": "artist"}

_ALIASES: dict[str, tuple[str, ...]] = {
    "track_id": ("track_id", "id", "uri", "track_uri", "spotify_track_uri", "isrc"),
    "name": ("track_name", "name", "title", "song_name"),
    "artists": ("track_artist", "artists", "artist_name", "artist_names", "artist_name(s)", "artist"),
    "popularity": ("track_popularity", "popularity"),
    "album_id": ("track_album_id", "album_id"),
    "album": ("track_album_name", "album_name", "album"),
    "released": ("track_album_release_date", "album_release_date", "release_date", "released", "year"),
    "duration_ms": ("duration_ms", "track_duration_ms"),
    "explicit": ("explicit",),
    "genre": ("playlist_genre", "track_genre", "genre", "genres"),
    "subgenre": ("playlist_subgenre", "track_subgenre", "subgenre"),
    "playlist_id": ("playlist_id",),
    "playlist_name": ("playlist_name",),
} | {name: (name,) for name in FEATURES}

_SEVERAL_ARTISTS = frozenset({"artists", "artist_names", "artist_name(s)"})


@dataclass(frozen=True)
class Columns:
    """Where each known field stands in a row; `width` is the number of columns."""

    at: dict[str, int]
    width: int
    several_artists: bool
    """Whether the artist column lists several, separated by semicolons."""

    @cached_property
    def features_at(self) -> tuple[int, ...]:
        """Columns of the audio features in the order of FEATURES; -1 for one that the table does not have."""
        return tuple(self.at.get(name, -1) for name in FEATURES)


def find_columns(header: Sequence[str]) -> Columns:
    """Match a header to the known fields; raises InvalidCatalogue that names what is missing and what was found."""
    names = [name.strip().casefold().replace(" ", "_") for name in header]
    at = {field: names.index(alias) for field, aliases in _ALIASES.items() for alias in _first_present(aliases, names)}
    missing = [field for field in ESSENTIAL if field not in at]
    if missing:
        raise InvalidCatalogue(_explain(missing, names), "missing_columns")
    return Columns(at, len(header), names[at["artists"]] in _SEVERAL_ARTISTS)


def _first_present(aliases: Sequence[str], names: Sequence[str]) -> list[str]:
    return [alias for alias in aliases if alias in names][:1]


def _explain(missing: Sequence[str], names: Sequence[str]) -> str:
    wanted = "; ".join(f"{ESSENTIAL[field]} (any of {', '.join(_ALIASES[field])})" for field in missing)
    found = ", ".join(name[:40] or "(unnamed)" for name in names[:40])
    return f"missing columns: {wanted}. Found: {found}{_hint(missing, names)}"


def _hint(missing: Sequence[str], names: Sequence[str]) -> str:
    close = {
        near: alias for field in missing for alias in _ALIASES[field] for near in difflib.get_close_matches(alias, names, 1, 0.8)
    }
    return "".join(f". Did you mean {alias} by {near}?" for near, alias in list(close.items())[:3])
