"""Answering: the model's recommendations, or the most popular tracks while there is no model, as the API shows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from api.fallback import Ranked, popular
from api.listener_states import FoundState, preferences
from api.live_catalogue import LiveCatalogue
from api.live_model import LiveModel
from api.live_trending import LiveTrending
from api.schemas import Item, NoteShown, ReasonShown, StateShown, unset_if_none
from api.steering import Wanted
from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.contract import History
from segue.models.popularity import PopularNow
from segue.recommending.answer import FOR_LISTENER, Answer, Recommendation, Recommender
from segue.recommending.lists import Shape, shaped
from segue.recommending.prompts import NOTHING, Prompt
from segue.recommending.stages import begun
from segue.recommending.steering import DAY_S, Steering
from segue.stores.redis.rows import ListenerRow
from segue.taste import TasteWeights

MODEL = "model"
"""Named in `degraded` while no snapshot is loaded."""

DISCOVERY = Steering(diversity=FOR_LISTENER, adventurousness=0.7)

T = TypeVar("T")

Ask = Callable[[Recommender, int], Answer]
"""The best so many tracks, as a recommender has them."""


@dataclass(frozen=True)
class Answered:
    """The items of one answer and what made them."""

    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...]
    model_version: str | None
    degraded: tuple[str, ...]


class Answers:
    """Scores in the threads of `executor`: nothing is locked and nothing changes, and NumPy lets go of the interpreter.

    Measured with `benchmarks serve` (30,000 tracks, one connection): as much CPU on the event loop as in threads. At 16
    connections one thread for scoring answers 259 requests/s, two 206, which wait for the interpreter's lock; two, so that a
    question that takes long (250 tracks in a smooth order: 0.3 s) holds up nobody else.
    """

    def __init__(
        self,
        model: LiveModel,
        catalogue: LiveCatalogue,
        trending: LiveTrending,
        weights: TasteWeights,
        executor: Executor,
    ) -> None:
        self._model, self._catalogue, self._trending = model, catalogue, trending
        self._weights, self._executor = weights, executor
        self._ranked: tuple[PopularNow, Sequence[Track], Ranked] | None = None

    async def for_listener(
        self, row: ListenerRow | None, wanted: Wanted, genres: Sequence[str] = (), artists: Sequence[str] = ()
    ) -> Answered:
        """Tracks for a listener; chosen genres and artists lead for a new one."""
        now_s = time.time()
        steering = without_blocked(wanted.steering, [row], now_s)

        def ask(recommender: Recommender, n: int) -> Answer:
            history = self._history(recommender, row, now_s)
            now = self._trending.popular()
            return recommender.for_listener(history, n, steering, genres=genres, artists=artists, popular=now, now_s=now_s)

        return await self._answered(
            ask, replace(wanted, steering=steering), self._heard([row], steering, now_s), Prompt(genres=tuple(genres))
        )

    async def for_song(self, track: Track, wanted: Wanted) -> Answered:
        """Tracks like this one."""
        ask = partial(_song, track=track, steering=wanted.steering)
        return await self._answered(ask, wanted, {track.track_no}, Prompt(genres=track.genres))

    async def for_session(self, tracks: Sequence[tuple[Track, bool]], wanted: Wanted) -> Answered:
        """What to play after these tracks, oldest first, each with whether it was skipped."""
        steps = [(track.track_no, skipped) for track, skipped in tracks]
        genres = tuple(genre for track, skipped in tracks[-1:] if not skipped for genre in track.genres)
        ask: Ask = lambda recommender, n: recommender.for_session(steps, n, wanted.steering)  # noqa: E731
        return await self._answered(ask, wanted, {number for number, _ in steps}, Prompt(genres=genres))

    async def for_playlist(self, tracks: Sequence[Track], title: str, wanted: Wanted) -> Answered:
        """What else belongs with these tracks under this title."""
        numbers = [track.track_no for track in tracks]
        genres = tuple(genre for track in tracks for genre in track.genres)
        ask: Ask = lambda recommender, n: recommender.for_playlist(numbers, n, wanted.steering, title=title)  # noqa: E731
        return await self._answered(ask, wanted, set(numbers), Prompt(genres=genres))

    async def for_prompt(self, row: ListenerRow | None, prompt: Prompt, shape: Shape, steering: Steering) -> Answered:
        """A list for a prompt and, with a row, its listener.

        What the listener likes is taken as of their newest event, so that the same state makes the same list.
        """
        now_s = time.time()
        steering = replace(without_blocked(steering, [row], now_s), longest_ms=shape.duration_ms)
        seeds = [track for track in map(self._catalogue.get, prompt.tracks) if track is not None]

        def ask(recommender: Recommender, n: int) -> Answer:
            history = None if row is None else self._history(recommender, row, row.last_event_at_s)
            now = self._trending.popular()
            recommender = _knowing(recommender, seeds)
            return recommender.for_prompt(prompt, n, steering, history=history, popular=now, now_s=now_s)

        hidden = {*prompt.tracks, *self._heard([row], steering, now_s)}
        return await self._answered(ask, Wanted(shape.tracks, steering, None), hidden, self._seeded(prompt), shape)

    async def to_discover(self, row: ListenerRow, n: int) -> Answered:
        """What a listener never heard, a step off their path. The same state makes the same list."""
        return await self.for_prompt(row, NOTHING, Shape(n), DISCOVERY)

    async def to_hear_again(self, row: ListenerRow, n: int) -> Answered:
        """The best of what a listener likes, blocks left out. The same state makes the same list."""
        steering = without_blocked(Steering(diversity=FOR_LISTENER), [row], time.time())

        def ask(recommender: Recommender, n: int) -> Answer:
            return recommender.to_hear_again(self._history(recommender, row, row.last_event_at_s), n, steering)

        return await self._answered(ask, Wanted(n, steering, None), set(), NOTHING)

    async def for_group(self, rows: Mapping[str, ListenerRow | None], wanted: Wanted) -> Answered:
        """What suits these listeners, by user id, together."""
        now_s = time.time()
        steering = without_blocked(wanted.steering, list(rows.values()), now_s)

        def ask(recommender: Recommender, n: int) -> Answer:
            members = {user_id: self._history(recommender, row, now_s) for user_id, row in rows.items()}
            return recommender.for_group(members, n, steering, now_s=now_s)

        return await self._answered(
            ask, replace(wanted, steering=steering), self._heard(list(rows.values()), steering, now_s), NOTHING
        )

    async def in_thread(self, call: Callable[[], T]) -> T:
        """The result of a call that computes, in one of the threads for scoring."""
        waited = begun("queue")

        def computed() -> T:
            waited()
            return call()

        return await asyncio.get_running_loop().run_in_executor(self._executor, copy_context().run, computed)

    async def _answered(
        self, ask: Ask, wanted: Wanted, hidden: set[TrackNo], chosen: Prompt, shape: Shape | None = None
    ) -> Answered:
        served = self._model.served
        if served is None:
            ranked = partial(self._ranked_by, self._catalogue.most_popular())
            best: Callable[[int], Answer] = lambda n: popular(ranked(), n, wanted.steering, hidden, chosen)  # noqa: E731
        else:
            best = partial(ask, served.recommender)
        caps = wanted.steering.diversity or FOR_LISTENER
        answer = await self.in_thread(partial(shaped, best, shape or Shape(wanted.n), self._catalogue.get, caps))
        notes = tuple(NoteShown(note.code, note.text, note.fields) for note in answer.notes)
        return Answered(self._items(answer.items), notes, served.version if served else None, () if served else (MODEL,))

    def _ranked_by(self, by_catalogue: Sequence[Track]) -> Ranked:
        """Every track by popularity, made anew when something was heard or the catalogue changed: 5 ms for 30,000 tracks."""
        now, kept = self._trending.popular(), self._ranked
        if kept is None or kept[0] is not now or kept[1] is not by_catalogue:
            self._ranked = kept = (now, by_catalogue, Ranked.of(now, by_catalogue))
        return kept[2]

    def _seeded(self, prompt: Prompt) -> Prompt:
        """The prompt with the genres of its tracks: what can be told of these without a model."""
        tracks = (self._catalogue.get(number) for number in prompt.tracks)
        seeded = (genre for track in tracks if track for genre in track.genres)
        return replace(prompt, genres=tuple(dict.fromkeys((*prompt.genres, *seeded))))

    def _history(self, recommender: Recommender, row: ListenerRow | None, now_s: float) -> History:
        if row is None:
            return History.empty()
        return recommender.history(row.track_nos, preferences(row, now_s, self._weights), _last_at_s(row))

    def _heard(self, rows: Sequence[ListenerRow | None], steering: Steering, now_s: float) -> set[TrackNo]:
        """What the listeners heard, as `segue.recommending.steering.Steering.heard` decides, for when there is no model."""
        heard: set[TrackNo] = set()
        for row in rows:
            if row is not None:
                hidden = np.ones(len(row.track_nos), np.bool_)
                if steering.heard_days is not None:
                    hidden = _last_at_s(row) > now_s - steering.heard_days * DAY_S
                    hidden |= preferences(row, now_s, self._weights) < 0
                heard |= {TrackNo(number) for number in row.track_nos[hidden].tolist()}
        return heard

    def _items(self, found: Sequence[Recommendation]) -> tuple[Item, ...]:
        """What was recommended, with names; a track that was deleted a moment ago is left out."""
        named = ((recommendation, self._catalogue.get(recommendation.track_no)) for recommendation in found)
        return tuple(self._item(recommendation, track) for recommendation, track in named if track is not None)

    def _item(self, found: Recommendation, track: Track) -> Item:
        why = found.reason
        seed = None if why.seed_track_no is None else self._catalogue.get(why.seed_track_no)
        reason = ReasonShown(why.code, why.text, seed.track_id if seed else None, why.seed_artist)
        return Item(track.track_id, track.name, track.artists, found.score, reason, found.sources, found.propensity, why.suits)


def without_blocked(steering: Steering, rows: Sequence[ListenerRow | None], now_s: float) -> Steering:
    """The steering, and what any of the listeners shut out for now."""
    blocks = [row.blocks.at(now_s) for row in rows if row is not None and len(row.blocks)]
    if not blocks:
        return steering
    tracks = frozenset(steering.blocked_tracks).union(*(own.tracks for own in blocks))
    artists = dict.fromkeys([*steering.blocked_artists, *(name for own in blocks for name in own.artists)])
    return replace(steering, blocked_tracks=tracks, blocked_artists=tuple(artists))


def state_shown(found: FoundState) -> StateShown:
    """A listener's state as answers show it."""
    row, includes_event = found.row, unset_if_none(found.includes_event)
    if row is None:
        return StateShown(0, None, None, found.source, includes_event)
    last_event_at = datetime.fromtimestamp(row.last_event_at_s, UTC) if row.events else None
    return StateShown(row.events, last_event_at, found.age_ms, found.source, includes_event)


def _song(recommender: Recommender, n: int, *, track: Track, steering: Steering) -> Answer:
    return _knowing(recommender, [track]).for_song(track.track_no, n, steering)


def _knowing(recommender: Recommender, tracks: Sequence[Track]) -> Recommender:
    """One that knows these tracks: the catalogue learns of a new one a moment before the recommender does."""
    return recommender.add_tracks([track for track in tracks if not recommender.shows(track.track_no)])


def _last_at_s(row: ListenerRow) -> npt.NDArray[np.float64]:
    return row.cells["last_at_s"].astype(np.float64)
