"""The FastAPI app, made from the services that it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from api import openapi, problems
from api.access.admission import Admission
from api.access.needs import authorise, check_declared, declare_documentation
from api.background import running
from api.bounds import Bounds
from api.freshness import HEADER
from api.garbage import keep_for_good
from api.hosts import Hosts, allowed_hosts
from api.listenbrainz import routes as listenbrainz
from api.listenbrainz.dialect import Dialect
from api.middleware import RequestContext
from api.paths import EncodedSlashes, with_slashes
from api.resources import (
    admin,
    events,
    feedback,
    generate,
    genres,
    health,
    models,
    own_data,
    playlists,
    profiles,
    recommend,
    tokens,
    tracks,
    trending,
    users,
)
from api.services import Services
from segue import __version__

DESCRIPTION = """Music recommendations from what people are doing now.

Every error is an RFC 9457 problem document with a stable `code`; under `/1/` it is as ListenBrainz has it. `degraded` in an
answer names what it had to do without."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
SENT = ["Authorization", "Content-Type", "If-Match", "If-None-Match", "X-API-Key", "X-Request-Id", "traceparent"]
"""Headers that pages of other origins may send, and below, that they may read."""
SHOWN = ["ETag", "X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After", HEADER]
COMPRESSED_FROM_BYTES = 1_000
COMPRESSION = 4
"""Twenty songs shrink from 7.5 to 2.8 kB in 0.15 ms; other levels cost as much or more and save a tenth at most."""


def create_app(services: Services) -> FastAPI:
    """The app; its lifespan reads the catalogue and the model first, then follows both until it ends."""
    settings = services.settings
    app = FastAPI(
        title="Segue",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(services),
        redirect_slashes=False,
        # FastAPI's own traces have paths, which name listeners, and messages of errors; see api/middleware.py for ours.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        generate_unique_id_function=openapi.operation_id,
    )
    app.state.settings = settings
    # The one added last is the outermost.
    app.add_middleware(EncodedSlashes)
    app.add_middleware(Admission, identities=services.identities, rates=services.rates)
    app.add_middleware(Bounds, body_timeout_s=settings.api_body_timeout_s, request_timeout_s=settings.api_request_timeout_s)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=COMPRESSION)
    if origins := [origin.strip() for origin in settings.api_cors_origins.split(",") if origin.strip()]:
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=METHODS, allow_headers=SENT, expose_headers=SHOWN)
    if (hosts := allowed_hosts(settings)) is not None:
        app.add_middleware(Hosts, allowed=hosts)
    app.add_middleware(RequestContext, metrics=services.metrics, tracing=services.tracing)
    app.add_middleware(Dialect)
    problems.install(app)
    for resource in (
        recommend,
        trending,
        events,
        feedback,
        tracks,
        genres,
        users,
        profiles,
        own_data,
        generate,
        playlists,
        models,
        tokens,
        admin,
        health,
        listenbrainz,
    ):
        app.include_router(resource.router(services), dependencies=[Depends(with_slashes), Depends(authorise)])
    declare_documentation(app)
    check_declared(app)
    openapi.install(app)
    return app


def _lifespan(services: Services) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.events.start()
        services.metrics.watch_queue(services.events.queued)
        await services.catalogue.refresh()
        await services.search.refresh()
        await services.door.tracks.index.refresh()
        await services.model.refresh()
        keep_for_good()
        async with _following(services):
            yield
        await services.events.close()
        await services.close()

    return lifespan


def _following(services: Services) -> AbstractAsyncContextManager[None]:
    poll_s = services.settings.api_poll_s
    return running(
        services.on_crash,
        catalogue=services.catalogue.run(poll_s),
        model=services.model.run(poll_s),
        search=services.search.run(),
        events=services.watcher.run(),
        trending=services.trending.run(poll_s),
        songs=services.door.tracks.index.run(),
    )
