"""Answering: the model's recommendations, or the most popular tracks while there is no model, as the API shows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

from api.fallback import popular
from api.listener_states import FoundState, preferences
from api.live_catalogue import LiveCatalogue
from api.live_model import LiveModel
from api.schemas import Item, ReasonShown, StateShown
from segue.catalogue import Track
from segue.errors import NotFound
from segue.ids import TrackNo
from segue.models.contract import History
from segue.recommending.answer import Recommendation, Recommender
from segue.recommending.filters import Filters
from segue.stores.redis.rows import ListenerRow
from segue.taste import TasteWeights

MODEL = "model"
"""Named in `degraded` while no snapshot is loaded."""


@dataclass(frozen=True)
class Answered:
    """The items of one answer and what made them."""

    items: tuple[Item, ...]
    model_version: str | None
    degraded: tuple[str, ...]


class Answers:
    """Scores in the threads of `executor`: nothing is locked and nothing changes, and NumPy lets go of the interpreter.

    Measured as in `api.resources.recommend`: 16 to 22 ms of CPU per answer in threads, 16 to 20 ms on the event loop: no
    clear difference. Threads, so that the loop goes on taking in events and answering health checks while an answer is scored.
    """

    def __init__(self, model: LiveModel, catalogue: LiveCatalogue, weights: TasteWeights, executor: Executor) -> None:
        self._model, self._catalogue, self._weights, self._executor = model, catalogue, weights, executor

    async def for_listener(
        self, row: ListenerRow | None, n: int, exclude: Collection[str], filters: Filters, genres: Sequence[str]
    ) -> Answered:
        """`n` tracks that are new to the listener; `exclude` holds track ids, of which unknown ones do not matter."""
        numbers = {track.track_no for track in map(self._catalogue.by_id, exclude) if track is not None}
        served = self._model.served
        if served is None:
            heard = set() if row is None else set(row.track_nos.tolist())
            return await self._popular(n, filters, numbers | heard, genres)
        found = await self._in_thread(partial(self._listener, served.recommender, row, n, numbers, filters, genres))
        return Answered(self._items(found), served.version, ())

    async def for_song(self, track: Track, n: int, filters: Filters) -> Answered:
        """`n` tracks like this one."""
        served = self._model.served
        if served is None:
            return await self._popular(n, filters, {track.track_no}, track.genres)
        found = await self._in_thread(partial(_song, served.recommender, track, n, filters))
        return Answered(self._items(found), served.version, ())

    def _listener(
        self,
        recommender: Recommender,
        row: ListenerRow | None,
        n: int,
        exclude: set[TrackNo],
        filters: Filters,
        genres: Sequence[str],
    ) -> list[Recommendation]:
        now_s = time.time()
        history = History.empty()
        if row is not None:
            preferred = preferences(row, now_s, self._weights)
            history = recommender.history(row.track_nos, preferred, row.cells["last_at_s"].astype(np.float64))
        return recommender.for_listener(history, n, exclude, filters, genres, now_s)

    async def _popular(self, n: int, filters: Filters, exclude: Collection[TrackNo], genres: Sequence[str]) -> Answered:
        found = await self._in_thread(partial(popular, self._catalogue.most_popular(), n, filters, exclude, genres))
        return Answered(self._items(found), None, (MODEL,))

    def _items(self, found: Sequence[Recommendation]) -> tuple[Item, ...]:
        """What was recommended, with names; a track that was deleted a moment ago is left out."""
        named = ((recommendation, self._catalogue.get(recommendation.track_no)) for recommendation in found)
        return tuple(self._item(recommendation, track) for recommendation, track in named if track is not None)

    def _item(self, found: Recommendation, track: Track) -> Item:
        seed = None if found.reason.seed_track_no is None else self._catalogue.get(found.reason.seed_track_no)
        reason = ReasonShown(found.reason.code, found.reason.text, seed.track_id if seed else None)
        return Item(track.track_id, track.name, track.artists, found.score, reason, found.sources)

    async def _in_thread(self, call: Callable[[], list[Recommendation]]) -> list[Recommendation]:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


def state_shown(found: FoundState) -> StateShown:
    """A listener's state as answers show it."""
    row = found.row
    if row is None:
        return StateShown(0, None, None, found.source)
    last_event_at = datetime.fromtimestamp(row.last_event_at_s, UTC) if row.events else None
    return StateShown(row.events, last_event_at, found.age_ms, found.source)


def _song(recommender: Recommender, track: Track, n: int, filters: Filters) -> list[Recommendation]:
    try:
        return recommender.for_song(track.track_no, n, filters)
    except NotFound:
        # The catalogue learned of it a moment before the recommender does.
        return recommender.add_tracks([track]).for_song(track.track_no, n, filters)
