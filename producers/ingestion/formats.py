"""Formats of files that imports are written to; apart from the writers, which load Arrow."""

from __future__ import annotations

from typing import Literal

Format = Literal["parquet", "csv"]
