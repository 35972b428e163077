"""An API that asks for keys."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.api.conftest import SETTINGS, World


@pytest.fixture
def world(world: World) -> World:
    world.settings = SETTINGS.model_copy(update={"api_keys_required": True})
    return world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.serving() as opened:
        yield opened


def bearer(credential: str) -> dict[str, str]:
    """The header of a key or token."""
    return {"Authorization": f"Bearer {credential}"}
