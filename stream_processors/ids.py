"""Numbers of users and tracks that this worker has seen: a bounded cache before Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Number = TypeVar("Number", bound=int)


class IdCache(Generic[Number]):
    """External id to number, first in first out beyond `most` entries.

    Only committed numbers go in: a number that a rolled-back transaction assigned belongs to nobody.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: dict[str, Number] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def lookup(
        self, ids: Iterable[str], resolve: Callable[[list[str]], dict[str, Number]]
    ) -> tuple[dict[str, Number], dict[str, Number]]:
        """Numbers of all `ids` (those that `resolve` knows), and the part that is new here: `remember` it after the commit."""
        known = {external: self._numbers.get(external) for external in ids}
        missing = [external for external, number in known.items() if number is None]
        fresh = resolve(missing) if missing else {}
        found = {external: number for external, number in known.items() if number is not None}
        return found | fresh, fresh

    def remember(self, numbers: dict[str, Number]) -> None:
        """Add numbers; the oldest entries make room."""
        self._numbers |= numbers
        while len(self._numbers) > self._most:
            del self._numbers[next(iter(self._numbers))]

    def forget(self, ids: Iterable[str]) -> None:
        """Drop entries."""
        for external in ids:
            self._numbers.pop(external, None)
