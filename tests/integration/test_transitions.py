"""What is played after what, read from the listens of a real Postgres, and a refit that learns from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.events import TYPE_CODES
from segue.models.transitions import DECAY, SKIP
from segue.settings import Settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.training import TrainingData, TrainingStore
from segue.stores.snapshots import SnapshotStore
from segue.taste import TasteWeights
from trainer.commands import opened
from trainer.learning import Judging
from trainer.refit import Stores, refit

pytestmark = pytest.mark.stack

LISTENERS = 120
# Everybody plays 1, 2, 3 a few minutes apart and skips 4; an hour later plays 5, then 6 in what the player calls another session.
_FILL = f"""
insert into users (user_id, events, last_event_at) select 'user-' || u, 6, now() from generate_series(1, {LISTENERS}) u;
insert into tracks (track_id, name, artists) select 'track-' || t, 'Song ' || t, array['Artist'] from generate_series(1, 6) t;
insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, kafka_partition, type, session_id)
select gen_random_uuid(), u, n, u * 6 + n,
       timestamptz '2026-11-01' + u * interval '1 day' / 24 + n * interval '4 minutes' + (n > 4)::int * interval '60 minutes',
       1, 0, case n when 4 then {TYPE_CODES["skip"]} else {TYPE_CODES["play"]} end, case n when 5 then 'a' when 6 then 'b' end
from generate_series(1, {LISTENERS}) u, generate_series(1, 6) n;
insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, kafka_partition, type)
select gen_random_uuid(), u, 6, 0, timestamptz '2026-11-01' + u * interval '1 day' / 24 + interval '9 minutes', 0, 0,
       {TYPE_CODES["impression"]} from generate_series(1, {LISTENERS}) u;
insert into interactions (user_no, track_no, weight, plays, skips, saves, statement, last_at)
select user_no, track_no, sum(weight), count(*), 0, 0, 1, max(occurred_at) from listens group by user_no, track_no;
"""
PAIRS = {(1, 2): 1.0, (1, 3): DECAY, (2, 3): 1.0, (1, 4): SKIP * DECAY**2, (2, 4): SKIP * DECAY, (3, 4): SKIP}


@pytest.fixture
def filled(own_database: Database) -> Database:
    with own_database.transaction() as cursor:
        cursor.execute(_FILL)
    return own_database


@pytest.mark.parametrize("at_once", [1, 50, 500_000])
def test_sessions_end_at_pauses_and_where_the_player_says_so(filled: Database, at_once: int) -> None:
    data = TrainingStore(filled, at_once).read(0.1)
    whole = data.past_transitions.plus(data.later_transitions)
    found = dict(zip(zip(whole.before.tolist(), whole.after.tolist(), strict=True), whole.weight.tolist(), strict=True))
    # One session lies across the cut and is two, so a pair or more of it are missing.
    for pair, weight in PAIRS.items():
        assert found[pair] / weight == pytest.approx(LISTENERS, abs=2.1)
    assert found.keys() == PAIRS.keys()
    assert data.cut_s is not None
    assert data.later_listens.at_s.min() >= data.cut_s
    assert data.past_transitions.weight.sum() > 7 * data.later_transitions.weight.sum() > 0


def test_a_refit_stores_the_order(filled: Database, tmp_path: Path) -> None:
    snapshots = SnapshotStore(str(tmp_path / "snapshots"), tmp_path / "cache")
    stores = Stores(TrainingStore(filled), CatalogueStore(filled), ModelRegistry(filled), snapshots, TasteWeights())
    manifest = refit(stores).manifest
    assert manifest.counts["transitions"] > 0
    assert "sequence" in manifest.parameters
    assert manifest.metrics["sequence"]["weight"] == manifest.parameters["blend"]["sequence"]
    assert snapshots.load(manifest.version).blend.sequence.pairs == manifest.counts["transitions"]


class Recording(TrainingStore):
    """Notes what was to be held out."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[float] = []

    def read(self, held_out: float) -> TrainingData:
        self.asked.append(held_out)
        return super().read(held_out)


def test_a_refit_holds_out_what_the_settings_say(filled: Database, tmp_path: Path, settings: Settings) -> None:
    chosen = settings.model_copy(update={"train_held_out": 0.3, "train_judged_listeners": 100})
    with opened(chosen) as real:
        assert real.judging == Judging(held_out=0.3, listeners=100)
    training, snapshots = Recording(filled), SnapshotStore(str(tmp_path / "snapshots"), tmp_path / "cache")
    refit(Stores(training, CatalogueStore(filled), ModelRegistry(filled), snapshots, TasteWeights(), real.judging))
    assert training.asked == [0.3]


def test_an_empty_state_has_no_order(own_database: Database) -> None:
    data = TrainingStore(own_database).read(0.1)
    assert len(data.past_transitions.weight) == len(data.later_transitions.weight) == len(data.later_listens) == 0
