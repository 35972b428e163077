"""How much a file may be."""

from __future__ import annotations

from dataclasses import dataclass

from segue.settings import Settings


@dataclass(frozen=True)
class Bounds:
    """See the settings of the same names."""

    line_bytes: int = 1_000_000
    files: int = 20_000
    archive_bytes: int = 20_000_000_000
    archive_ratio: int = 200

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """The bounds that the settings say."""
        return cls(
            settings.ingest_max_line_bytes, settings.ingest_files, settings.ingest_archive_bytes, settings.ingest_archive_ratio
        )
