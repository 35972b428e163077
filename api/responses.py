"""JSON answers, encoded by msgspec: about a tenth of what FastAPI's own encoder costs."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from fastapi import Request, Response

_encoder = msgspec.json.Encoder()


def json_response(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer as an HTTP response."""
    return Response(_encoder.encode(answer), status, headers, media_type="application/json")


def tagged_response(request: Request, answer: object, more: Mapping[str, str] | None = None, tag: str | None = None) -> Response:
    """The answer with an ETag, or 304 without a body where the client has just that (If-None-Match).

    `more`: further headers. `tag`: of what changes with the answer; of its content if left out.
    """
    body = _encoder.encode(answer)
    tag = tag or entity_tag(body)
    # The middleware's no-store would forbid to keep what the tag is for.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", **(more or {})}
    if matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type="application/json")


def entity_tag(content: bytes) -> str:
    """A strong validator of these bytes (RFC 9110, 8.8.3)."""
    return f'"{blake2b(content, digest_size=12).hexdigest()}"'


def matches(listed: str, tag: str) -> bool:
    """Whether a list of tags, as in If-None-Match and If-Match, names this one. Proxies make strong tags weak."""
    tags = {one.strip().removeprefix("W/") for one in listed.split(",")}
    return "*" in tags or tag in tags
