"""Fold-in against the closed form of Hu, Koren and Volinsky, computed as the paper writes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.models.als import AlsConfig, AlsModel
from segue.models.contract import History, dampen
from segue.models.fold_in import Doubles, folded_in

FACTORS = 32
N_TRACKS = 150


def model(seed: int) -> AlsModel:
    random = np.random.default_rng(seed)
    factors = random.standard_normal((N_TRACKS, FACTORS)) * random.gamma(2.0, 0.3, (N_TRACKS, 1))
    return AlsModel.of(factors.astype(np.float32), AlsConfig(factors=FACTORS, alpha=40.0, regularization=20.0))


def closed_form(als: AlsModel, history: History) -> tuple[Doubles, Doubles]:
    """`(YᵀCY + λI)⁻¹ YᵀCp` and what each track of the history adds to it, (factors,) and (len(history), factors)."""
    items = als.factors.astype(np.float64)
    given_confidence = als.config.alpha * dampen(history.preference).astype(np.float64)
    confidence = np.ones(len(items))
    confidence[history.columns] = np.maximum(np.abs(given_confidence), 1.0)
    left = items.T @ np.diag(confidence) @ items + als.config.regularization * np.eye(FACTORS)
    parts = np.linalg.inv(left) @ items[history.columns].T * np.maximum(given_confidence, 0.0)
    return parts.sum(axis=1), parts.T


@st.composite
def histories(draw: st.DrawFn, least: int, most: int) -> History:
    columns = draw(st.lists(st.integers(0, N_TRACKS - 1), min_size=least, max_size=most, unique=True))
    preference = st.one_of(st.floats(0.0625, 50.0, width=32), st.floats(-10.0, -0.0625, width=32))
    return History.of(columns, [draw(preference) for _ in columns])


@settings(max_examples=60)
@given(history=st.one_of(histories(0, FACTORS // 2), histories(FACTORS // 2 + 1, 3 * FACTORS)), seed=st.integers(0, 9))
def test_scores_and_contributions_are_those_of_the_closed_form(history: History, seed: int) -> None:
    als = model(seed)
    listener, parts = closed_form(als, history)
    scores = als.factors @ listener
    scale = max(float(np.abs(scores).max()), 1e-3)
    np.testing.assert_allclose(als.score_all(history), scores, atol=1e-4 * scale)
    columns = np.arange(0, N_TRACKS, 7, dtype=np.int32)
    shares = als.factors[columns] @ parts.T
    scale = max(float(np.abs(shares).max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(als.contributions(history, columns), shares, atol=1e-4 * scale)


@pytest.mark.parametrize("tracks", [FACTORS // 2, FACTORS // 2 + 1])
def test_a_play_too_short_to_count_more_than_none_is_folded_in_on_both_sides_of_the_change(tracks: int) -> None:
    als, history = model(0), History.of(range(tracks), [0.001, *[1.0] * (tracks - 1)])
    np.testing.assert_allclose(als.score_all(history), als.factors @ closed_form(als, history)[0], atol=1e-4)


def test_the_system_is_never_larger_than_the_factors() -> None:
    als = model(0)
    long = als.fold_in(np.arange(N_TRACKS, dtype=np.int32), np.ones(N_TRACKS, np.float32))
    short = als.fold_in(np.arange(5, dtype=np.int32), np.ones(5, np.float32))
    assert long.order == FACTORS
    assert short.order == 5


def test_a_system_without_a_solution_is_an_error_that_says_which() -> None:
    chosen = np.ones((FACTORS, FACTORS), np.float32)
    with pytest.raises(np.linalg.LinAlgError, match="order 32 is not positive definite"):
        folded_in(chosen, np.ones(FACTORS), -np.eye(FACTORS), np.eye(FACTORS, dtype=np.float32))
