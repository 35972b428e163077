"""What several modules of integration tests share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from api.app import create_app
from api.bootstrap import build_services
from infra.local.stack import LocalStack
from segue.settings import Settings


@pytest.fixture(scope="module")
def processor(stack: LocalStack) -> Iterator[LocalStack]:
    """The stack with one running processor, for a module's tests."""
    stack.start("process-1")
    yield stack
    stack.stop("process-1")


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Servers of a module's own: for tests that delete records or topics."""
    with pytest.MonkeyPatch.context() as patch:
        # The workers of this stack inherit the environment: the session's servers must not be in it.
        for name in [name for name in os.environ if name.startswith("SEGUE_") and name != "SEGUE_CACHE_DIR"]:
            patch.delenv(name)
        stack = LocalStack(tmp_path_factory.mktemp("own") / "state", workers=2, preferred_ports={})
        try:
            stack.start_servers()
            stack.prepare_stores()
            yield stack
        finally:
            stack.erase()


@pytest.fixture
def own_settings(own_stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that point at these servers."""
    for name, value in own_stack.environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """One API process's app."""
    app = create_app(build_services(settings))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
