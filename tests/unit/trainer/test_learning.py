"""From a dataset to models: what is judged, by whom, and what happens where there is little or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.evaluation.splits import Split
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import BlendConfig
from segue.models.contract import History, Interactions
from tests.unit.models.tables import N_TRACKS, catalogue, checkerboard, left_out
from trainer.dataset import Dataset
from trainer.learning import Judging, NothingToLearn, learned
from trainer.stopwatch import Stopwatch

LISTENERS = 120
TRACKS = tuple(catalogue())
ALL_BUT_ONE = History.of([0, 2, 4, 6, 8])
"""A listener of even columns who does not have column 10 yet."""


def everything(listeners: int = LISTENERS) -> Interactions:
    """The checkerboard with what it leaves out."""
    data = checkerboard(listeners)
    return Interactions(csr_matrix(data.preference + missing(listeners)), data.track_nos, listeners, data.transitions)


def missing(listeners: int = LISTENERS) -> csr_matrix[np.float32]:
    rows = np.arange(listeners)
    columns = [left_out(row) for row in rows.tolist()]
    return csr_matrix((np.ones(listeners, np.float32), (rows, columns)), shape=(listeners, N_TRACKS))


def unplayed(listeners: int) -> csr_matrix[np.float32]:
    return csr_matrix(np.zeros((listeners, N_TRACKS), np.float32))


def validated(listeners: int = LISTENERS) -> Dataset:
    """Everybody discovers the missing track after the cut."""
    return Dataset(everything(listeners), TRACKS, Split(checkerboard(listeners).preference, missing(listeners)))


def test_neither_listens_nor_tracks_is_told_with_what_to_do() -> None:
    nothing = Interactions(csr_matrix(np.zeros((0, 0), np.float32)), np.empty(0, np.int32), 0)
    with pytest.raises(NothingToLearn, match="segue ingest"):
        learned(Dataset(nothing, (), None), Stopwatch())


def test_a_catalogue_alone_gives_a_model_that_nobody_judged() -> None:
    data = Interactions(unplayed(0), checkerboard().track_nos, 0)
    found = learned(Dataset(data, TRACKS, None), Stopwatch())
    assert found.metrics == {}
    assert set(found.blend.candidates(ALL_BUT_ONE, 1).tolist()) == {10}


def test_without_anything_to_cut_everything_is_learned_and_nothing_judged() -> None:
    watch = Stopwatch()
    found = learned(Dataset(checkerboard(), TRACKS, None), watch)
    assert found.metrics == {}
    assert found.blend.candidates(ALL_BUT_ONE, 1).tolist() == [10]
    assert not [stage for stage in watch.seconds if "past" in stage or stage == "judge"]


@pytest.mark.parametrize("held_out", [missing(), unplayed(LISTENERS)])
def test_nothing_known_or_nothing_held_out_judges_nothing(held_out: csr_matrix[np.float32]) -> None:
    known = unplayed(LISTENERS) if held_out.nnz else checkerboard(LISTENERS).preference
    found = learned(Dataset(everything(), TRACKS, Split(known, held_out)), Stopwatch())
    assert found.metrics == {}
    assert found.blend.als.factors.any()


def test_one_listener_is_judged_and_teaches_no_weights() -> None:
    found = learned(validated(1), Stopwatch())
    assert found.metrics["blend"]["listeners"] == 1
    assert found.blend.config.weights == BlendConfig().weights
    assert found.blend.support.tolist() == everything(1).preference.toarray()[0].tolist()


def test_every_model_is_judged_by_half_of_the_listeners_and_the_blend_serves_all_that_is_known() -> None:
    watch = Stopwatch()
    found = learned(validated(), watch)
    assert list(found.metrics) == ["blend", "als", "co_listening", "content", "popularity", "sequence"]
    assert found.metrics["blend"]["listeners"] == LISTENERS / 2
    assert found.blend.support.tolist() == everything().support().tolist()
    assert {"fit als on the past", "learn weights", "judge", "fit als"} <= watch.seconds.keys()


def test_no_more_listeners_judge_than_are_asked_for() -> None:
    assert learned(validated(), Stopwatch(), Judging(listeners=10)).metrics["blend"]["listeners"] == 10


def test_stages_are_told_before_they_run() -> None:
    told: list[str] = []
    learned(validated(2), Stopwatch(told.append))
    assert told[0] == "fit als on the past"
    assert told[-2:] == ["fit als", "index"]


def test_going_on_from_the_past_ends_where_a_cold_start_does() -> None:
    rows = csr_matrix(np.eye(N_TRACKS, dtype=np.float32))
    warm = learned(validated(), Stopwatch()).blend.als.score_many(rows)
    cold, short = (AlsModel(AlsConfig(iterations=n)).fit(everything(), TRACKS).score_many(rows) for n in (12, 3))
    np.testing.assert_allclose(warm, cold, atol=0.1 * np.abs(cold).max())
    assert np.abs(short - cold).max() > 3 * np.abs(warm - cold).max()


def test_what_came_after_the_cut_has_no_say_in_the_judgement() -> None:
    dataset = validated()
    without = Dataset(dataset.before_cut(), TRACKS, dataset.validation)
    assert learned(dataset, Stopwatch()).metrics == learned(without, Stopwatch()).metrics
