"""Interaction files as published with graph recommenders: each line `user item item …`, dense integers, plain or gzip."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.errors import InvalidInput
from segue.models.contract import Interactions

Pairs = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


def matrices(*paths: Path) -> list[csr_matrix[np.float32]]:
    """One binary csr_matrix for each file, all of the shape that holds every user and item of any of them."""
    pairs = [_pairs(path) for path in paths]
    shape = tuple(1 + max(int(part[axis].max(initial=-1)) for part in pairs) for axis in (0, 1))
    return [_binary(part, (shape[0], shape[1])) for part in pairs]


def interactions(preference: csr_matrix[np.float32]) -> Interactions:
    """Interactions whose track numbers are the file's items."""
    return Interactions(preference, np.arange(preference.shape[1], dtype=np.int32), preference.shape[0])


def _pairs(path: Path) -> Pairs:
    try:
        lines = [np.array(line.split(), np.int32) for line in _opened(path).decode().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path}: {error}; each line must be `user item item …`, integers, plain or gzip") from error
    users = np.concatenate([np.full(len(line) - 1, line[0], np.int32) for line in lines])
    return users, np.concatenate([line[1:] for line in lines])


def _opened(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def _binary(pairs: Pairs, shape: tuple[int, int]) -> csr_matrix[np.float32]:
    matrix = csr_matrix((np.ones(len(pairs[0]), np.float32), pairs), shape=shape)
    matrix.data[:] = 1.0  # an item that a line names twice
    return matrix
