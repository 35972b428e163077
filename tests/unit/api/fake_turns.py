"""Turns at playlists, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.playlists.writer import Turn, Turns
from segue.errors import PlaylistBusy
from tests.unit.api.fakes import FakePostgres


class FakeTurns(Turns):
    """Locks on playlists; those in `busy` somebody else holds."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.busy: set[str] = set()
        self.noted: dict[str, int] = {}

    @contextmanager
    def turn(self, playlist_id: str, partition: int) -> Iterator[Turn]:  # noqa: ARG002 - one partition
        self.postgres.ping()
        if playlist_id in self.busy:
            raise PlaylistBusy(f"playlist {playlist_id!r} is being changed by somebody else: send it again")
        there = self.postgres.playlists.get(playlist_id)
        noted = self.noted.get(playlist_id, 0)
        if noted > (there.version if there else 0) and noted > self.postgres.process(playlist_id):
            raise PlaylistBusy(f"the last change of playlist {playlist_id!r} is still on its way: send it again")
        self.busy.add(playlist_id)
        try:
            yield FakeTurn(self, playlist_id)
        finally:
            self.busy.remove(playlist_id)


class FakeTurn(Turn):
    """One of them."""

    def __init__(self, turns: FakeTurns, playlist_id: str) -> None:
        self.current = turns.postgres.playlists.get(playlist_id)
        self._turns, self._playlist_id = turns, playlist_id

    def owned_by(self, owner_id: str) -> int:
        return len(self._turns.postgres.owned(owner_id, 1_000))

    def note(self, offset: int) -> int:
        self._turns.noted[self._playlist_id] = offset + 1
        return offset + 1
