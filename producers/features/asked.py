"""A service of audio features as a source: the tracks of the catalogue that have none, in order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from producers.features.publishing import Completed
from producers.features.reccobeats import MOST_IDS
from producers.features.reccobeats_answers import ASKABLE, Told
from producers.features.scales import Pair
from producers.ingestion.contract import Page, Rejected, Skipped
from segue.errors import InvalidInput
from segue.events import AudioFeatures
from segue.stores.postgres.features import BareTrack, FeatureStore

PAGE_TRACKS = 10 * MOST_IDS
"""Ten requests: what is published is never far behind what was asked."""

_askable = re.compile(ASKABLE).fullmatch


class Service(Protocol):
    """ReccoBeats."""

    def ask(self, ids: Sequence[str]) -> Told:
        """What it knows of at most MOST_IDS ids. Raises SegueError."""


class AskedService:
    """Features for tracks that have none, from a service that is asked once for each of them."""

    name = "features-reccobeats"
    label = "ReccoBeats"
    source = "reccobeats"

    def __init__(self, service: Service, store: FeatureStore, completed: Completed, url: str) -> None:
        self._service, self._store, self._completed = service, store, completed
        self.fingerprint = url

    def forget(self, now: datetime, unknown: timedelta, known: timedelta) -> None:
        """Drop answers that are too old. Raises Unavailable."""
        self._store.forget_answers(self.source, now - unknown, now - known)

    def total(self) -> int | None:
        """Tracks without features."""
        return self._store.counts().without

    def overlap(self, most: int) -> list[Pair]:
        """What the catalogue has from elsewhere and what the service says of well-known tracks. Raises as `pages`."""
        ids = self._store.sample_of_others(self.source, ASKABLE, most)
        said, _ = self._answers(ids)
        known = self._store.features_of_others(said, self.source)
        return [(features, said[track_id]) for track_id, features in known.items()]

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """Tracks behind a position. Raises InvalidInput for one of something else, and what the service raises."""
        after = _begin(position)
        while tracks := self._store.bare_after(after, PAGE_TRACKS):
            after = tracks[-1].track_no
            yield self._page_of(tracks, {"track_no": after})

    def _page_of(self, tracks: Sequence[BareTrack], position: dict[str, Any]) -> Page:
        askable = [track.track_id for track in tracks if _askable(track.track_id)]
        found, rejected = self._answers(askable)
        skipped = [Skipped("no_service_id")] * (len(tracks) - len(askable))
        skipped += [Skipped("unknown")] * (len(askable) - len(found) - len(rejected))
        return Page(self._completed.records(found, self.source), rejected, skipped, position, len(tracks))

    def _answers(self, ids: Sequence[str]) -> tuple[dict[str, AudioFeatures], list[Rejected]]:
        """What the service says now or has said; each answer is remembered before the next question."""
        known = self._store.answers(self.source, ids)
        rejected: list[Rejected] = []
        new = [one for one in ids if one not in known]
        for start in range(0, len(new), MOST_IDS):
            asked = new[start : start + MOST_IDS]
            told = self._service.ask(asked)
            rejected += told.rejected
            answers = {one: told.found.get(one) for one in asked}
            self._store.remember(self.source, answers)
            known |= answers
        return {one: features for one, features in known.items() if features is not None}, rejected


def _begin(position: dict[str, Any] | None) -> int:
    after = position.get("track_no") if position is not None else 0
    if not isinstance(after, int) or after < 0:
        raise InvalidInput("the position is none of a catalogue's tracks: begin anew with --restart", "invalid_position")
    return after
