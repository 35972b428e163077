"""Functions that make calls, as methods of the clients: each takes what its function takes, and gives the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from segue.client.call import Call, Page

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Sender(Protocol):
    """The blocking client."""

    def send(self, call: Call[T]) -> T:
        """The answer. Raises SegueError."""


class AsyncSender(Protocol):
    """The asynchronous client."""

    async def send(self, call: Call[T]) -> T:
        """The answer. Raises SegueError."""


class Blocking(Generic[P, T]):
    """A method of the blocking client."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make

    def __get__(self, client: Sender, owner: type | None = None) -> Callable[P, T]:
        """The method of one client."""

        @wraps(self._make)
        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            return client.send(self._make(*args, **kwargs))

        return ask


class Awaited(Generic[P, T]):
    """A method of the asynchronous client."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make

    def __get__(self, client: AsyncSender, owner: type | None = None) -> Callable[P, Coroutine[Any, Any, T]]:
        """The method of one client."""

        @wraps(self._make)
        async def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.send(self._make(*args, **kwargs))

        return ask


class BlockingPages(Generic[P, Item]):
    """Everything on all pages, asked for as it is needed."""

    def __init__(self, make: Callable[P, Call[Page[Item]]]) -> None:
        self._make = make

    def __get__(self, client: Sender, owner: type | None = None) -> Callable[P, Iterator[Item]]:
        """The method of one client."""

        @wraps(self._make)
        def walk(*args: P.args, **kwargs: P.kwargs) -> Iterator[Item]:
            call: Call[Page[Item]] | None = self._make(*args, **kwargs)
            while call is not None:
                page = client.send(call)
                yield from page.items
                call = call.at(page.next_cursor) if page.next_cursor is not None else None

        return walk


class AwaitedPages(Generic[P, Item]):
    """Everything on all pages, asked for as it is needed."""

    def __init__(self, make: Callable[P, Call[Page[Item]]]) -> None:
        self._make = make

    def __get__(self, client: AsyncSender, owner: type | None = None) -> Callable[P, AsyncIterator[Item]]:
        """The method of one client."""

        @wraps(self._make)
        async def walk(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Item]:
            call: Call[Page[Item]] | None = self._make(*args, **kwargs)
            while call is not None:
                page = await client.send(call)
                for item in page.items:
                    yield item
                call = call.at(page.next_cursor) if page.next_cursor is not None else None

        return walk
