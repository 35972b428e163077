from __future__ import annotations

import pytest

from trainer.schedule import is_due


def sizes(events: int = 0, tracks: int = 100, playlists: int = 10) -> dict[str, int]:
    return {"events": events, "tracks": tracks, "playlists": playlists}


@pytest.mark.parametrize(
    ("now", "counts", "due"),
    [
        (sizes(tracks=0), None, False),
        (sizes(tracks=1), None, True),
        (sizes(events=1, tracks=0), None, True),
        (sizes(events=1_999), sizes(events=1_000), False),
        (sizes(events=2_000), sizes(events=1_000), True),
        (sizes(tracks=110), sizes(), False),
        (sizes(tracks=111), sizes(), True),
        (sizes(playlists=12), sizes(), True),
        (sizes(tracks=50), sizes(), True),
    ],
)
def test_a_refit_is_due_when_enough_is_new(now: dict[str, int], counts: dict[str, int] | None, due: bool) -> None:
    assert is_due(now, counts, min_events=1_000).now is due


def test_no_new_event_is_never_enough() -> None:
    assert not is_due(sizes(events=5), sizes(events=5), min_events=0).now
