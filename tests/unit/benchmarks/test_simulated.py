"""The state that a simulated history leaves is that of the product, and the figures about it can go either way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.simulated import measured
from benchmarks.simulated_state import World, cut_time_s, pairs, training_data, without, world
from producers.simulator.backlog import Backlog, backlog_events
from producers.simulator.listeners import make_listener, true_taste
from producers.sources.synthetic import synthetic_catalogue
from segue.errors import InvalidInput
from segue.events import ListeningEvent
from segue.taste import saves_of, stance_of, total_confidence

LISTENERS = 240


@pytest.fixture(scope="module")
def found() -> World:
    return world(synthetic_catalogue(400, 60, seed=1), LISTENERS, days=28, seed=3)


@pytest.fixture(scope="module")
def events_of_pair(found: World) -> dict[tuple[int, int], list[ListeningEvent]]:
    people = [make_listener(number, found.table, found.seed) for number in range(1, LISTENERS + 1)]
    number_of = {track.track_id: int(track.track_no) for track in found.tracks}
    groups: dict[tuple[int, int], list[ListeningEvent]] = defaultdict(list)
    for event in backlog_events(found.backlog, people, found.table):
        groups[int(event.user_id.removeprefix("listener-")), number_of[event.track_id]].append(event)
    return groups


def test_the_state_is_what_the_taste_of_every_event_adds_up_to(
    found: World, events_of_pair: dict[tuple[int, int], list[ListeningEvent]]
) -> None:
    state = pairs(found, np.ones(len(found.backlog), np.bool_))
    assert list(zip(state.user_no.tolist(), state.track_no.tolist(), strict=True)) == sorted(events_of_pair)
    for place, (_, events) in enumerate(sorted(events_of_pair.items())):
        assert state.weight[place] == pytest.approx(total_confidence(events))
        assert state.saves[place] == sum(map(saves_of, events))
        assert state.stance[place] == ([0] + [said for e in events if (said := stance_of(e)) is not None])[-1]
        assert state.at_s[place] == pytest.approx(max(e.occurred_at.timestamp() for e in events), abs=0.001)


def test_the_past_knows_nothing_of_what_follows_the_cut(
    found: World, events_of_pair: dict[tuple[int, int], list[ListeningEvent]]
) -> None:
    cut_s = cut_time_s(found, 0.2)
    data = training_data(found, cut_s, np.arange(1, LISTENERS + 1))
    assert data.past is not None
    for place, (_, events) in enumerate(sorted(events_of_pair.items())):
        before = [event for event in events if event.occurred_at.timestamp() < cut_s]
        assert data.past.weight[place] == pytest.approx(total_confidence(before))
        assert data.past.at_s[place] == pytest.approx(min(e.occurred_at.timestamp() for e in events), abs=0.001)


def test_tracks_taken_out_of_the_world_leave_no_trace(found: World) -> None:
    gone = np.array([track.track_no for track in found.tracks[-40:]], np.int32)
    before = without(found, gone)
    data = training_data(before, cut_time_s(before, 0.1), np.arange(1, LISTENERS + 1))
    assert not np.isin(data.pairs.track_no, gone).any()
    assert not np.isin(data.playlist_track_no, gone).any()
    assert not {track.track_no for track in before.tracks} & set(gone.tolist())


def test_the_true_taste_is_the_one_that_chose_the_repertoire(found: World) -> None:
    listener, taste = make_listener(7, found.table, found.seed), true_taste(7, found.table, found.seed)
    own = taste[listener.repertoire]
    assert (own - own.mean()) / own.std() == pytest.approx(listener.repertoire_fit, abs=1e-4)


def test_every_question_is_answered(found: World) -> None:
    figures = measured(found)
    for split in ("time", "user"):
        assert figures[f"{split}_judged_listeners"] > 50
        assert figures[f"{split}_random_ndcg@20_high"] < figures[f"{split}_blend_ndcg@20"]
        assert figures[f"{split}_newcomers"] >= 30
        assert 0 < figures[f"{split}_three_plays_share_of_warm"] < 2
    assert figures["time_next_track_sessions"] >= 30
    assert figures["time_next_track_hit_without_low"] > 20 / 400
    assert figures["time_next_track_mrr_with"] > 0
    assert figures["user_oracle_ndcg@20_low"] > figures["user_popularity_ndcg@20_high"]
    assert figures["new_tracks"] == 40
    assert figures["new_track_best_placed_affinity_percentile_low"] > 0.5
    assert figures["new_track_best_placed_affinity_lift_low"] > 1.0


def test_too_few_newcomers_say_so(found: World) -> None:
    few = found.backlog.listener < 60
    columns = {name: getattr(found.backlog, name)[few] for name in Backlog.__dataclass_fields__}
    with pytest.raises(InvalidInput, match="raise --listeners"):
        measured(replace(found, backlog=Backlog(**columns)))


def test_listeners_whose_taste_is_not_what_they_hear_are_not_reached(found: World) -> None:
    # Tastes of another seed: what the lists are aimed at has nothing to do with them.
    figures = measured(replace(found, seed=found.seed + 1))
    assert figures["new_track_best_placed_affinity_percentile"] == pytest.approx(0.5, abs=0.15)
