"""The running API against its own OpenAPI document: schemathesis, all of its phases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_IN_THE_SCHEMA = "positive_data_acceptance"
"""That cursors come from answers, that genres are in the catalogue and that ids have no control characters, no schema says."""
LIMIT_S = 1_500


@dataclass(frozen=True)
class Verdict:
    """What was tried and what broke; `log` is for people."""

    complete: bool
    cases: int
    failures: Sequence[str]
    untested: int
    log: str


def contract_of(base_url: str, folder: Path, examples: int, key: str | None = None, seed: int = 1) -> Verdict:
    """Ask every operation what its schema allows and what it does not, `examples` times in each phase that draws at random.

    Without a server error, with the documented statuses, types, headers and shapes, refusing what the schema refuses; with a
    `key`, answering nobody who has none.
    """
    report = folder / "schemathesis.json"
    left_out = [NOT_IN_THE_SCHEMA, *([] if key else ["ignored_auth"])]
    asked = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{base_url}/openapi.json", "--max-examples", str(examples),
        "--seed", str(seed), "--checks", "all", "--exclude-checks", ",".join(left_out),
        "--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off", "--report-json-path", str(report),
        *(["--header", f"Authorization: Bearer {key}"] if key else []),
    ]  # fmt: skip
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    found = json.loads(report.read_text()) if report.exists() else {}
    operations, cases = found.get("operations", {}), found.get("test_cases", {})
    return Verdict(
        complete=found.get("complete", False) and not found["errors"],
        cases=cases.get("generated", 0),
        failures=[str(failure) for failure in found.get("failures", [])],
        untested=operations.get("total", 0) - operations.get("tested", 0),
        log=done.stdout + done.stderr,
    )
