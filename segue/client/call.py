"""One question to the API, before it is sent: the same for both clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import quote

import msgspec

T_co = TypeVar("T_co", covariant=True)
Item_co = TypeVar("Item_co", covariant=True)


class Page(Protocol[Item_co]):
    """An answer in pages."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is on this page."""

    @property
    def next_cursor(self) -> str | None:
        """Opens the next page; None on the last."""


@dataclass(frozen=True)
class Call(Generic[T_co]):
    """`repeatable`: asking twice does what asking once does, so it may be sent again when the outcome is unclear."""

    method: str
    path: str
    answer: type[T_co]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False

    def at(self, cursor: str) -> Call[T_co]:
        """The same question about another page."""
        return replace(self, query={**self.query, "cursor": cursor})

    def content(self) -> bytes | None:
        """The body as JSON."""
        return None if self.body is None else msgspec.json.encode(self.body)


def path_of(template: str, **parts: str) -> str:
    """The path with its parameters, none of which can leave its place in it.

    Raises ValueError for `.` and `..`, which no URL can carry as a part of its path.
    """
    for name, part in parts.items():
        if part in (".", ".."):
            raise ValueError(f"{name} {part!r} cannot be part of a path")
    return template.format_map({name: quote(part, safe="") for name, part in parts.items()})


def tag_of(version: int | Literal["*"] | None) -> str | None:
    """A version as If-Match names it; `*`: whatever is there."""
    return version if version is None or version == "*" else f'"{version}"'


def given(**values: object) -> dict[str, Any]:
    """What was given of parameters that may be left out."""
    return {name: value for name, value in values.items() if value is not None}
