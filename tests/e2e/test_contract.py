"""The API on real servers keeps to its OpenAPI document.

`SEGUE_CONTRACT_EXAMPLES=100 .venv/bin/pytest -s tests/e2e/test_contract.py` asks more than 10,000 times.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.local.ports import any_free_port
from infra.local.programs import segue
from tests.contract import contract_of
from tests.e2e.conftest import Road

pytestmark = pytest.mark.stack

EXAMPLES = int(os.environ.get("SEGUE_CONTRACT_EXAMPLES", "5"))


@pytest.fixture
def brisk(road: Road, wait_until: Callable[..., None], tmp_path: Path) -> Iterator[str]:
    """A process of the API that waits for no event: most of those that are made up never come."""
    port = any_free_port()
    environment = os.environ | road.stack.environment | {"SEGUE_API_EVENT_WAIT_MS": "10", "SEGUE_API_EVENT_WAIT_MAX_MS": "20"}
    with (tmp_path / "api.log").open("wb") as log:
        process = subprocess.Popen(segue("serve", "--port", str(port)), env=environment, stdout=log, stderr=subprocess.STDOUT)
    base_url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _ready(base_url), 60, "a model in the API")
        yield base_url
    finally:
        process.terminate()
        process.wait(20)


def _ready(base_url: str) -> bool:
    try:
        return bool(httpx.get(f"{base_url}/readyz", trust_env=False).json()["dependencies"]["model"]["version"])
    except httpx.TransportError:
        return False


def test_the_api_keeps_to_its_document(brisk: str, tmp_path: Path) -> None:
    verdict = contract_of(brisk, tmp_path, EXAMPLES)
    assert list(verdict.failures) == [], verdict.log
    assert verdict.complete, verdict.log
    assert verdict.untested == 0, verdict.log
    print(f"{verdict.cases:,} cases")
    assert verdict.cases > max(1_000, 25 * EXAMPLES), verdict.log
