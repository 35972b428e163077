"""Which column is what: as somebody says with `--map`, else by the names that public tables have."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal

from segue.errors import InvalidInput
from segue.events import AudioFeatures

Kind = Literal["listens", "tracks"]

FEATURES = AudioFeatures.__struct_fields__
_SONG: dict[str, tuple[str, ...]] = {
    "track": ("track", "track_name", "title", "song", "song_name", "name", "trackname", "master_metadata_track_name"),
    "artist": (
        "artist", "artist_name", "track_artist", "artists", "artist_names", "artistname", "master_metadata_album_artist_name",
    ),
    "album": ("album", "album_name", "release_name", "track_album_name", "master_metadata_album_album_name"),
    "track_id": ("track_id", "spotify_track_uri", "track_uri", "uri", "spotify_id"),
    "mbid": ("recording_mbid", "mbid", "track_mbid", "musicbrainz_id"),
    "duration_ms": ("duration_ms", "track_duration_ms"),
}  # fmt: skip
FIELDS: dict[Kind, dict[str, tuple[str, ...]]] = {
    "listens": _SONG
    | {
        "time": ("time", "timestamp", "played_at", "listened_at", "ts", "uts", "occurred_at", "utc_time", "datetime", "date"),
        "listener": ("listener", "user_id", "user", "username", "user_name"),
        "ms_played": ("ms_played", "msplayed", "played_ms"),
        "s_played": ("seconds_played", "duration_played"),
        "skipped": ("skipped",),
    },
    "tracks": _SONG
    | {
        "album_id": ("album_id", "track_album_id"),
        "released": ("released", "release_date", "album_release_date", "track_album_release_date", "year"),
        "popularity": ("popularity", "track_popularity"),
        "explicit": ("explicit",),
        "genres": ("genres", "genre", "track_genre"),
    }
    | {name: (name,) for name in FEATURES},
}


def parse_mapping(texts: Sequence[str], kind: Kind) -> dict[str, str]:
    """`track=title` as {field: column}. Raises InvalidInput that says which fields there are."""
    asked: dict[str, str] = {}
    for text in texts:
        field, equals, column = (part.strip() for part in text.partition("="))
        if not equals or not column:
            raise InvalidInput(f"--map {text!r} is not FIELD=COLUMN, such as --map track=title", "invalid_mapping")
        if field not in FIELDS[kind]:
            raise InvalidInput(f"--map {text!r}: {kind} have no {field!r}{_close(field, FIELDS[kind])}", "invalid_mapping")
        if field in asked:
            raise InvalidInput(f"--map {field} is given twice: {asked[field]} and {column}", "invalid_mapping")
        asked[field] = column
    return asked


def find_columns(asked: Mapping[str, str], names: Sequence[str], kind: Kind, listener: str | None) -> dict[str, str]:
    """{field: column} of a table with these column names, what was asked for before what is guessed.

    Raises InvalidInput that names what is missing and what was found.
    """
    for field, column in asked.items():
        if column not in names:
            raise InvalidInput(f"--map {field}={column}: there is no such column{_close(column, names)}", "missing_columns")
        if names.count(column) > 1:
            raise InvalidInput(
                f"--map {field}={column}: {names.count(column)} columns are called so: rename them", "double_column"
            )
    if listener is not None and kind == "tracks":
        raise InvalidInput("--listener: tracks are nobody's, leave it out or say --kind listens", "no_listener")
    if listener is not None and "listener" in asked:
        raise InvalidInput(
            "--listener says whose all the listens are, --map listener=… that a column does: give one", "two_listeners"
        )
    found = dict(asked) | _guessed(asked, names, kind)
    if listener is not None:
        found.pop("listener", None)
    _check_complete(found, names, kind, listener)
    return found


def _guessed(asked: Mapping[str, str], names: Sequence[str], kind: Kind) -> dict[str, str]:
    """Of columns that nobody named; one that is there twice is not guessed at."""
    plain = {name.casefold().replace(" ", "_"): name for name in names if names.count(name) == 1 and name not in asked.values()}
    free = ((field, next((one for one in aliases if one in plain), None)) for field, aliases in FIELDS[kind].items())
    return {field: plain[alias] for field, alias in free if alias and field not in asked}


def _check_complete(found: Mapping[str, str], names: Sequence[str], kind: Kind, listener: str | None) -> None:
    missing = []
    if kind == "listens" and "time" not in found:
        missing.append("time (when it was heard)")
    if not {"track", "artist"} <= found.keys() and (kind == "tracks" or "track_id" not in found):
        missing += [name for name in ("track", "artist") if name not in found]
    if kind == "listens" and listener is None and "listener" not in found:
        missing.append("listener (or give --listener NAME)")
    if missing:
        which, shown = missing[0].split()[0], ", ".join(name[:40] for name in names[:40]) + _headless(names)
        raise InvalidInput(
            f"no column is known to be {' or '.join(missing)}: say which is with --map {which}=COLUMN. There are: {shown}",
            "missing_columns",
        )


def _headless(names: Sequence[str]) -> str:
    return ". A CSV without a line of names: --no-header" if any(name[:4].isdecimal() for name in names) else ""


def _close(name: str, names: Sequence[str] | Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, list(names), 1, 0.6)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{hint}. There are: {', '.join(one[:40] for one in list(names)[:40])}"
