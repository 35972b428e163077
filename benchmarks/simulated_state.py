"""A simulated history as the trainer would read it from Postgres, without the road there: same tastes, same cut, same dataset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from producers.data_ingestor import choose_source, load_catalogue
from producers.simulator.backlog import Backlog, make_backlog
from producers.simulator.listeners import make_listener
from producers.simulator.tracks import TrackTable, track_table
from producers.sources.spotify_csv import Catalogue
from segue.catalogue import Track, release_year
from segue.events import TYPE_CODES
from segue.ids import TrackNo
from segue.models.transitions import OrderedListens, TransitionCounter, Transitions
from segue.settings import load_settings
from segue.stores.postgres.training import Pairs, TrainingData
from segue.taste import DEFAULT_WEIGHTS, FULL_PLAY_MS, LANDMARK_S, TasteWeights

FIRST_DAY = date(2026, 6, 1)

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """Everything about the simulated listeners. Listener number u (from 1) is row u - 1 of the backlog's listeners, and user_no.

    `tracks` in order of track_no; row r of `table` is the track with number `track_no[r]`.
    """

    tracks: tuple[Track, ...]
    playlists: tuple[tuple[TrackNo, ...], ...]
    table: TrackTable
    track_no: npt.NDArray[np.int32]
    backlog: Backlog
    listeners: int
    seed: int

    @property
    def at_s(self) -> npt.NDArray[np.float64]:
        """Unix time of each event."""
        return self.backlog.at_ms / 1000.0


def read_tracks(named: str | None) -> Catalogue:
    """The catalogue of a path or URL, else of SEGUE_CATALOGUE, else the public one. Raises InvalidInput or Unavailable."""
    return load_catalogue(choose_source(named, load_settings()))


def world(catalogue: Catalogue, listeners: int, days: int, seed: int) -> World:
    """`listeners` people over `days` days from FIRST_DAY; the same for the same arguments.

    Tracks are numbered in random order, so that those with the greatest numbers are a fair sample of the catalogue.
    """
    shuffled = np.random.default_rng(seed).permutation(len(catalogue.tracks)).tolist()
    tracks = tuple(
        Track(
            TrackNo(number), r.track_id, r.name, r.artists, r.album, release_year(r.released), r.duration_ms, r.explicit,
            r.popularity, r.genres, r.features,
        )
        for number, r in enumerate((catalogue.tracks[place] for place in shuffled), 1)
    )  # fmt: skip
    table = track_table(tracks)
    number_of = {track.track_id: track.track_no for track in tracks}
    people = [make_listener(number, table, seed) for number in range(1, listeners + 1)]
    until = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=days)
    return World(
        tracks,
        tuple(tuple(number_of[one] for one in playlist.track_ids if one in number_of) for playlist in catalogue.playlists),
        table,
        np.array([number_of[one] for one in table.track_ids], np.int32),
        make_backlog(people, table, FIRST_DAY, days, until, seed),
        listeners,
        seed,
    )


def without(found: World, track_nos: npt.NDArray[np.int32]) -> World:
    """The same world in which these tracks were never published: nobody played them and no playlist holds them."""
    gone = set(track_nos.tolist())
    kept = ~np.isin(found.track_no[found.backlog.track], track_nos)
    return replace(
        found,
        tracks=tuple(track for track in found.tracks if track.track_no not in gone),
        playlists=tuple(tuple(one for one in playlist if one not in gone) for playlist in found.playlists),
        backlog=Backlog(**{name: getattr(found.backlog, name)[kept] for name in Backlog.__dataclass_fields__}),
    )


def cut_time_s(found: World, held_out: float) -> float:
    """The Unix time after which the newest `held_out` share (0..1) of events lies."""
    return float(np.quantile(found.at_s, 1.0 - held_out, method="inverted_cdf"))


def training_data(found: World, cut_s: float, listeners: npt.NDArray[np.integer]) -> TrainingData:
    """What `TrainingStore.read` would give if only these listeners (by number) had an account."""
    kept = np.isin(found.backlog.listener + 1, listeners)
    past = pairs(found, kept & (found.at_s < cut_s), among=kept)
    members = np.array([(n, track) for n, tracks in enumerate(found.playlists) for track in tracks], np.int32).reshape(-1, 2)
    return TrainingData(
        pairs(found, kept),
        replace(past, at_s=_first_at(found, kept)),
        cut_s,
        members[:, 0],
        members[:, 1],
        {},
        int(kept.sum()),
        *_order(found, kept, cut_s),
    )


def _order(found: World, kept: Mask, cut_s: float) -> tuple[Transitions, Transitions, OrderedListens]:
    """What was played after what before the cut and since, and the listens since."""
    heard = kept & np.isin(found.backlog.type_code, (TYPE_CODES["play"], TYPE_CODES["skip"]))
    user, track = found.backlog.listener[heard] + 1, found.track_no[found.backlog.track[heard]]
    order = np.lexsort((found.at_s[heard], user))
    skipped = found.backlog.type_code[heard] == TYPE_CODES["skip"]
    listens = OrderedListens(
        user[order].astype(np.int32), track[order].astype(np.int32), found.at_s[heard][order], skipped[order].astype(np.int32),
        np.zeros(len(order), np.int32),
    )  # fmt: skip
    past, later = (listens.at(mask) for mask in (listens.at_s < cut_s, listens.at_s >= cut_s))
    counters = TransitionCounter(), TransitionCounter()
    for counter, part in zip(counters, (past, later), strict=True):
        counter.add(part)
    return counters[0].transitions(), counters[1].transitions(), later


def pairs(found: World, counted: Mask, among: Mask | None = None) -> Pairs:
    """The stored state after the `counted` events (mask over the backlog), with an entry for each pair of the events of `among`
    (default: of the counted ones).

    Weights as in `segue.taste`: forward-decayed plays and skips, the newest statement, additions to playlists.
    """
    among = counted if among is None else among
    place, keys = _places(found, among)
    use, size = counted[among], len(keys)
    where, code, at_s = place[use], found.backlog.type_code[among][use], found.at_s[among][use]
    forward = 2.0 ** ((at_s - LANDMARK_S) / DEFAULT_WEIGHTS.half_life_s)
    said = _confidence(code, found.backlog.ms_played[among][use], DEFAULT_WEIGHTS)
    weight = np.bincount(where, said * forward, minlength=size).astype(np.float64)
    saves = np.bincount(where[code == TYPE_CODES["playlist_add"]], minlength=size).astype(np.int32)
    stance, last = np.zeros(size, np.int32), np.zeros(size)
    stated = np.isin(code, (TYPE_CODES["like"], TYPE_CODES["dislike"]))
    # Of several assignments to one place the last one stays, and events are in order of time.
    stance[where[stated]] = np.where(code[stated] == TYPE_CODES["like"], 1, -1)
    last[where] = at_s
    return Pairs(keys[:, 0], keys[:, 1], weight, saves, stance, last)


def _confidence(code: Ints, ms_played: Ints, weights: TasteWeights) -> npt.NDArray[np.float64]:
    play = np.where(ms_played < FULL_PLAY_MS, weights.short_play, weights.play)
    return np.select([code == TYPE_CODES["play"], code == TYPE_CODES["skip"]], [play, np.full(len(code), weights.skip)], 0.0)


def _first_at(found: World, among: Mask) -> npt.NDArray[np.float64]:
    place, keys = _places(found, among)
    first = np.full(len(keys), np.inf)
    np.minimum.at(first, place, found.at_s[among])
    return first


def _places(found: World, among: Mask) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """For each event its pair, and the pairs (user_no, track_no) in their order, int32 (n, 2)."""
    user = (found.backlog.listener[among] + 1).astype(np.int64)
    key = user << 32 | found.track_no[found.backlog.track[among]]
    unique, place = np.unique(key, return_inverse=True)
    return place, np.column_stack([unique >> 32, unique & 0xFFFF_FFFF]).astype(np.int32)
