"""What `segue train` says about a model's metrics."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from rich.table import Table

from segue.models.index import IndexReport
from segue.stores.snapshots import Manifest
from trainer.commands import judgement

BLEND = {"ndcg@20": 0.1, "listeners": 40.0}


def manifest(metrics: dict[str, dict[str, float]]) -> Manifest:
    return Manifest(version="v", created_at=datetime(2026, 11, 24, tzinfo=UTC), code_version="0", metrics=metrics)


def test_models_stand_in_a_table_and_the_order_in_a_line() -> None:
    order = {"weight": 3.0, "sessions": 300.0, "mrr_without": 0.01, "mrr": 0.02}
    table, line = judgement(manifest({"sequence": order, "blend": BLEND, "popularity": BLEND}))
    assert isinstance(table, Table)
    assert [column.header for column in table.columns] == ["model", "ndcg@20", "listeners"]
    assert table.row_count == 2
    assert line == "order of listening: weight 3, judged by 300 sessions mrr_without 0.0100, mrr 0.0200"


def test_an_order_that_was_not_judged_and_an_older_manifest() -> None:
    assert judgement(manifest({"sequence": {"weight": 0.0, "sessions": 0.0}})) == [
        "order of listening: weight 0, judged by 0 sessions"
    ]
    assert len(judgement(manifest({"blend": BLEND}))) == 1
    assert judgement(manifest({})) == []


def test_an_index_says_what_it_finds() -> None:
    indexes = {"als": IndexReport(9, 64, 1_000, 64, 100, 0.9621), "content": IndexReport(9, 192, 4, 1)}
    assert judgement(msgspec.structs.replace(manifest({}), indexes=indexes)) == [
        "index of als: recall@100 0.962, reads 64 of 1,000 groups",
        "index of content: recall@100 not measured, reads 1 of 4 groups",
    ]
