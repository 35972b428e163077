"""The OpenAPI document: what FastAPI finds of routes and parameters, the shapes of bodies and answers, and who may ask.

`make docs` writes it to docs/openapi.json; clients are made from that file, and a test keeps it equal to the code.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import admin_schemas, listener_schemas
from api.access.needs import Need, need_of
from api.listenbrainz import shapes
from api.playlists import generated, questions, shown
from api.resources.events import SentEvent
from api.resources.tokens import TokenQuestion
from api.routes import routes_of
from api.schemas import components
from segue.ids import MAX_ID_BYTES

SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key (`segue keys create`) or a listener's token (`POST /tokens`); only where keys are required.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key, for clients that cannot send bearers.",
    },
}


def operation_id(route: APIRoute) -> str:
    """The name of the route's function: what clients made from the document call it."""
    return route.name


def install(app: FastAPI) -> None:
    """Have the app serve the whole document; FastAPI itself finds the schemas of its own parameters only."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        complete = app.openapi_schema is not None
        document = generate()
        if not complete:
            _complete(document, app)
        return document

    # FastAPI's documented way to extend the document.
    app.openapi = openapi  # type: ignore[method-assign]


def rendered(app: FastAPI) -> str:
    """The document as the text of docs/openapi.json."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def _complete(document: dict[str, Any], app: FastAPI) -> None:
    _, sent = msgspec.json.schema_components([SentEvent], ref_template="#/components/schemas/{name}")
    found = document.setdefault("components", {})
    admin = components(admin_schemas.ANSWERS, (*admin_schemas.QUESTIONS, TokenQuestion))
    playlists = components((*shown.ANSWERS, *generated.ANSWERS), questions.QUESTIONS)
    listeners = components(listener_schemas.ANSWERS, ())
    found.setdefault("schemas", {}).update(components() | listeners | admin | components(shapes.ANSWERS, ()) | playlists | sent)
    found["securitySchemes"] = SCHEMES
    for route in routes_of(app):
        need = need_of(route)
        for operation in document["paths"].get(route.path, {}).values():
            if need is not None and operation["operationId"] == route.name:
                operation |= _asked(need)
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    # All of them go through check_id.
                    parameter["schema"] |= {"minLength": 1, "maxLength": MAX_ID_BYTES}


def _asked(need: Need) -> dict[str, Any]:
    if need.key is None:
        return {"security": []}
    scopes = {"key": need.key} | ({"token": need.token} if need.token else {})
    return {"security": [{"bearer": []}, {"api_key": []}], "x-segue-scopes": scopes}


def main(path: str) -> None:
    """Write the document to a file."""
    # Here, since the app imports this module.
    from api.app import create_app
    from api.bootstrap import build_services
    from segue.settings import Settings

    # Nothing connects before the app starts, so nobody need be there.
    nowhere = Settings(
        kafka_bootstrap="nowhere.invalid:1", postgres_url="postgresql://nowhere.invalid/", redis_url="redis://nowhere.invalid"
    )
    Path(path).write_text(rendered(create_app(build_services(nowhere))), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
