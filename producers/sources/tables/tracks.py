"""Rows as tracks of the catalogue: each replaces the one of its id; without ids, songs that the catalogue knows are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from producers.ingestion.contract import Item, Skipped
from producers.sources.histories.identifying import Identifying
from producers.sources.tables.columns import FEATURES
from producers.sources.tables.values import BrokenRow, text_of, texts_of, truth_of, whole_of
from segue.events import MAX_MS_PLAYED, AudioFeatures, CatalogueTrack
from segue.songs import Song, spotify_id_in

SOURCE = "table"


class TrackRows:
    """`columns`: {field: column}; rows are values in their order."""

    def __init__(self, columns: Mapping[str, str], identifying: Identifying) -> None:
        self._at = {field: place for place, field in enumerate(columns)}
        self._identifying = identifying
        self._has_features = set(FEATURES) <= columns.keys()

    def read(self, values: Sequence[Any]) -> CatalogueTrack:
        """The track; its id is empty where the row says none. Raises BrokenRow."""
        cells = [*values, None]
        name, artists = text_of(self._cell(cells, "track"), "track"), texts_of(self._cell(cells, "artist"), "artist")
        said = text_of(self._cell(cells, "track_id"), "track_id") or text_of(self._cell(cells, "mbid"), "mbid")
        if not name or not artists:
            raise BrokenRow("no_artist" if name else "no_title", "a track needs a title and an artist")
        return CatalogueTrack(
            track_id=(spotify_id_in(said) or said) if said else "", name=name, artists=artists, source=SOURCE,
            album=text_of(self._cell(cells, "album"), "album"), album_id=text_of(self._cell(cells, "album_id"), "album_id"),
            released=text_of(self._cell(cells, "released"), "released"), genres=texts_of(self._cell(cells, "genres"), "genres"),
            explicit=truth_of(self._cell(cells, "explicit"), "explicit"), features=self._features(cells),
            duration_ms=whole_of(self._cell(cells, "duration_ms"), "duration_ms", MAX_MS_PLAYED) or None,
            popularity=whole_of(self._cell(cells, "popularity"), "popularity", 100),
        )  # fmt: skip

    def items(self, tracks: Sequence[CatalogueTrack]) -> tuple[list[Item], list[Skipped]]:
        """The tracks of a page, the last one of an id, and what the catalogue knows under other ids. Raises Unavailable."""
        named = {id(track): (_song(track), None) for track in tracks if not track.track_id}
        found = self._identifying.identify(list(named.values()))
        kept: dict[str, CatalogueTrack] = {}
        left_out = 0
        for track in tracks:
            track_id, known = (track.track_id, False) if track.track_id else found[named[id(track)]]
            if known:
                left_out += 1
            else:
                kept[track_id] = track if track.track_id else _with_id(track, track_id)
        doubles = len(tracks) - left_out - len(kept)
        return list(kept.values()), [Skipped("known")] * left_out + [Skipped("duplicate")] * doubles

    def _cell(self, cells: Sequence[Any], field: str) -> Any:
        return cells[self._at.get(field, -1)]

    def _features(self, cells: Sequence[Any]) -> AudioFeatures | None:
        values = [self._cell(cells, name) for name in FEATURES] if self._has_features else []
        if not values or any(value in (None, "") for value in values):
            return None
        try:
            named: dict[str, float] = dict(zip(FEATURES, map(float, values), strict=True))
            whole = {"key": int(named["key"]), "mode": int(named["mode"])}
        except (TypeError, ValueError, OverflowError):
            raise BrokenRow("bad_number", "an audio feature is no number") from None
        return AudioFeatures(**named | whole)  # type: ignore[arg-type]  # a dict has one type of values


def _song(track: CatalogueTrack) -> Song:
    return Song(track.name, ", ".join(track.artists), track.artists, track.album)


def _with_id(track: CatalogueTrack, track_id: str) -> CatalogueTrack:
    fields = {name: getattr(track, name) for name in track.__struct_fields__}
    return CatalogueTrack(**fields | {"track_id": track_id})
