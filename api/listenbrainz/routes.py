"""Every route of the door."""

from __future__ import annotations

from fastapi import APIRouter

from api.listenbrainz import feedback, listens, playlists, submit, tokens
from api.services import Services


def router(services: Services) -> APIRouter:
    """The routes under `/1/`."""
    routes = APIRouter()
    for resource in (submit, tokens, listens, feedback, playlists):
        routes.include_router(resource.router(services))
    return routes
