"""Tracks as ListenBrainz describes them, and their ids in its form."""

from __future__ import annotations

import re
import uuid
from urllib.parse import quote

from api.listenbrainz.shapes import TrackMetadata
from segue.catalogue import Track
from segue.songs import DERIVED

_NAMESPACE = uuid.UUID("b4f0c8e2-6c52-5f0e-9d1c-5e60e0c0ffee")
"""Of ids made from Segue's: clients want UUIDs, and an id must be the same each time."""
_MBID = re.compile(rf"(?:{DERIVED})?([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")
_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
UNKNOWN = "[unknown]"
"""What MusicBrainz calls an artist of whom nothing is known."""


def stable_uuid(*parts: str) -> str:
    """The same UUID each time for these parts."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def msid_of(track_id: str) -> str:
    """A track's id where a client wants a MessyBrainz id, which stands for what is known by its name only."""
    return stable_uuid("track", track_id)


def mbid_of(track_id: str) -> str | None:
    """The MusicBrainz id of a recording that Segue knows by it, or None."""
    found = _MBID.fullmatch(track_id)
    return found.group(1) if found else None


def uri_of(track_id: str) -> str:
    """Where a track is found by whoever does not know Segue: MusicBrainz, Spotify, or nowhere but here."""
    if mbid := mbid_of(track_id):
        return f"https://musicbrainz.org/recording/{mbid}"
    if spotify := _spotify_url(track_id):
        return spotify
    return f"urn:segue:track:{quote(track_id, safe='')}"


def metadata_of(track_id: str, track: Track | None) -> TrackMetadata:
    """What the catalogue says of a track; its id in the place of the title where it says nothing yet."""
    mbid, spotify = mbid_of(track_id), _spotify_url(track_id)
    info: dict[str, object] = {"recording_msid": msid_of(track_id)}
    info |= {"recording_mbid": mbid} if mbid else {}
    info |= {"spotify_id": spotify} if spotify else {}
    mapping = {"recording_mbid": mbid} if mbid else {}
    if track is None:
        return TrackMetadata(UNKNOWN, track_id, None, info, mapping)
    info |= {"artist_names": list(track.artists)}
    info |= {"duration_ms": track.duration_ms} if track.duration_ms else {}
    return TrackMetadata(", ".join(track.artists) or UNKNOWN, track.name, track.album, info, mapping)


def _spotify_url(track_id: str) -> str | None:
    return f"https://open.spotify.com/track/{track_id}" if _SPOTIFY_ID.fullmatch(track_id) else None
