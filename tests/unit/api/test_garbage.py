"""What the garbage collector does not look at any more must go by itself."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from api.garbage import keep_for_good
from segue.ids import TrackNo
from segue.models.contract import History
from segue.recommending.answer import Recommender
from tests.unit.recommending import worlds


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("made", [worlds.recommender, worlds.indexed])
def test_a_model_that_is_no_longer_served_frees_its_arrays_without_the_collector(made: object) -> None:
    assert callable(made)
    blend = copy.deepcopy(made()._blend)
    served = Recommender.build(blend, np.arange(1_000, 1_000 + worlds.N_TRACKS, dtype=np.int32), worlds.tracks())
    served.for_listener(History.of([1, 2, 3]), 5)
    served.for_song(TrackNo(1_000), 5)
    served.for_session([(TrackNo(1_001), False)], 5)
    changed = served.remove_tracks([TrackNo(1_002)]).add_tracks(worlds.tracks()[3:5])
    changed.for_listener(History.empty(), 5)
    large = [weakref.ref(part) for part in (served, changed, blend, blend.als, blend.content, blend.co_listening)]
    del blend, served, changed
    assert [part() for part in large] == [None] * len(large)


class Node:
    """Part of a cycle."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.usefixtures("without_collector")
def test_cycles_that_requests_left_a_moment_ago_do_not_stay() -> None:
    left = weakref.ref(Node())
    assert left() is not None
    try:
        keep_for_good()
        assert left() is None
    finally:
        gc.unfreeze()
