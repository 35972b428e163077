"""Errors as RFC 9457 problem documents (`application/problem+json`), each with a stable `code`.

{"type": "urn:segue:problem:not_found", "title": "Not found", "status": 404, "code": "not_found", "detail": "…",
 "request_id": "…", "errors": [{"field": "n", "reason": "…"}]}
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.routes import allowed_methods
from segue.errors import InvalidEvent, InvalidInput, NotFound, SegueError, Unavailable
from segue.logs import fields

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
"""What a client is told to wait while a server behind this one is away."""

_HTTP_CODES = {
    404: ("no_such_route", "no such route: GET / lists what there is"),
    405: ("method_not_allowed", "this route does not take that method: see the Allow header"),
}


class FieldError(msgspec.Struct, frozen=True):
    """One field of a request and why it was refused."""

    field: str
    reason: str


class Problem(Exception):
    """Ends a request with a problem document; `extensions` are further members of the document."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers, self.extensions = tuple(errors), dict(headers or {}), dict(extensions or {})

    def response(self, request_id: str) -> Response:
        """The document as an HTTP response."""
        body: dict[str, Any] = {
            "type": f"urn:segue:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = self.errors
        return Response(msgspec.json.encode(body | self.extensions), self.status, self.headers, MEDIA_TYPE)


def invalid_fields(errors: Sequence[FieldError]) -> Problem:
    """The 422 problem of a request whose fields are wrong."""
    listed = "; ".join(f"{error.field}: {error.reason}" for error in errors)
    return Problem(422, "invalid_request", listed, errors=errors)


def unavailable(error: Unavailable, extensions: Mapping[str, Any] | None = None) -> Problem:
    """The 503 problem of a server that is away."""
    return Problem(
        503, f"{error.service}_unavailable", str(error), headers={"Retry-After": str(RETRY_AFTER_S)}, extensions=extensions
    )


def internal_error(request_id: str) -> Problem:
    """The 500 problem of a defect; what happened is in the log under the request id, never in the body."""
    return Problem(
        500, "internal_error", f"this is a defect of the service; its log has the details under request id {request_id}"
    )


def from_pydantic(errors: Sequence[Mapping[str, Any]], prefix: int = 0) -> list[FieldError]:
    """Pydantic's error list; `prefix` path elements (FastAPI's "query", "body") are left out."""
    return [
        FieldError(".".join(str(part) for part in error["loc"][prefix:]) or "body", error["msg"].removeprefix("Value error, "))
        for error in errors
    ]


def request_id_of(request: Request) -> str:
    """The id that the middleware gave this request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def install(app: FastAPI) -> None:
    """Answer every error of the app as a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(SegueError, _on_segue_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    return error.response(request_id_of(request))


async def _on_segue_error(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request)
    if isinstance(error, Unavailable):
        log.warning("dependency unavailable", extra=fields(service=error.service, reason=str(error), request_id=request_id))
        return unavailable(error).response(request_id)
    if isinstance(error, NotFound):
        return Problem(404, "not_found", str(error)).response(request_id)
    if isinstance(error, InvalidEvent):
        return Problem(422, error.code, str(error), errors=[_named_field(error)]).response(request_id)
    if isinstance(error, InvalidInput):
        return Problem(422, error.code, str(error)).response(request_id)
    log.error("request failed", exc_info=error, extra=fields(request_id=request_id))
    return internal_error(request_id).response(request_id)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    phrase = HTTPStatus(error.status_code).phrase
    code, detail = _HTTP_CODES.get(error.status_code, (phrase.lower().replace(" ", "_"), str(error.detail)))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(allowed_methods(request.app, request.scope))
    return Problem(error.status_code, code, detail, headers=headers).response(request_id_of(request))


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    return invalid_fields(from_pydantic(error.errors(), prefix=1)).response(request_id_of(request))


def _named_field(error: InvalidEvent) -> FieldError:
    """`check_id` puts the field's name first in its message."""
    field, _, reason = str(error).partition(" ")
    return FieldError(field, reason)
