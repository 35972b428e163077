"""Where imports go: Kafka, files, or a description of what would go there."""

from __future__ import annotations

from typing import Protocol

from producers.ingestion.pages import Checked


class Sink(Protocol):
    """Takes pages in. What `write` took is stored for good when `settle` has returned."""

    def write(self, page: Checked) -> None:
        """Take a page. Raises Unavailable or ConfigurationError."""
        ...

    def settle(self) -> None:
        """Wait until everything is stored. Raises Unavailable or ConfigurationError."""
        ...

    def finish(self) -> None:
        """All pages were written and settled."""
        ...

    def abandon(self) -> None:
        """The import ended before its end: leave nothing half done behind."""
        ...
