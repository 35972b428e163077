"""What an import would publish; nothing is written anywhere."""

from __future__ import annotations

from typing import Any

from producers.ingestion.pages import KINDS, Checked

EXAMPLES = 3


class DryRunSink:
    """Keeps the first items of each kind, and how many listens are of tracks that the catalogue lacks."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self.examples: dict[str, list[Any]] = {kind: [] for kind in KINDS.values()}
        self.unmatched = 0

    def write(self, page: Checked) -> None:
        """Look at a page."""
        for kind, items in page.kinds.items():
            shown = self.examples[kind]
            shown += items[: EXAMPLES - len(shown)]
        if page.kinds["listens"]:
            self._made |= {track.track_id for track in page.kinds["tracks"]}
        self.unmatched += sum(event.track_id in self._made for event in page.kinds["listens"])

    def settle(self) -> None:
        """Nothing to wait for."""

    def finish(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to clear away."""
