"""What both clients do with httpx: settings, one request, one answer."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx
import msgspec

from segue import __version__
from segue.client.call import Call, given
from segue.client.errors import ApiDefect, error_of
from segue.errors import ConfigurationError

T = TypeVar("T")

CONNECT_S = 3.0


def settings(url: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    """Arguments of an httpx client. Raises ConfigurationError for what is no address of a service."""
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{url!r} is no address of the API: give one like http://127.0.0.1:8000")
    headers = {"User-Agent": f"segue/{__version__}", "Accept": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return {"base_url": url, "headers": headers, "timeout": httpx.Timeout(timeout_s, connect=CONNECT_S)}


def request_of(client: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    """The call as an HTTP request."""
    content = call.content()
    headers = {**call.headers, **({} if content is None else {"Content-Type": "application/json"})}
    return client.build_request(call.method, call.path, params=given(**call.query), content=content, headers=headers)


def answer_of(call: Call[T], response: httpx.Response) -> T:
    """The answer in its shape. Raises ApiError."""
    if not response.is_success:
        raise error_of(response)
    if call.answer is type(None):
        return None
    if call.answer is str:
        return response.text  # type: ignore[return-value]
    try:
        return msgspec.json.decode(response.content, type=call.answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiDefect(response) from error
