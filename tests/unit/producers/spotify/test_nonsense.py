"""Whatever Spotify answers: sources raise named errors only, and their positions can be stored."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.spotify.answers import About
from producers.spotify.budget import Budget
from producers.spotify.capabilities import KnownCapabilities
from producers.spotify.records import features_of, track_of
from producers.spotify.session import Question, SpotifySession
from segue.errors import SegueError
from segue.events import CatalogueTrack, check_id
from segue.record_checks import check_record
from tests.fakes.spotify import EXT
from tests.fakes.spotify.library import features, track
from tests.unit.producers.spotify.conftest import FakeClock
from tests.unit.producers.spotify.made import SOURCES, MakeSource

ASKED = 12
"""Questions that are answered before Spotify is away: nonsense may go on for ever."""

TEXT = st.text() | st.sampled_from(["\x00", "\ud800", "x" * 2_000, "../../me", "track", "episode"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
WHOLE = track(3, EXT)


class _Login:
    personal, account = True, "somebody"


class NonsenseSession(SpotifySession):
    """Answers with what it is given, over and over."""

    def __init__(self, bodies: list[Any], folder: Path) -> None:
        self.login, self.market = _Login(), "DE"  # type: ignore[assignment]  # what sources ask of a login
        self.budget, self.may = Budget(folder, 1_000, 1.0, 60.0, FakeClock()), KnownCapabilities(folder, "somebody")
        self._bodies, self._asked = bodies, 0

    def ask(self, question: Question, about: About) -> dict[str, Any]:  # noqa: ARG002  # the base class's
        self._asked += 1
        if self._asked > ASKED:
            raise SegueError("enough")
        body = self._bodies[self._asked % len(self._bodies)]
        return body if isinstance(body, dict) else {"items": body}


def changed(value: Any, path: tuple[str, ...], new: Any) -> Any:
    """The value with another one in its depth."""
    if not path:
        return new
    return {**value, path[0]: changed(value.get(path[0], {}) if isinstance(value, dict) else {}, path[1:], new)}


PATHS = st.sampled_from([(name,) for name in WHOLE] + [("album", name) for name in WHOLE["album"]])
TRACKS = st.builds(changed, st.just(WHOLE), PATHS, JSON) | JSON
ENTRIES = st.builds(lambda one, at: {"track": one, "added_at": at, "id": at, "name": at}, TRACKS, JSON)
BODIES = st.builds(
    lambda items, total, more: {"items": items, "total": total, "next": more, "tracks": {"items": items, "next": more}},
    st.lists(TRACKS | ENTRIES, max_size=4) | JSON, JSON, JSON,
)  # fmt: skip


@pytest.mark.parametrize("make", SOURCES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(BODIES | JSON, min_size=1, max_size=3))
def test_nonsense_raises_named_errors_and_leaves_positions_that_can_be_stored(
    make: MakeSource, bodies: list[Any], tmp_path: Path
) -> None:
    with suppress(SegueError):
        for page in make(NonsenseSession(bodies, tmp_path)).pages(None):
            assert b"\\u0000" not in msgspec.json.encode(page.position)


@given(raw=TRACKS)
def test_a_track_that_is_taken_can_be_stored(raw: Any) -> None:
    found = track_of(raw, "here", datetime(2026, 11, 26, tzinfo=UTC))
    if isinstance(found, CatalogueTrack):
        check_id("track_id", found.track_id)
        check_record(found)


@given(name=st.sampled_from(sorted(features(1))), new=JSON)
def test_features_are_whole_or_none(name: str, new: Any) -> None:
    found = features_of(features(1) | {name: new})
    assert found is None or math.isfinite(found.tempo)
