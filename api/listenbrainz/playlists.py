"""`/1/user/{user_id}/playlists`, `…/createdfor` and `/1/playlist/{mbid}`: playlists for players."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.access.needs import OWN_QUESTION, OWN_READ, needs
from api.listenbrainz.jspf import headed, whole
from api.listenbrainz.listeners import is_own
from api.listenbrainz.shapes import JspfAnswer, PlaylistsListed, documented
from api.listenbrainz.weekly import PREFIX
from api.playlists.changes import check_visible, found
from api.problems import Problem
from api.responses import json_response
from api.services import Services
from segue.errors import NotFound
from segue.events import check_id

MAX_COUNT = 100
Count = Annotated[int, Query(ge=0, description=f"At most {MAX_COUNT} are answered.")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1)]


def router(services: Services) -> APIRouter:
    """The routes of playlists."""
    routes = APIRouter(tags=["listenbrainz"])

    async def listed(request: Request, user_id: str, count: int, offset: int, *, created_for: bool) -> Response:
        page = partial(services.playlists.listed, user_id, PREFIX, min(count, MAX_COUNT), offset, with_prefix=created_for)
        heads, total = await services.postgres.run(page)
        if total == 0 and not is_own(request, user_id) and await services.listeners.profile(user_id) is None:
            raise NotFound(f"Cannot find user: {user_id}")
        shown = [headed(head, str(request.base_url)) for head in heads]
        return json_response(PlaylistsListed(len(shown), offset, total, shown))

    @routes.get("/1/user/{user_id}/playlists", responses=documented(PlaylistsListed))
    @needs(OWN_READ)
    async def read_playlists(request: Request, user_id: str, count: Count = 25, offset: Offset = 0) -> Response:
        """The listener's own playlists without their tracks, the newest first."""
        check_id("user_id", user_id)
        return await listed(request, user_id, count, offset, created_for=False)

    @routes.get("/1/user/{user_id}/playlists/createdfor", responses=documented(PlaylistsListed))
    @needs(OWN_READ)
    async def read_created_playlists(request: Request, user_id: str, count: Count = 25, offset: Offset = 0) -> Response:
        """The lists that Segue made for the listener, without their tracks, the newest first.

        Who asks first in a week has that week's made: `weekly-exploration`, what they never heard, and `weekly-jams`, the best
        of what they like.
        """
        check_id("user_id", user_id)
        await services.door.weekly.ensure(user_id)
        return await listed(request, user_id, count, offset, created_for=True)

    @routes.get("/1/playlist/{mbid}", responses=documented(JspfAnswer))
    @needs(OWN_QUESTION)
    async def read_playlist(
        request: Request,
        mbid: str,
        fetch_metadata: Annotated[bool, Query(description="false: the tracks' URIs only.")] = True,
    ) -> Response:
        """A playlist with its tracks."""
        playlist = found(await services.postgres.run(services.playlists.by_mbid, _canonical(mbid)), mbid)
        check_visible(request, playlist)
        return json_response(whole(playlist, str(request.base_url), services.catalogue, named=fetch_metadata))

    return routes


def _canonical(mbid: str) -> str:
    try:
        return str(uuid.UUID(mbid))
    except ValueError:
        raise Problem(400, "invalid_mbid", "Provided playlist ID is invalid: it is no UUID") from None
