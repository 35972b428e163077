"""What a change makes of a playlist, and who may see and change one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from api.access.callers import check_owner
from api.playlists.questions import AddedTracks, NewPlaylist, PlaylistPatch
from api.playlists.writer import Decide, Turn
from api.problems import FieldError, Problem, invalid_fields
from segue.errors import NotFound
from segue.events import OWN_SOURCE, PlaylistRecord
from segue.stores.postgres.playlists import Playlist

SOURCE = "api"
GENERATED = f"{OWN_SOURCE}generated"


@dataclass(frozen=True)
class Limits:
    """Of what is made over the API."""

    tracks: int
    playlists: int


def version_tag(version: int) -> str:
    """What If-Match names a playlist's version by."""
    return f'"{version}"'


def names_version(listed: str, version: int) -> bool:
    """Whether a list of tags, as in If-Match, names this version, whatever the names of its tracks were then."""
    tags = (one.strip().removeprefix("W/").strip('"').partition(".")[0] for one in listed.split(","))
    return any(tag in ("*", str(version)) for tag in tags)


def found(playlist: Playlist | None, playlist_id: str) -> Playlist:
    """The playlist. Raises NotFound."""
    if playlist is None:
        raise NotFound(f"no playlist {playlist_id!r}")
    return playlist


def check_visible(request: Request, playlist: Playlist) -> None:
    """Raises Problem 403 when a listener's token asks for a private playlist of somebody else."""
    is_open = playlist.public or playlist.owner_id is None
    check_owner(request, *(() if is_open else (playlist.owner_id or "",)))


def own(request: Request, turn: Turn, playlist_id: str) -> Playlist:
    """The playlist that is to be changed. Raises NotFound, Problem 403, and 412 when it is not what If-Match says."""
    playlist = found(turn.current, playlist_id)
    # A token's user id is never empty: what nobody owns is changed by keys only.
    check_owner(request, playlist.owner_id or "")
    expected = request.headers.get("if-match")
    if expected is not None and not names_version(expected, playlist.version):
        raise Problem(
            412,
            "playlist_changed",
            f"the playlist is at version {playlist.version} by now: read it again, and send the change with its ETag",
            headers={"ETag": version_tag(playlist.version)},
            extensions={"version": playlist.version},
        )
    return playlist


def created(playlist_id: str, owner_id: str | None, asked: NewPlaylist, limits: Limits, source: str = SOURCE) -> Decide:
    """A new playlist; one that is there already and the same stays as it is. Raises Problem 409."""
    record = PlaylistRecord(
        playlist_id=playlist_id, name=asked.name, track_ids=tuple(asked.track_ids), owner_id=owner_id, public=asked.public,
        source=source,
    )  # fmt: skip
    _check_size(record.track_ids, limits)

    def decide(turn: Turn) -> PlaylistRecord | Playlist:
        there = turn.current
        if there is not None:
            if (there.owner_id, there.name, there.public, there.track_ids) == (
                owner_id,
                record.name,
                record.public,
                record.track_ids,
            ):
                return there
            raise Problem(409, "playlist_exists", f"playlist {playlist_id!r} is there already, and is another: choose another id")
        if owner_id is not None and turn.owned_by(owner_id) >= limits.playlists:
            detail = f"{owner_id!r} has {limits.playlists:,} playlists, no more can be made: delete some first"
            raise Problem(409, "too_many_playlists", detail)
        return record

    return decide


def patched(request: Request, playlist_id: str, asked: PlaylistPatch, limits: Limits) -> Decide:
    """Another name, visibility or list of tracks."""

    def decide(turn: Turn) -> PlaylistRecord:
        there = own(request, turn, playlist_id)
        if asked.track_ids is None:
            return _record(there, there.track_ids, asked.name, asked.public)
        _require_match(request)
        _check_size(asked.track_ids, limits)
        return _record(there, asked.track_ids, asked.name, asked.public)

    return decide


def with_tracks(request: Request, playlist_id: str, asked: AddedTracks, limits: Limits) -> Decide:
    """The tracks at the end, or at a place of a list that the client has seen."""

    def decide(turn: Turn) -> PlaylistRecord:
        there = own(request, turn, playlist_id)
        at = len(there.track_ids) if asked.position is None else asked.position
        if asked.position is not None:
            _require_match(request)
        if at > len(there.track_ids):
            raise invalid_fields([FieldError("position", f"the playlist has {len(there.track_ids)} tracks")])
        tracks = (*there.track_ids[:at], *asked.track_ids, *there.track_ids[at:])
        _check_size(tracks, limits)
        return _record(there, tracks)

    return decide


def without_tracks(request: Request, playlist_id: str, positions: Sequence[int], track_ids: Sequence[str]) -> Decide:
    """Without what stands at these places of a list that the client has seen, and without these tracks wherever they stand."""

    def decide(turn: Turn) -> PlaylistRecord:
        there = own(request, turn, playlist_id)
        if not positions and not track_ids:
            raise invalid_fields([FieldError("position", "give at least one position or track_id")])
        if positions:
            _require_match(request)
        if outside := [position for position in positions if position >= len(there.track_ids)]:
            raise invalid_fields([FieldError("position", f"{outside[0]}: the playlist has {len(there.track_ids)} tracks")])
        places, unwanted = frozenset(positions), frozenset(track_ids)
        kept = [one for at, one in enumerate(there.track_ids) if at not in places and one not in unwanted]
        return _record(there, kept)

    return decide


def once(record: PlaylistRecord) -> Decide:
    """A playlist that is made by itself: whoever comes second leaves it as it is."""
    return lambda turn: turn.current or record


def dropped(playlist_id: str, source: str) -> Decide:
    """Nothing, if what is there has this source; else it stays. Raises NotFound."""

    def decide(turn: Turn) -> Playlist | None:
        there = found(turn.current, playlist_id)
        return None if there.source == source else there

    return decide


def deleted(request: Request, playlist_id: str) -> Decide:
    """Nothing."""

    def decide(turn: Turn) -> None:
        own(request, turn, playlist_id)

    return decide


def _record(there: Playlist, track_ids: Sequence[str], name: str | None = None, public: bool | None = None) -> PlaylistRecord:
    return PlaylistRecord(
        playlist_id=there.playlist_id,
        name=there.name if name is None else name,
        track_ids=tuple(track_ids),
        owner_id=there.owner_id,
        public=there.public if public is None else public,
        source=there.source or SOURCE,
    )


def _require_match(request: Request) -> None:
    """Places speak of a list that somebody has read. Raises Problem 428."""
    if "if-match" not in request.headers:
        detail = "send If-Match with the ETag of the list that you saw, or If-Match: * to change whatever is there by now"
        raise Problem(428, "if_match_required", detail)


def _check_size(track_ids: Sequence[str], limits: Limits) -> None:
    if len(track_ids) > limits.tracks:
        detail = f"a playlist of {len(track_ids):,} tracks: {limits.tracks:,} are the most"
        raise Problem(422, "too_many_tracks", detail)
