"""Reading request bodies: bounded while they arrive, JSON only, every fault a problem with its own code."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.json_depth import nests_deeper
from api.problems import Problem, from_pydantic, invalid_fields

M = TypeVar("M", bound=BaseModel)


async def read_json(request: Request, max_bytes: int) -> bytes:
    """The body of a JSON request: see `read_body`.

    Raises Problem 415 for another media type, 400 for one that nests too deeply.
    """
    _require_json(request)
    whole = await read_body(request, max_bytes)
    max_depth: int = request.app.state.settings.api_max_json_depth
    if nests_deeper(whole, max_depth):
        raise Problem(400, "json_too_deep", f"arrays and objects may lie {max_depth} deep in each other")
    return whole


async def read_body(request: Request, max_bytes: int) -> bytes:
    """A body of at most `max_bytes`; the limit holds without a Content-Length too.

    Raises Problem 413 for a longer body, 400 for an empty one.
    """
    if int(_declared_length(request)) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    if not body:
        raise malformed("the body is empty")
    return bytes(body)


async def read_model(request: Request, model: type[M], max_bytes: int) -> M:
    """The body as a pydantic model, without any coercion of types. Raises Problem 422 that lists every wrong field."""
    body = await read_json(request, max_bytes)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise malformed(found[0]["msg"]) from None
        raise invalid_fields(from_pydantic(found)) from None


def malformed(reason: str) -> Problem:
    """The 400 problem of a body that is not JSON, or nests too deeply."""
    return Problem(400, "malformed_json", f"the body is not JSON that can be read: {reason}")


def _require_json(request: Request) -> None:
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not (media_type.startswith("application/") and media_type.endswith("+json")):
        raise Problem(415, "unsupported_media_type", f"send Content-Type: application/json, not {content_type or 'none'!r}")


def _declared_length(request: Request) -> str:
    declared = request.headers.get("content-length", "0")
    # The server refuses other values already; without one (chunked) the stream is counted.
    return declared if declared.isdecimal() else "0"


def _too_large(max_bytes: int) -> Problem:
    # The rest of the body is not read, so the connection cannot be used again.
    return Problem(
        413,
        "body_too_large",
        f"the body may have {max_bytes:,} bytes: send less at once",
        headers={"Connection": "close"},
    )
