"""Passwords of the local servers: generated once for each state directory, never printed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from infra.local.state import StateDir

SECRETS = "secrets.json"


@dataclass(frozen=True, repr=False)
class Passwords:
    """URL-safe, so they go into URLs and configuration files as they are."""

    postgres: str
    redis: str


def load_passwords(state: StateDir) -> Passwords:
    """This state directory's passwords; made and written (mode 0600) when it has none yet."""
    known = state.read(SECRETS)
    if known.keys() < {"postgres", "redis"}:
        known = {"postgres": secrets.token_urlsafe(24), "redis": secrets.token_urlsafe(24)} | known
        state.write(SECRETS, known)
    return Passwords(postgres=str(known["postgres"]), redis=str(known["redis"]))
