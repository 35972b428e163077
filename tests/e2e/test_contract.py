"""The API on real servers keeps to its OpenAPI document.

`SEGUE_CONTRACT_EXAMPLES=300 .venv/bin/pytest tests/e2e/test_contract.py` asks more than 10,000 times.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.contract import contract_of
from tests.e2e.conftest import Road

pytestmark = pytest.mark.stack

EXAMPLES = int(os.environ.get("SEGUE_CONTRACT_EXAMPLES", "5"))


def test_the_api_keeps_to_its_document(road: Road, tmp_path: Path) -> None:
    verdict = contract_of(str(road.client.base_url).rstrip("/"), tmp_path, EXAMPLES)
    assert list(verdict.failures) == [], verdict.log
    assert verdict.complete, verdict.log
    assert verdict.untested == 0, verdict.log
    print(f"{verdict.cases:,} cases")
    assert verdict.cases > max(1_000, 25 * EXAMPLES), verdict.log
