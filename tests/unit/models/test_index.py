"""An index finds what reading everything would find, most of the time, and never what is not allowed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.models.contract import Columns, Floats
from segue.models.index import FEW_HIDDEN, LEAST_RECALL, UnreadableIndex, VectorIndex, tuned

N = 3_000
WIDTH = 16


@cache
def vectors() -> Floats:
    """Fifty clusters."""
    random = np.random.default_rng(1)
    centres = random.standard_normal((50, WIDTH))
    return (centres[random.integers(0, 50, N)] + 0.3 * random.standard_normal((N, WIDTH))).astype(np.float32)


@cache
def index() -> VectorIndex:
    """Column 10 i holds vector i."""
    return VectorIndex.trained(vectors(), 10 * np.arange(N, dtype=np.int32), probes=2)


def best(query: Floats, n: int) -> Columns:
    return (10 * np.argsort(-(vectors() @ query))[:n]).astype(np.int32)


def test_tuning_reads_as_little_as_meets_the_bar_and_reports_it() -> None:
    queries = vectors()[:40]
    tuned_index, report = tuned(index(), [best(q, 100) for q in queries], lambda tried, i: tried.search(queries[i], 100), 0.0)
    assert report.recall_at_100 is not None
    assert report.recall_at_100 >= LEAST_RECALL
    assert (report.vectors, report.dimensions, report.lists, report.queries) == (N, WIDTH, index().lists, 40)
    assert report.probes == tuned_index.probes < index().lists
    measured = np.mean([np.isin(best(q, 100), tuned_index.search(q, 100)).mean() for q in queries])
    assert report.recall_at_100 == pytest.approx(measured, abs=1e-4)


def test_an_index_that_cannot_meet_the_bar_says_so(caplog: pytest.LogCaptureFixture) -> None:
    elsewhere = [np.arange(1, 1_001, 10, dtype=np.int32)]
    _, report = tuned(index(), elsewhere, lambda tried, _: tried.search(vectors()[0], 100), 0.0)
    assert report.recall_at_100 == 0.0
    assert "misses tracks" in caplog.text


def test_without_queries_nothing_is_claimed() -> None:
    kept, report = tuned(index(), [], lambda *_: np.empty(0, np.int32), 0.0)
    assert (kept.probes, report.recall_at_100, report.queries) == (2, None, 0)


@settings(max_examples=100)
@given(
    allowed=st.lists(st.integers(0, 10 * N - 1), max_size=60, unique=True),
    query=st.integers(0, N - 1),
    n=st.integers(0, 80),
)
def test_only_what_is_allowed_is_found_and_as_much_of_it_as_there_is(allowed: list[int], query: int, n: int) -> None:
    mask = np.zeros(10 * N, np.bool_)
    mask[allowed] = True
    found = index().search(vectors()[query], n, mask)
    assert mask[found].all()
    assert len(set(found.tolist())) == len(found) == min(n, sum(column % 10 == 0 for column in allowed))


@pytest.mark.parametrize("hidden", [0, 1, FEW_HIDDEN, FEW_HIDDEN + 1])
def test_without_the_best_the_next_ones_are_found_however_many_are_hidden(hidden: int) -> None:
    whole, query = index().with_probes(index().lists), vectors()[7]
    ranked = whole.search(query, 60)
    mask = np.ones(10 * N, np.bool_)
    mask[ranked[:hidden]] = False
    assert sorted(whole.search(query, 30, mask).tolist()) == sorted(ranked[hidden : hidden + 30].tolist())


def test_the_same_question_has_the_same_answer() -> None:
    again = VectorIndex.trained(vectors(), 10 * np.arange(N, dtype=np.int32), probes=2)
    for query in vectors()[:20]:
        assert sorted(again.search(query, 50).tolist()) == sorted(index().search(query, 50).tolist())


def test_a_copy_finds_later_vectors_and_the_first_does_not() -> None:
    late = np.array([10 * N + 7], np.int32)
    grown = index().with_vectors(3 * vectors()[:1], late)
    assert late[0] in grown.search(vectors()[0], 5)
    assert late[0] not in index().search(vectors()[0], 5)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_handful_of_vectors_can_be_indexed(n: int) -> None:
    small = VectorIndex.trained(vectors()[:n], np.arange(n, dtype=np.int32))
    assert sorted(small.search(vectors()[0], 10).tolist()) == list(range(n))


def test_vectors_that_are_all_zero_can_be_indexed() -> None:
    nothing = VectorIndex.trained(np.zeros((200, WIDTH), np.float32), np.arange(200, dtype=np.int32))
    assert len(nothing.search(vectors()[0], 10)) == 10


def test_what_was_saved_answers_the_same_when_loaded_and_can_grow(tmp_path: Path) -> None:
    index().save(tmp_path / "x.faiss")
    loaded = VectorIndex.load(tmp_path / "x.faiss", index().report(), (N, WIDTH))
    for query in vectors()[:20]:
        assert loaded.search(query, 50).tolist() == index().search(query, 50).tolist()
    assert 1 in loaded.with_vectors(3 * vectors()[:1], np.array([1], np.int32)).search(vectors()[0], 5)


@pytest.mark.parametrize("content", [b"", b"junk", b"IwSq" + bytes(100)])
def test_a_file_that_is_no_index_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.faiss").write_bytes(content)
    with pytest.raises(UnreadableIndex, match=r"x\.faiss"):
        VectorIndex.load(tmp_path / "x.faiss", index().report(), (N, WIDTH))


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableIndex, match=r"x\.faiss"):
        VectorIndex.load(tmp_path / "x.faiss", index().report(), (N, WIDTH))


def test_the_index_of_other_vectors_is_unreadable(tmp_path: Path) -> None:
    VectorIndex.trained(vectors()[:100], np.arange(100, dtype=np.int32)).save(tmp_path / "x.faiss")
    with pytest.raises(UnreadableIndex, match=r"instead of .*3000"):
        VectorIndex.load(tmp_path / "x.faiss", index().report(), (N, WIDTH))


@pytest.mark.parametrize("shape", [(N, WIDTH + 1), (N - 1, WIDTH)])
def test_an_index_that_is_not_of_the_models_vectors_is_unreadable(tmp_path: Path, shape: tuple[int, int]) -> None:
    index().save(tmp_path / "x.faiss")
    with pytest.raises(UnreadableIndex, match=r"x\.faiss is of 3000 x 16 numbers"):
        VectorIndex.load(tmp_path / "x.faiss", index().report(), shape)
