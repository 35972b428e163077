"""What the types of catalogue, playlist and user records cannot say: ids, texts, lengths, ranges.

Processors set aside what fails here; importers find it before it is published.
"""

from __future__ import annotations

from segue.errors import InvalidEvent
from segue.events import AudioFeatures, CatalogueTrack, PlaylistRecord, UserRecord, check_id, check_text

_TEXTS = ("name", "album", "album_id", "released", "source", "features_source", "display_name")
_UNIT = ("danceability", "energy", "speechiness", "acousticness", "instrumentalness", "liveness", "valence")
_FEATURE_RANGES = dict.fromkeys(_UNIT, (0, 1)) | {"key": (-1, 11), "mode": (0, 1), "loudness": (-100, 20), "tempo": (0, 1000)}
_ID_FIELDS = ("owner_id",)
_MOST = {"artists": 100, "genres": 100, "track_ids": 10_000}
_LISTS = {"artists": check_text, "genres": check_text, "track_ids": check_id}


def check_record(row: CatalogueTrack | PlaylistRecord | UserRecord) -> None:
    """Raises InvalidEvent with the field in its message. The record's own id is its key, which is checked with `check_id`."""
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name in _TEXTS and value is not None:
            check_text(name, value)
        elif name in _ID_FIELDS and value is not None:
            check_id(name, value)
        elif name in _LISTS:
            if len(value) > _MOST[name]:
                raise InvalidEvent(f"{name} has {len(value)} entries: send at most {_MOST[name]}", "too_many_entries")
            for item in value:
                _LISTS[name](name, item)
    if isinstance(row, CatalogueTrack):
        _check_ranges(row)


def _check_ranges(row: CatalogueTrack) -> None:
    if not row.name:
        raise InvalidEvent("name is empty", "invalid_field")
    if row.popularity is not None and not 0 <= row.popularity <= 100:
        raise InvalidEvent("popularity must be within 0..100", "invalid_field")
    if row.fetched_at is not None and (row.fetched_at.tzinfo is None or not 2000 <= row.fetched_at.year <= 2100):
        raise InvalidEvent("fetched_at needs a time zone and a year within 2000..2100", "invalid_time")
    if row.features is not None:
        check_features(row.features)
    if row.duration_ms is not None and not 0 <= row.duration_ms < 2**31:
        raise InvalidEvent("duration_ms must be within 0..2147483647", "invalid_field")


def check_features(features: AudioFeatures) -> None:
    """Refuse audio features out of range. Raises InvalidEvent."""
    for name, (least, most) in _FEATURE_RANGES.items():
        if not least <= getattr(features, name) <= most:
            raise InvalidEvent(f"features.{name} must be within {least}..{most}", "invalid_field")
