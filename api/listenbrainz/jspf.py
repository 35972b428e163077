"""Playlists as JSPF (https://www.xspf.org/jspf) with MusicBrainz's extensions, as ListenBrainz answers them."""

from __future__ import annotations

from datetime import UTC, datetime

from api.listenbrainz.described import UNKNOWN, uri_of
from api.listenbrainz.shapes import JspfAnswer, JspfExtension, JspfPlaylist, JspfTrack, JspfTrackExtension
from api.listenbrainz.weekly import Origin
from api.live_catalogue import LiveCatalogue
from segue.catalogue import Track
from segue.stores.postgres.playlists import Playlist, PlaylistHead, playlist_mbid

PLAYLIST_EXTENSION = "https://musicbrainz.org/doc/jspf#playlist"
TRACK_EXTENSION = "https://musicbrainz.org/doc/jspf#track"
SEGUE = "segue"
"""Made what nobody else did."""


def headed(playlist: Playlist | PlaylistHead, base_url: str, tracks: list[JspfTrack] | None = None) -> JspfAnswer:
    """A playlist with these tracks; `base_url` of the API ends with a slash. A list of a week is of its Monday."""
    origin = Origin.of(playlist.source)
    creator = SEGUE if origin or playlist.owner_id is None else playlist.owner_id
    extension = JspfExtension(
        public=playlist.public or playlist.owner_id is None,
        creator=creator,
        last_modified_at=playlist.changed_at,
        created_for=playlist.owner_id if origin else None,
        additional_metadata={"algorithm_metadata": {"source_patch": origin.kind}} if origin else {},
    )
    identifier = f"{base_url}1/playlist/{playlist_mbid(playlist.playlist_id)}"
    date = datetime(origin.week.year, origin.week.month, origin.week.day, tzinfo=UTC) if origin else playlist.changed_at
    return JspfAnswer(JspfPlaylist(identifier, playlist.name, creator, date, tracks or [], {PLAYLIST_EXTENSION: extension}))


def whole(playlist: Playlist, base_url: str, catalogue: LiveCatalogue, *, named: bool) -> JspfAnswer:
    """A playlist with all its tracks; their URIs only, unless they are to be `named`."""
    tracks = [_track(playlist, track_id, catalogue.by_id(track_id) if named else None, named) for track_id in playlist.track_ids]
    return headed(playlist, base_url, tracks)


def _track(playlist: Playlist, track_id: str, track: Track | None, named: bool) -> JspfTrack:
    """Clients search for a track by its names: one that the catalogue does not know (yet) is named as in listens."""
    if not named:
        return JspfTrack([uri_of(track_id)])
    extension = {TRACK_EXTENSION: _extension(playlist, track)}
    if track is None:
        return JspfTrack([uri_of(track_id)], track_id, UNKNOWN, extension=extension)
    creator = ", ".join(track.artists) or UNKNOWN
    return JspfTrack([uri_of(track_id)], track.name, creator, track.album, track.duration_ms, extension)


def _extension(playlist: Playlist, track: Track | None) -> JspfTrackExtension:
    names = track.artists if track else ()
    joined = [", "] * (len(names) - 1) + [""]
    artists = [{"artist_credit_name": name, "join_phrase": join} for name, join in zip(names, joined, strict=False)]
    return JspfTrackExtension(playlist.owner_id or SEGUE, playlist.changed_at, {"artists": artists})
