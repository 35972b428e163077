"""The client for programs without an event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import httpx

from segue.client import exchange
from segue.client.call import Call
from segue.client.errors import unreachable
from segue.client.generated.methods import BlockingMethods
from segue.client.retries import Retries
from segue.errors import SegueError

T = TypeVar("T")


class Segue(BlockingMethods):
    """Asks one service; threads may share it. `timeout_s`: until an answer goes on, for each try.

    Raises ConfigurationError for a wrong address.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 10.0,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._retries, self._sleep = retries, sleep
        self._http = httpx.Client(**exchange.settings(url, key, timeout_s), transport=transport)

    def send(self, call: Call[T]) -> T:
        """The answer of a call, sent again where that is safe and may help. Raises SegueError."""
        attempt = 1
        while True:
            try:
                return self._once(call)
            except SegueError as error:
                wait_s = self._retries.wait_s(error, attempt, call.repeatable)
                if wait_s is None:
                    raise
            self._sleep(wait_s)
            attempt += 1

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> Segue:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close its connections."""
        self.close()

    def _once(self, call: Call[T]) -> T:
        request = exchange.request_of(self._http, call)
        try:
            response = self._http.send(request)
        except httpx.TransportError as error:
            raise unreachable(error, str(self._http.base_url)) from error
        return exchange.answer_of(call, response)
