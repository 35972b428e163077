"""When a call is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

from segue.client.errors import ApiError, ApiRateLimited, ApiUnreachable
from segue.errors import ConfigurationError, SegueError, Unavailable


@dataclass(frozen=True)
class Retries:
    """Waits grow from `first_wait_s` by doubling, each shortened by chance, so that clients do not come back all at once.

    A `Retry-After` is waited for; one longer than `longest_wait_s` ends the tries at once. Raises ConfigurationError.
    """

    attempts: int = 4
    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_wait_s < 0 or self.longest_wait_s < 0:
            raise ConfigurationError(f"{self}: attempts must be 1 or more, waits 0 or more")

    def wait_s(self, error: SegueError, attempt: int, repeatable: bool) -> float | None:
        """Seconds to wait after this failure of the try number `attempt`, counted from 1; None when it is final."""
        if attempt >= self.attempts or not _mends_itself(error, repeatable):
            return None
        told_s = error.retry_after_s if isinstance(error, ApiError) else None
        if told_s is not None:
            return told_s if told_s <= self.longest_wait_s else None
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1)  # noqa: S311


def _mends_itself(error: SegueError, repeatable: bool) -> bool:
    if isinstance(error, ApiRateLimited) or (isinstance(error, ApiUnreachable) and not error.sent):
        # Nothing was done, so it may be sent again whatever it is.
        return True
    return repeatable and isinstance(error, Unavailable)
