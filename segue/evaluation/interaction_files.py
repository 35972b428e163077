"""Interaction files as published with graph recommenders: each line `user item item …`, dense integers, plain or gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.errors import InvalidInput
from segue.models.contract import Interactions

MAX_ID = 50_000_000
"""Numbers are row and column numbers: a larger one is a hash or a mistake, and would cost memory for all below it."""

Numbers = npt.NDArray[np.int32]
Pairs = tuple[Numbers, Numbers]


def matrices(*paths: Path) -> list[csr_matrix[np.float32]]:
    """One binary csr_matrix for each file, all of the shape that holds every user and item of any of them.

    Raises InvalidInput that names the file, and the line where one is wrong.
    """
    pairs = [_pairs(path) for path in paths]
    shape = tuple(1 + max(int(part[axis].max(initial=-1)) for part in pairs) for axis in (0, 1))
    return [_binary(part, (shape[0], shape[1])) for part in pairs]


def interactions(preference: csr_matrix[np.float32]) -> Interactions:
    """Interactions whose track numbers are the file's items."""
    return Interactions(preference, np.arange(preference.shape[1], dtype=np.int32), preference.shape[0])


def _pairs(path: Path) -> Pairs:
    lines = list(_lines(path))
    if not sum(len(line) - 1 for line in lines):
        raise InvalidInput(f"{path}: no interactions in it; each line must be `user item item …`", "empty_file")
    users = np.concatenate([np.full(len(line) - 1, line[0], np.int32) for line in lines])
    return users, np.concatenate([line[1:] for line in lines])


def _lines(path: Path) -> Iterator[Numbers]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            yield _numbers(line, f"{path}, line {number}")


def _numbers(line: str, place: str) -> Numbers:
    try:
        numbers = np.array(line.split(), np.int64)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{place}: {line[:60]!r} is not `user item item …` in whole numbers", "invalid_line") from None
    if numbers.min() < 0 or numbers.max() > MAX_ID:
        raise InvalidInput(
            f"{place}: numbers must be within 0..{MAX_ID}; number users and items from 0 without gaps", "invalid_line"
        )
    return numbers.astype(np.int32)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: cannot be read ({error}); plain text or gzip is needed", "unreadable_file") from error


def _binary(pairs: Pairs, shape: tuple[int, int]) -> csr_matrix[np.float32]:
    matrix = csr_matrix((np.ones(len(pairs[0]), np.float32), pairs), shape=shape)
    matrix.data[:] = 1.0  # an item that a line names twice
    return matrix
