"""Filling Redis from Postgres in bulk, while the processors run or not."""

from __future__ import annotations

from collections.abc import Callable

from segue.ids import UserNo
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import read_states
from segue.stores.postgres.users import user_ids_of, user_numbers
from segue.stores.redis.writer import LiveRowWriter

CHUNK = 500


def rebuild(database: Database, rows: LiveRowWriter, max_cells: int, replace: bool, progress: Callable[[int], None]) -> int:
    """Write the row of every listener that has none; returns how many were written. `progress` hears of each chunk's size.

    With `replace`, rows are dropped first, a chunk at a time. A row that a processor writes meanwhile is newer and stays, so
    this is safe at any time.
    """
    with database.transaction(read_only=True) as cursor:
        numbers = user_numbers(cursor)
    written = 0
    for at in range(0, len(numbers), CHUNK):
        chunk = numbers[at : at + CHUNK]
        if replace:
            # Before the states are read: a row dropped after that could be newer than what replaces it.
            rows.drop(_ids(database, chunk).values())
        with database.transaction("REPEATABLE READ", read_only=True) as cursor:
            states = read_states(cursor, chunk, max_cells)
            user_ids = user_ids_of(cursor, list(states))
        written += rows.fill_absent({user_ids[number]: state for number, state in states.items()})
        progress(len(chunk))
    return written


def _ids(database: Database, user_nos: list[UserNo]) -> dict[UserNo, str]:
    with database.transaction(read_only=True) as cursor:
        return user_ids_of(cursor, user_nos)
