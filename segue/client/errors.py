"""What the client raises: the errors of `segue.errors`, with what the API said.

SegueError
├── ApiError               the API answered with an error: status, code, request_id, fields
│   ├── ApiNotFound        also NotFound
│   ├── ApiInvalidInput    also InvalidInput
│   ├── ApiAccessDenied    401 and 403: the key or token is missing, wrong, or opens something else
│   ├── ApiConflict        409: the state of things does not allow it
│   │   └── ApiChanged     412: it is not what `if_match` says any more; `version` is what it is
│   ├── ApiDefect          500, or an answer that is none of this API
│   └── ApiUnavailable     also Unavailable: 503 and what proxies say
│       ├── ApiRateLimited, ApiKafkaUnavailable, ApiPostgresUnavailable, ApiRedisUnavailable
└── Unavailable
    └── ApiUnreachable     no answer came
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec

from segue.errors import (
    InvalidInput,
    KafkaUnavailable,
    NotFound,
    PostgresUnavailable,
    RedisUnavailable,
    SegueError,
    Unavailable,
)  # fmt: skip


class WrongField(msgspec.Struct, frozen=True):
    """A field of the question that was refused."""

    field: str
    reason: str


class _Problem(msgspec.Struct, frozen=True):
    code: str
    detail: str
    request_id: str = ""
    errors: tuple[WrongField, ...] = ()


class ApiError(SegueError):
    """The API answered with an error. `document` is all that it said; `code` is stable."""

    code: str = "unknown"

    def __init__(self, response: httpx.Response) -> None:
        problem = _read(response)
        super().__init__(problem.detail)
        self.code, self.request_id, self.fields = problem.code, problem.request_id, problem.errors
        self.status = response.status_code
        self.document = _document(response)
        self.retry_after_s = _seconds(response.headers.get("retry-after"))


class ApiNotFound(ApiError, NotFound):
    """What was named is not known."""


class ApiInvalidInput(ApiError, InvalidInput):
    """The question was refused; `fields` says why."""


class ApiAccessDenied(ApiError):
    """The key or token does not open this."""


class ApiConflict(ApiError):
    """The state of things does not allow it."""


class ApiChanged(ApiConflict):
    """Somebody changed it meanwhile: read it again and decide on that.

    `version`: what it is by now. After a try whose answer never came, this may be the change that was asked for.
    """

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response)
        found = self.document.get("version")
        self.version: int | None = found if isinstance(found, int) else None


class ApiDefect(ApiError):
    """The service failed; its log has the details under `request_id`."""


class ApiUnavailable(ApiError, Unavailable):
    """The service, or a server behind it, cannot answer now."""

    service = "api"


class ApiRateLimited(ApiUnavailable):
    """Too many questions: `retry_after_s` says when to go on."""


class ApiKafkaUnavailable(ApiUnavailable, KafkaUnavailable):
    """Kafka is away."""


class ApiPostgresUnavailable(ApiUnavailable, PostgresUnavailable):
    """Postgres is away."""


class ApiRedisUnavailable(ApiUnavailable, RedisUnavailable):
    """Redis is away."""


class ApiUnreachable(Unavailable):
    """No answer came. `sent`: the question may have arrived."""

    service = "api"

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


_BY_CODE: Mapping[str, type[ApiError]] = {
    "kafka_unavailable": ApiKafkaUnavailable,
    "postgres_unavailable": ApiPostgresUnavailable,
    "redis_unavailable": ApiRedisUnavailable,
}
_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: ApiAccessDenied, 403: ApiAccessDenied, 404: ApiNotFound, 409: ApiConflict, 412: ApiChanged,
    429: ApiRateLimited,    408: ApiUnavailable, 502: ApiUnavailable, 503: ApiUnavailable, 504: ApiUnavailable,
}  # fmt: skip


def error_of(response: httpx.Response) -> ApiError:
    """The error that an answer other than 2xx stands for."""
    found = _BY_CODE.get(_read(response).code) or _BY_STATUS.get(response.status_code)
    return (found or (ApiInvalidInput if 400 <= response.status_code < 500 else ApiDefect))(response)


def unreachable(error: httpx.TransportError, url: str) -> ApiUnreachable:
    """What httpx could not do, said of this service."""
    sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return ApiUnreachable(f"no answer from {url} ({type(error).__name__}: {error}): `segue status` says whether it runs", sent)


def _read(response: httpx.Response) -> _Problem:
    try:
        return msgspec.json.decode(response.content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # A proxy's page, or no Segue at all.
        return _Problem(f"http_{response.status_code}", f"{response.url.copy_with(query=None)} answered {response.status_code}")


def _document(response: httpx.Response) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


__all__: Sequence[str] = [
    "ApiAccessDenied", "ApiChanged", "ApiConflict", "ApiDefect", "ApiError", "ApiInvalidInput", "ApiKafkaUnavailable",
    "ApiNotFound", "ApiPostgresUnavailable", "ApiRateLimited", "ApiRedisUnavailable", "ApiUnavailable", "ApiUnreachable",
    "WrongField", "error_of", "unreachable",
]  # fmt: skip
