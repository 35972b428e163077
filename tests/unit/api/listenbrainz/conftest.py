"""Players of one listener, alice, before an API that asks for keys."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.api.conftest import SETTINGS, World

KEYS_REQUIRED = SETTINGS.model_copy(
    update={"api_keys_required": True, "api_client_rate_per_s": 0, "listenbrainz_max_body_bytes": 20_000}
)


@pytest.fixture
def world(world: World) -> World:
    world.settings = KEYS_REQUIRED
    return world


@pytest.fixture
def alice(world: World) -> dict[str, str]:
    """The header that players of alice send."""
    return token(world.postgres.keys.add("read", "events", user_id="alice"))


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.serving() as opened:
        yield opened


def token(credential: str) -> dict[str, str]:
    """The header of a token as ListenBrainz has it."""
    return {"Authorization": f"Token {credential}"}
