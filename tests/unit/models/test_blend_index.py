"""A blend whose candidates come from indexes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from segue.models import blend_index, content
from segue.models.blend import Blend
from segue.models.blend_index import build_index, load_index, rebuild_index, save_index
from segue.models.contract import Columns, History, Mask
from segue.models.index import UnreadableIndex
from tests.unit.models.tables import N_TRACKS, catalogue, checkerboard, fitted_blend, track

LOUD = History.of([0, 2])
EVERYTHING = np.ones(N_TRACKS, np.bool_)


@pytest.fixture
def blend(monkeypatch: pytest.MonkeyPatch) -> Blend:
    """The checkerboard's, as if it were large."""
    monkeypatch.setattr(blend_index, "EXACT_TRACKS", N_TRACKS - 1)
    fitted = fitted_blend()
    build_index(fitted, checkerboard().preference)
    return fitted


def best(blend: Blend, name: str, n: int, allowed: Mask = EVERYTHING, history: History = LOUD) -> Columns:
    return blend.parts()[name].read(history).candidates(n, allowed)


@pytest.mark.parametrize("name", ["als", "co_listening", "content", "popularity"])
def test_candidates_are_the_best_of_a_part(blend: Blend, name: str) -> None:
    scores = blend.parts()[name].score_all(LOUD)
    found = best(blend, name, 4)
    assert len(found) == len(set(found.tolist())) == 4
    assert scores[found].min() == pytest.approx(np.sort(scores)[-4], abs=1e-5)


@pytest.mark.parametrize("name", ["als", "co_listening", "content", "popularity", "blend"])
def test_candidates_are_allowed_however_few_that_leaves(blend: Blend, name: str) -> None:
    allowed = np.zeros(N_TRACKS, np.bool_)
    allowed[[4, 7]] = True
    reading = blend.read(LOUD) if name == "blend" else blend.parts()[name].read(LOUD)
    assert set(reading.candidates(5, allowed).tolist()) <= {4, 7}
    assert len(reading.candidates(5, ~EVERYTHING)) == 0


def test_popularity_fills_up_what_the_other_parts_leave_open(blend: Blend) -> None:
    reading = blend.read(LOUD)
    assert len(reading.candidates(N_TRACKS, EVERYTHING)) == N_TRACKS


def test_a_report_says_what_is_found(blend: Blend) -> None:
    reports = build_index(blend, checkerboard().preference)
    assert {name: report.recall_at_100 for name, report in reports.items()} == {"als": 1.0, "content": 1.0}
    assert (reports["als"].vectors, reports["als"].queries, reports["content"].queries) == (N_TRACKS, 40, 80)


def test_listeners_who_like_nothing_do_not_judge_the_recall_of_als(blend: Blend) -> None:
    liked = checkerboard().preference
    reports = build_index(blend, csr_matrix(vstack([liked, -liked[:20]])))
    assert (reports["als"].queries, reports["als"].recall_at_100) == (40, 1.0)


def test_an_index_is_built_again_without_listeners_as_it_was(blend: Blend) -> None:
    before = build_index(blend, checkerboard().preference)
    again = rebuild_index(blend, before)
    assert {name: report.probes for name, report in again.items()} == {name: report.probes for name, report in before.items()}
    assert again["als"].recall_at_100 is None


def test_tracks_that_nobody_played_and_that_say_nothing_can_be_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blend_index, "EXACT_TRACKS", 0)
    nothing = Blend().fit(type(checkerboard())(checkerboard().preference[:0], checkerboard().track_nos, 0), [None] * N_TRACKS)
    build_index(nothing, checkerboard().preference[:0])
    assert len(nothing.als.read(LOUD).candidates(5, EVERYTHING)) == 0
    assert len(nothing.read(LOUD).candidates(5, EVERYTHING)) >= 5


def test_vectors_of_content_fill_whole_registers(blend: Blend) -> None:
    assert build_index(blend, checkerboard().preference)["content"].dimensions % 16 == 0


def test_a_small_blend_has_no_index() -> None:
    small = fitted_blend()
    assert build_index(small, checkerboard().preference) == {}
    assert small.als.index is None


@pytest.mark.parametrize("most_late", [0, 100])
def test_a_track_that_arrives_later_is_found_at_once_by_its_artist_and_by_its_sound(
    blend: Blend, monkeypatch: pytest.MonkeyPatch, most_late: int
) -> None:
    monkeypatch.setattr(content, "MOST_LATE", most_late)
    alike = track(200, artist="Artist 100")
    later = blend.placed(np.array([N_TRACKS], np.int32), [alike])
    allowed = np.ones(N_TRACKS + 1, np.bool_)
    assert N_TRACKS in best(later, "content", 3, allowed)
    assert N_TRACKS in best(later, "content", 1, allowed & (np.arange(N_TRACKS + 1) == N_TRACKS))
    assert N_TRACKS not in best(blend, "content", N_TRACKS)


@pytest.mark.parametrize("most_late", [0, 100])
def test_a_track_whose_facts_change_is_found_by_the_new_ones(
    blend: Blend, monkeypatch: pytest.MonkeyPatch, most_late: int
) -> None:
    monkeypatch.setattr(content, "MOST_LATE", most_late)
    assert 11 not in best(blend, "content", 6)
    changed = blend.placed(np.array([11], np.int32), [catalogue()[0]])
    assert 11 in best(changed, "content", 3)
    assert len(set(best(changed, "content", N_TRACKS).tolist())) == N_TRACKS


def test_a_refit_drops_the_index_of_what_was(blend: Blend) -> None:
    assert blend.als.index is not None
    assert blend.als.fit(checkerboard(), catalogue()).index is None
    assert blend.content.fit(checkerboard(), catalogue()).index is None


@pytest.mark.parametrize("name", ["als.faiss", "content.faiss", "content_axes.npy", "content_common.npy"])
@pytest.mark.parametrize("kept", [0, 10])
def test_a_file_that_ends_early_is_an_unreadable_index(blend: Blend, tmp_path: Path, name: str, kept: int) -> None:
    reports = build_index(blend, checkerboard().preference)
    save_index(blend, tmp_path / "index")
    broken = tmp_path / "index" / name
    broken.write_bytes(broken.read_bytes()[:kept])
    with pytest.raises(UnreadableIndex):
        load_index(blend, tmp_path / "index", reports)
