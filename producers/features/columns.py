"""Which columns of a table are ids, song and audio features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segue.errors import InvalidInput
from segue.events import AudioFeatures

FEATURES = AudioFeatures.__struct_fields__
IDS = ("track_id", "uri", "isrc")
_ALIASES: dict[str, tuple[str, ...]] = {
    "track_id": ("track_id", "id", "spotify_id"),
    "uri": ("uri", "track_uri", "spotify_track_uri"),
    "isrc": ("isrc",),
    "track": ("track_name", "name", "title", "song_name", "track", "song"),
    "artist": ("track_artist", "artists", "artist_name", "artist_names", "artist_name(s)", "artist"),
    "duration_ms": ("duration_ms", "track_duration_ms"),
} | {name: (name,) for name in FEATURES}
_ACOUSTICBRAINZ = frozenset({"bpm", "onset_rate", "submission_offset", "average_loudness", "danceability"})


def feature_columns(names: Sequence[str]) -> dict[str, str]:
    """{field: column} of a table with these column names. Raises InvalidInput that says what is missing."""
    plain = {name.strip().casefold().replace(" ", "_"): name for name in names if names.count(name) == 1}
    first = ((field, next((one for one in aliases if one in plain), None)) for field, aliases in _ALIASES.items())
    found = {field: plain[alias] for field, alias in first if alias}
    _check(found, set(plain), names)
    return found


def _check(found: Mapping[str, str], plain: set[str], names: Sequence[str]) -> None:
    there = f"There are: {', '.join(name[:40] for name in names[:40])}"
    missing = [name for name in FEATURES if name not in found]
    if missing and len(plain & _ACOUSTICBRAINZ) >= 2:
        raise InvalidInput(
            "this is a table of AcousticBrainz, whose features have another scale than Spotify's: they are not mixed",
            "other_scale",
        )
    if missing:
        raise InvalidInput(
            f"no column is called {', '.join(missing)}: all eleven features are needed. {there}", "missing_columns"
        )
    if not any(name in found for name in IDS) and not {"track", "artist"} <= found.keys():
        raise InvalidInput(
            f"no column says which track a row is of: track_id, uri or isrc, or else track_name and artist. {there}",
            "missing_columns",
        )
