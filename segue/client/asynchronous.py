"""The client for programs with an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

import httpx

from segue.client import exchange
from segue.client.call import Call
from segue.client.errors import unreachable
from segue.client.generated.methods import AsyncMethods
from segue.client.retries import Retries
from segue.errors import SegueError

T = TypeVar("T")


class AsyncSegue(AsyncMethods):
    """Asks one service; tasks may share it. `timeout_s`: until an answer goes on, for each try.

    Raises ConfigurationError for a wrong address.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 10.0,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._retries, self._sleep = retries, sleep
        self._http = httpx.AsyncClient(**exchange.settings(url, key, timeout_s), transport=transport)

    async def send(self, call: Call[T]) -> T:
        """The answer of a call, sent again where that is safe and may help. Raises SegueError."""
        attempt = 1
        while True:
            try:
                return await self._once(call)
            except SegueError as error:
                wait_s = self._retries.wait_s(error, attempt, call.repeatable)
                if wait_s is None:
                    raise
            await self._sleep(wait_s)
            attempt += 1

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncSegue:
        """Itself."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close its connections."""
        await self.close()

    async def _once(self, call: Call[T]) -> T:
        request = exchange.request_of(self._http, call)
        try:
            response = await self._http.send(request)
        except httpx.TransportError as error:
            raise unreachable(error, str(self._http.base_url)) from error
        return exchange.answer_of(call, response)
