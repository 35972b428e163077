"""A catalogue for the simulator's tests: records as Postgres would give them."""

from __future__ import annotations

from segue.catalogue import Track, release_year
from segue.events import CatalogueTrack
from segue.ids import TrackNo


def stored(records: list[CatalogueTrack]) -> list[Track]:
    return [
        Track(
            TrackNo(number), r.track_id, r.name, r.artists, r.album, release_year(r.released), r.duration_ms, r.explicit,
            r.popularity, r.genres, r.features,
        )
        for number, r in enumerate(records, start=1)
    ]  # fmt: skip
