"""An answer of the made-up Spotify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """`body`: JSON, or text as it is."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def error(cls, status: int, message: str, retry_after: str | None = None, reason: str | None = None) -> Reply:
        """An error as the Web API gives it."""
        said: dict[str, object] = {"status": status, "message": message}
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return cls(status, {"error": said | ({} if reason is None else {"reason": reason})}, headers)
