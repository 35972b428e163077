"""Whether two sources speak of the same scale."""

from __future__ import annotations

import msgspec

from producers.features.scales import compared
from tests.unit.producers.features.made import FEATURES, with_features


def test_the_median_distance_of_each_feature_is_told() -> None:
    others = [with_features(0.25 + distance) for distance in (0.0, 0.125, 0.75)]
    found = compared([(FEATURES, other) for other in others])
    assert (found.tracks, found.apart["energy"], found.apart["tempo"]) == (3, 0.125, 0.0)


def test_a_few_tracks_that_differ_are_no_other_scale() -> None:
    assert compared([(FEATURES, FEATURES)] * 15 + [(FEATURES, with_features(1.0))] * 10).too_far == []


def test_another_scale_is_named_by_its_features() -> None:
    others = [msgspec.structs.replace(FEATURES, danceability=1.0, loudness=-20.0)] * 30
    assert compared([(FEATURES, other) for other in others]).too_far == ["danceability", "loudness"]


def test_nineteen_tracks_are_too_few_to_judge_by() -> None:
    assert [compared([(FEATURES, FEATURES)] * number).enough for number in (0, 19, 20)] == [False, False, True]
