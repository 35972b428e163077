"""`segue evaluate` on the state of a real Postgres: every cut, and a state that has nothing to judge."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from segue.cli import build_app
from segue.errors import InvalidInput
from segue.evaluation.judging import Rules, crossed, judged
from segue.settings import Settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.training import TrainingStore
from segue.stores.snapshots import SnapshotStore
from segue.taste import LANDMARK_S, TasteWeights
from trainer.evaluation import Cut, from_state
from trainer.refit import Stores

pytestmark = pytest.mark.stack

LISTENERS, TRACKS, PLAYED = 40, 30, 10
# Listener u plays every second track from u mod 2 on, ten in all, one an hour; the last are the newest of the whole state.
_FILL = f"""
insert into users (user_id, events, last_event_at)
select 'user-' || u, {PLAYED}, now() from generate_series(0, {LISTENERS} - 1) u;
insert into tracks (track_id, name, artists, genres)
select 'track-' || t, 'Song ' || t, array['Artist ' || t], array[case when t % 2 = 0 then 'rock' else 'jazz' end]
from generate_series(0, {TRACKS} - 1) t;
insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, ms_played, kafka_partition, type)
select gen_random_uuid(), u, 1 + (u % 2 + 2 * (u + n)) % {TRACKS}, u * {PLAYED} + n, at,
       power(2, (extract(epoch from at) - {LANDMARK_S}) / (60 * 86400)), 180000, 0, 0
from generate_series(1, {LISTENERS}) u, generate_series(0, {PLAYED} - 1) n,
     lateral (select timestamptz '2026-11-01' + n * interval '1 hour' + u * interval '1 second' as at) when_played;
insert into interactions (user_no, track_no, weight, plays, skips, saves, statement, last_at)
select user_no, track_no, sum(weight), count(*), 0, 0, 1, max(occurred_at) from listens group by user_no, track_no;
"""


@pytest.fixture
def stores(own_database: Database, tmp_path: Path) -> Stores:
    return Stores(
        TrainingStore(own_database),
        CatalogueStore(own_database),
        ModelRegistry(own_database),
        SnapshotStore(str(tmp_path / "snapshots"), tmp_path / "cache"),
        TasteWeights(),
    )


@pytest.fixture
def filled(stores: Stores, own_database: Database) -> Stores:
    with own_database.transaction() as cursor:
        cursor.execute(_FILL)
    return stores


def test_a_time_cut_holds_out_the_newest_discoveries(filled: Stores) -> None:
    case = from_state(filled, Cut(share=0.1)).case
    # The newest tenth of 400 listens and the one at the cut: everybody's last track, and one listener's last but one.
    assert sorted(np.diff(case.split.held_out.indptr).tolist()) == [1] * (LISTENERS - 1) + [2]
    assert case.split.known.nnz == LISTENERS * PLAYED - LISTENERS - 1
    assert case.train.preference.nnz == case.split.known.nnz


def test_the_last_discoveries_are_those_of_the_listens(filled: Stores) -> None:
    case = from_state(filled, Cut(by_time=False, last=2)).case
    listener = 0  # user_no 1 played 1 + (1 + 2 * (1 + n)) % 30; the columns are the track numbers less 1
    expected = sorted((1 + 2 * (1 + n)) % TRACKS for n in (PLAYED - 2, PLAYED - 1))
    assert sorted(case.split.held_out[listener].indices.tolist()) == expected


def test_a_share_of_every_listener_is_held_out_and_the_rest_is_seen(filled: Stores) -> None:
    case = from_state(filled, Cut(by_time=False, share=0.3, seed=5)).case
    assert np.diff(case.split.held_out.indptr).tolist() == [3] * LISTENERS
    assert np.diff(case.train.of_listeners().indptr).tolist() == [PLAYED - 3] * LISTENERS


def test_the_live_state_is_judged_through_the_models(filled: Stores) -> None:
    found = from_state(filled, Cut(by_time=False, last=2))
    comparison = judged(found.case, crossed(found.case), Rules(k=5))
    assert comparison.listeners == LISTENERS
    assert comparison.metrics["blend"]["recall"].mean > comparison.metrics["random"]["recall"].mean
    assert 0 <= comparison.metrics["blend"]["calibration"].mean < 1
    assert found.counts()["tracks"] == TRACKS


def test_the_command_judges_the_live_state_and_leaves_its_report_in_the_state_directory(
    filled: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("trainer.evaluate_command.opened", lambda _settings: nullcontext(filled))
    monkeypatch.setenv("SEGUE_STATE_DIR", str(tmp_path))
    result = CliRunner().invoke(build_app(["evaluate"]), ["evaluate", "--split", "user", "--last", "2", "--limit-users", "30"])
    assert result.exception is None
    (report,) = tmp_path.glob("evaluations/*/report.json")
    figures = json.loads(report.read_text())
    assert figures["listeners"] == 30
    assert figures["source"] == "Live state in Postgres"
    assert "calibration" in result.stdout


def test_a_state_without_listens_says_how_to_get_some(stores: Stores, settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="no listens yet") as refused:
        from_state(stores, Cut())
    assert refused.value.code == "no_events"
