"""A made-up ReccoBeats, which speaks its protocol: see server.py."""

from tests.fakes.reccobeats.server import Failure, FakeReccoBeats, entry

__all__ = ["Failure", "FakeReccoBeats", "entry"]
