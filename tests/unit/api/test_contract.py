"""Every operation keeps to the OpenAPI document, whatever is sent; tests/e2e/test_contract.py asks the same of the real stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from segue.settings import Settings
from tests.contract import contract_of
from tests.unit.api.conftest import World, listening
from tests.unit.api.made import row

EXAMPLES = 5
UNHURRIED = Settings(
    api_keys_required=True, api_key_rate_per_s=0, api_client_rate_per_s=0, api_event_wait_ms=10, api_event_wait_max_ms=20
)


def test_the_api_keeps_to_its_document(world: World, wait_until: Callable[..., None], tmp_path: Path) -> None:
    world.settings = UNHURRIED
    world.redis.rows["0"] = row(1, 2, 3)
    with listening(world, wait_until) as base_url:
        verdict = contract_of(base_url, tmp_path, EXAMPLES, key=world.postgres.keys.add("admin"))
    assert list(verdict.failures) == [], verdict.log
    assert verdict.complete, verdict.log
    assert verdict.untested == 0, verdict.log
    assert verdict.cases > 1_000, verdict.log
