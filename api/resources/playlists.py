"""`/playlists`: made, read, changed and deleted. Every change is a record in Kafka first (docs/decisions/0017-playlists.md)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from api import examples
from api.access.callers import Listener, caller_of, check_owner
from api.access.needs import OWN_EVENTS, OWN_QUESTION, needs
from api.bodies import read_model
from api.playlists import changes, shown
from api.playlists.changes import Limits
from api.playlists.questions import AddedTracks, NewPlaylist, PlaylistPatch
from api.playlists.shown import PlaylistShown
from api.playlists.writer import Decide, Written
from api.responses import json_response, tagged_response
from api.schemas import documented, tagged
from api.services import Services
from segue.events import check_id
from segue.ids import uuid7
from segue.playlist_formats import Format, playlist_file

MAX_REMOVED = 100
"""Positions, and track ids, in one request; what removes more sends the whole list."""
Positions = Annotated[list[Annotated[int, Query(ge=0)]], Query(max_length=MAX_REMOVED, description="0-based; needs If-Match.")]
TrackIds = Annotated[list[str], Query(max_length=MAX_REMOVED, description="Taken out wherever they stand.")]

READ = documented(PlaylistShown, examples.PLAYLIST)
IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The ETag that you saw, or the version in quotes: change just that. `*`: whatever is there by now.",
        }
    ]
}
CHANGED = READ | documented(PlaylistShown, examples.PLAYLIST, 202)
MADE = CHANGED | documented(PlaylistShown, examples.PLAYLIST, 201)
DELETED: dict[int | str, dict[str, Any]] = {
    **{status: answer for status, answer in READ.items() if status != 200},
    202: {"description": "Stored in Kafka, not seen to be gone yet."},
}

LEFT_OUT = "X-Segue-Left-Out"
"""How many tracks the asked-for format cannot name."""
MEDIA_TYPES = ("application/jspf+json", "application/vnd.apple.mpegurl", "text/csv", "text/plain")
FILE: dict[int | str, dict[str, Any]] = READ | {
    200: {"description": "The file.", "content": {media_type: {"schema": {}} for media_type in MEDIA_TYPES}}
}


def router(services: Services) -> APIRouter:
    """The routes of playlists."""
    routes = APIRouter(tags=["playlists"])
    settings = services.settings
    limits = Limits(settings.api_playlist_tracks, settings.api_playlists_per_listener)

    async def change(playlist_id: str, decide: Decide, status: int = 200) -> Response:
        check_id("playlist_id", playlist_id)
        return _answer(services, await services.playlist_writer.change(playlist_id, decide), status)

    @routes.post(
        "/playlists",
        responses=MADE,
        openapi_extra=examples.asked("NewPlaylist", examples.NEW_PLAYLISTS),
        status_code=201,
    )
    @needs(OWN_EVENTS)
    async def create_playlist(request: Request) -> Response:
        """Make a playlist. With a `playlist_id` of its own, a repeated request finds what the first one made (200).

        201: every reader sees it. 202: Kafka has stored it for good, and it is not seen yet (`"applied": false`).
        """
        asked = await read_model(request, NewPlaylist, settings.max_body_bytes)
        owner_id = _owner(request, asked)
        playlist_id = asked.playlist_id or str(uuid7())
        written = await services.playlist_writer.change(playlist_id, changes.created(playlist_id, owner_id, asked, limits))
        return _answer(services, written, 200 if written.state is written.stored else 201)

    @routes.get("/playlists/{playlist_id}", responses=tagged(PlaylistShown, examples.PLAYLIST))
    @needs(OWN_QUESTION)
    async def get_playlist(request: Request, playlist_id: str) -> Response:
        """A playlist with its tracks, from Postgres. Its ETag is what If-Match and If-None-Match take."""
        check_id("playlist_id", playlist_id)
        playlist = changes.found(await services.postgres.run(services.playlists.get, playlist_id), playlist_id)
        changes.check_visible(request, playlist)
        answer = shown.stored(playlist, services.catalogue)
        return tagged_response(request, answer, tag=shown.tag_of(answer))

    @routes.get("/playlists/{playlist_id}/export", responses=FILE, response_class=Response)
    @needs(OWN_QUESTION)
    async def export_playlist(request: Request, playlist_id: str, format: Format = "jspf") -> Response:  # noqa: A002
        """The playlist as a file: JSPF, M3U8, CSV, or its Spotify URIs, one a line."""
        check_id("playlist_id", playlist_id)
        playlist = changes.found(await services.postgres.run(services.playlists.get, playlist_id), playlist_id)
        changes.check_visible(request, playlist)
        made = playlist_file(format, playlist.name, shown.file_tracks(playlist, services.catalogue))
        name = quote(f"{playlist.name}.{'txt' if format == 'spotify' else format}", safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", LEFT_OUT: str(made.left_out)}
        return Response(made.text, headers=headers, media_type=made.media_type)

    @routes.patch(
        "/playlists/{playlist_id}",
        responses=CHANGED,
        openapi_extra=examples.asked("PlaylistPatch", examples.PLAYLIST_PATCHES) | IF_MATCH,
    )
    @needs(OWN_EVENTS)
    async def change_playlist(request: Request, playlist_id: str) -> Response:
        """Rename, show or hide, or replace all tracks, which needs If-Match."""
        asked = await read_model(request, PlaylistPatch, settings.max_body_bytes)
        return await change(playlist_id, changes.patched(request, playlist_id, asked, limits))

    @routes.delete("/playlists/{playlist_id}", status_code=204, responses=DELETED, openapi_extra=IF_MATCH)
    @needs(OWN_EVENTS)
    async def delete_playlist(request: Request, playlist_id: str) -> Response:
        """Delete a playlist."""
        return await change(playlist_id, changes.deleted(request, playlist_id), 204)

    @routes.post(
        "/playlists/{playlist_id}/tracks",
        responses=CHANGED,
        openapi_extra=examples.asked("AddedTracks", examples.ADDED_TRACKS) | IF_MATCH,
    )
    @needs(OWN_EVENTS)
    async def add_tracks(request: Request, playlist_id: str) -> Response:
        """Put tracks at the end, or with If-Match at a place. With If-Match a repeated request adds nothing twice (412)."""
        asked = await read_model(request, AddedTracks, settings.max_body_bytes)
        return await change(playlist_id, changes.with_tracks(request, playlist_id, asked, limits))

    @routes.delete("/playlists/{playlist_id}/tracks", responses=CHANGED, openapi_extra=IF_MATCH)
    @needs(OWN_EVENTS)
    async def remove_tracks(
        request: Request,
        playlist_id: str,
        position: Positions = [],  # noqa: B006 - FastAPI copies defaults
        track_id: TrackIds = [],  # noqa: B006
    ) -> Response:
        """Take out what stands at these positions, which needs If-Match, and these tracks."""
        return await change(playlist_id, changes.without_tracks(request, playlist_id, position, track_id))

    return routes


def _owner(request: Request, asked: NewPlaylist) -> str | None:
    """Whose the playlist will be. Raises Problem 403."""
    caller = caller_of(request)
    owner_id = caller.user_id if isinstance(caller, Listener) and asked.owner_id is None else asked.owner_id
    check_owner(request, owner_id or "")
    return owner_id


def _answer(services: Services, change: Written, status: int) -> Response:
    status = status if change.applied else 202
    if change.state is None:
        return Response(status_code=status)
    answer = shown.written(change, services.catalogue)
    return json_response(answer, status, {"ETag": shown.tag_of(answer)})
