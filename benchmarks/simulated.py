"""`python -m benchmarks simulated`: quality on simulated listeners, whose true tastes are known.

Three questions, each on the state that their history leaves and through the code that serves:

1. Is the blend better than each of its models? `time_`: at what listeners discover in the newest tenth of all events. `user_`:
   at a fifth of each listener's liked tracks, held out at random. `oracle` ranks by the true taste, which is about all that can
   be known: which of the many fitting tracks somebody comes upon next is chance.
2. How well is a listener of three plays served, compared with the same listener's whole history? NEWCOMERS of the listeners are
   kept from training. `three_plays` and `whole_history` are judged by the same held-out tracks, with everything heard left out of
   both lists: what differs is what the answer knows. `first_plays` is a newcomer's real beginning: the first three tracks liked,
   and what they come to like in as many days as the held-out part of the time split spans.
   `next_track`: is the next track of a session found better when the order of listening is known?
3. Does a track that nobody has played reach the right people? NEW_TRACKS are published after training. Of the listeners who are
   shown one among REACH, and of those in whose lists it stands highest, where does the true affinity (log-probability of
   choosing the track) stand among all listeners'?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from benchmarks.results import report
from benchmarks.simulated_state import World, cut_time_s, pairs, read_tracks, training_data, without, world
from producers.simulator.listeners import true_taste
from segue.errors import InvalidInput
from segue.evaluation.best_columns import best_columns
from segue.evaluation.bootstrap import Interval, intervals, resampled_means
from segue.evaluation.comparison import Comparison
from segue.evaluation.judging import BLEND, Case, Rules, crossed, judged
from segue.evaluation.metrics import Values, accuracy
from segue.evaluation.next_track import judged_sequence
from segue.evaluation.report import K, judged_listeners, ranked_lists
from segue.evaluation.splits import Split, share_split
from segue.models.blend import Blend, BlendConfig
from segue.models.contract import positive
from segue.taste import DEFAULT_WEIGHTS
from trainer.dataset import Dataset, built

HELD_OUT = 0.1
SHARE = 0.2
NEWCOMERS = 0.2
PLAYS = 3
WARM = 20
"""Liked tracks from which on a listener counts as warm."""
MIN_NEWCOMERS = 30
NEW_TRACKS = 500
REACH = 50
BEST_PLACED = 0.01
"""Share of the listeners in whose lists a new track stands highest: they tell whether it is aimed well, shown or not."""
RANKED_AT_ONCE = 200

Figures = dict[str, float]
Matrix = csr_matrix[np.float32]


def simulated(catalogue: str | None, listeners: int, days: int, seed: int, json_path: Path | None) -> Figures:
    """All figures; intervals end in `_low` and `_high` and hold at 95 %."""
    with Console(stderr=True).status("simulating listeners") as status:
        figures = measured(world(read_tracks(catalogue), listeners, days, seed), status.update)
    report("simulated listeners", figures, json_path)
    return figures


def measured(found: World, progress: Callable[[str], None] = lambda _: None) -> Figures:
    """All figures about one world."""
    people = _People.of(found, cut_time_s(found, HELD_OUT))
    figures, config = sizes(found, people), BlendConfig()
    for name, of_trained, of_new in (
        ("time", _validation(people.trained), _validation(people.new)),
        ("user", _shares_of(people.trained), _shares_of(people.new)),
    ):
        progress(f"fitting, judging the blend and its models, split by {name}")
        case = Case(replace(people.trained, validation=of_trained).before_cut(), people.trained.catalogue, of_trained)
        blends = crossed(case)
        answers = models(judged(case, blends, Rules(seed=found.seed)))
        answers |= _figures(f"oracle_ndcg@{K}", _oracle(found, np.sort(people.numbers_trained), of_trained))
        progress(f"serving newcomers, split by {name}")
        answers |= newcomers(people, blends[0], of_new)
        if name == "time":
            answers |= beginnings(people, blends[0], of_new)
            progress("playing sessions on")
            answers |= next_track(people, blends[0])
        figures |= {f"{name}_{key}": value for key, value in answers.items()}
        config = blends[0].config
    progress("publishing new tracks")
    return figures | new_tracks(found, people.numbers_trained, config)


@dataclass(frozen=True)
class _People:
    """Listeners who train the models and newcomers who do not, each as a dataset over the same tracks and the same cut."""

    found: World
    cut_s: float
    numbers_trained: npt.NDArray[np.int64]
    numbers_new: npt.NDArray[np.int64]
    trained: Dataset
    new: Dataset

    @classmethod
    def of(cls, found: World, cut_s: float) -> _People:
        numbers = np.random.default_rng(found.seed).permutation(np.unique(found.backlog.listener) + 1)
        new, trained = np.split(numbers, [round(NEWCOMERS * len(numbers))])
        return cls(found, cut_s, trained, new, _dataset(found, cut_s, trained), _dataset(found, cut_s, new))


def _dataset(found: World, cut_s: float, numbers: npt.NDArray[np.int64]) -> Dataset:
    return built(training_data(found, cut_s, numbers), found.tracks, DEFAULT_WEIGHTS, float(found.at_s[-1]))


def _validation(dataset: Dataset) -> Split:
    assert dataset.validation is not None  # noqa: S101  training_data always cuts
    return dataset.validation


def _shares_of(dataset: Dataset) -> Split:
    return share_split(dataset.interactions.of_listeners(), SHARE)


def _oracle(found: World, numbers: npt.NDArray[np.int64], split: Split) -> Interval:
    """NDCG of ranking by the true taste. Row r of `split` is listener `numbers[r]`; column c the track of number c + 1."""
    rows = judged_listeners(split.held_out)
    order = np.argsort(found.track_no)
    values = []
    for row in rows.tolist():
        taste = true_taste(int(numbers[row]), found.table, found.seed)[order]
        taste[split.known[row].indices] = -np.inf
        values.append(accuracy(best_columns(taste[None, :], K), split.held_out[row])["ndcg"])
    table = np.array(values)
    return intervals(table, resampled_means(table, seed=0))[0]


def sizes(found: World, people: _People) -> Figures:
    """What was simulated."""
    return {
        "listeners": found.listeners,
        "tracks": len(found.tracks),
        "events": len(found.backlog),
        "trained_interactions": int(people.trained.interactions.of_listeners().nnz),
        "playlists": len(found.playlists),
    }


def models(comparison: Comparison) -> Figures:
    """NDCG of each model, and the blend's lead; `blend_overlaps`: how many models' intervals touch the blend's."""
    figures: Figures = {"judged_listeners": comparison.listeners}
    ndcg = {model: metrics["ndcg"] for model, metrics in comparison.metrics.items()}
    for model, interval in ndcg.items():
        figures |= _figures(f"{model}_ndcg@{K}", interval)
    for model, lead in comparison.differences.items():
        figures |= _figures(f"blend_minus_{model}_ndcg@{K}", lead["ndcg"])
    figures["blend_overlaps"] = sum(ndcg[BLEND].overlaps(interval) for model, interval in ndcg.items() if model != BLEND)
    return figures


def newcomers(people: _People, blend: Blend, split: Split) -> Figures:
    """NDCG with PLAYS plays and with the whole history, and the share of the one in the other. `split`: of the newcomers."""
    warm = _warm(split)
    heard, wanted = split.known[warm], split.held_out[warm]
    lists = {
        "whole_history": ranked_lists(blend, heard, K),
        "three_plays": ranked_lists(blend, _latest(people, split)[warm], K, heard=heard),
        "popularity_for_newcomers": ranked_lists(blend.popularity, heard, K),
    }
    return {"newcomers": len(warm)} | _shares({name: accuracy(ranked, wanted)["ndcg"] for name, ranked in lists.items()})


def beginnings(people: _People, blend: Blend, split: Split) -> Figures:
    """NDCG of a newcomer's first days, after PLAYS liked tracks, and its share in that of the whole history for the last days."""
    warm = _warm(split)
    known, later = _beginnings(people)
    values = {
        "whole_history": accuracy(ranked_lists(blend, split.known[warm], K), split.held_out[warm])["ndcg"],
        "first_plays": accuracy(ranked_lists(blend, known[warm], K), later[warm])["ndcg"],
    }
    return {key: value for key, value in _shares(values).items() if key.startswith("first_plays")}


def next_track(people: _People, blend: Blend) -> Figures:
    """How well the next track of held-out sessions is found, without the order of listening and with the weight learnt for it.

    Simulated sessions have no order of their own: what comes next is a chance draw from the session's genre.
    """
    order = judged_sequence(blend, people.trained.later_listens, people.trained.interactions.track_nos)
    measured = {
        name: getattr(order, name) for name in ("hit_without", "hit_with", "hit_lead", "mrr_without", "mrr_with", "mrr_lead")
    }
    figures: Figures = {"next_track_sessions": order.cases, "next_track_weight": order.weight}
    return figures | {key: value for name, own in measured.items() for key, value in _figures(f"next_track_{name}", own).items()}


def _warm(split: Split) -> npt.NDArray[np.intp]:
    warm = np.flatnonzero((np.diff(positive(split.known).indptr) >= WARM) & (np.diff(split.held_out.indptr) > 0))
    if len(warm) < MIN_NEWCOMERS:
        raise InvalidInput(f"only {len(warm)} newcomers can be judged, {MIN_NEWCOMERS} are needed: raise --listeners or --days")
    return warm


def _shares(values: dict[str, Values]) -> Figures:
    """Means with intervals, and each as a share of the first."""
    table = np.column_stack(list(values.values()))
    resampled = resampled_means(table, seed=0)
    found = intervals(table, resampled)
    figures: Figures = {}
    for place, (name, interval) in enumerate(zip(values, found, strict=True)):
        figures |= _figures(f"{name}_ndcg@{K}", interval)
        if place:
            low, high = np.quantile(resampled[:, place] / resampled[:, 0], [0.025, 0.975])
            figures |= _figures(f"{name}_share_of_warm", Interval(interval.mean / found[0].mean, float(low), float(high)))
    return figures


def _latest(people: _People, split: Split) -> Matrix:
    """The PLAYS known liked tracks that each newcomer played last before the cut, each played once: (n_newcomers, n_tracks)."""
    found = people.found
    mask = np.isin(found.backlog.listener + 1, people.numbers_new) & (found.at_s < people.cut_s)
    state = pairs(found, mask)
    row = np.searchsorted(np.sort(people.numbers_new), state.user_no)
    liked = np.asarray(split.known[row, state.track_no - 1]).ravel() > 0
    return _first_of_each(people, state.user_no, state.track_no, np.where(liked, -state.at_s, np.inf), PLAYS)


def _beginnings(people: _People) -> tuple[Matrix, Matrix]:
    """The first PLAYS liked tracks of each newcomer's life, and the liked ones of the days after: (n_newcomers, n_tracks)."""
    found = people.found
    data = training_data(found, people.cut_s, people.numbers_new)
    state, first = data.pairs, data.past
    assert first is not None  # noqa: S101  training_data always cuts
    begun = np.where(state.weight > 0, first.at_s, np.inf)
    known = _first_of_each(people, state.user_no, state.track_no, begun, PLAYS)
    row = np.searchsorted(np.sort(people.numbers_new), state.user_no)
    chosen = np.asarray(known[row, state.track_no - 1]).ravel() > 0
    start = np.full(known.shape[0], -np.inf)
    np.maximum.at(start, row[chosen], begun[chosen])
    span_s = float(found.at_s[-1]) - people.cut_s
    later = (begun > start[row]) & (begun <= start[row] + span_s)
    values = (np.ones(int(later.sum()), np.float32), (row[later], state.track_no[later] - 1))
    return known, csr_matrix(values, shape=known.shape)


def _first_of_each(
    people: _People, user_no: npt.NDArray[np.int32], track_no: npt.NDArray[np.int32], key: Values, count: int
) -> Matrix:
    """A 1 for the `count` tracks of each newcomer with the least finite keys. Column of a track: its number less 1."""
    row = np.searchsorted(np.sort(people.numbers_new), user_no)
    order = np.lexsort((key, row))
    rank = np.arange(len(order)) - np.searchsorted(row[order], row[order])
    kept = order[(rank < count) & np.isfinite(key[order])]
    shape = (len(people.numbers_new), people.new.interactions.n_tracks)
    return csr_matrix((np.ones(len(kept), np.float32), (row[kept], track_no[kept] - 1)), shape=shape)


def new_tracks(found: World, numbers: npt.NDArray[np.int64], config: BlendConfig) -> Figures:
    """Whom NEW_TRACKS reach that were published after training; intervals are over tracks."""
    count = min(NEW_TRACKS, len(found.tracks) // 10)
    new = found.tracks[-count:]
    before = without(found, np.array([track.track_no for track in new], np.int32))
    numbers = np.intersect1d(numbers, before.backlog.listener + 1)
    dataset = _dataset(before, cut_time_s(before, HELD_OUT), numbers)
    n = dataset.interactions.n_tracks
    blend = Blend(config).fit(dataset.interactions, dataset.catalogue).placed(np.arange(n, n + count, dtype=np.int32), new)
    histories = dataset.interactions.of_listeners()
    histories = csr_matrix((histories.data, histories.indices, histories.indptr), shape=(histories.shape[0], n + count))
    rank = _ranks(blend, histories, n)
    affinity = _affinity(found, numbers, new[0].track_no)
    reached = rank < REACH
    return (
        _right_people("new_track", reached, affinity)
        | _right_people("new_track_best_placed", rank <= np.quantile(rank, BEST_PLACED, axis=0), affinity)
        | _players(reached, _played(found, numbers, new[0].track_no, count))
        | {
            "new_tracks": count,
            "new_tracks_shown_to_anybody": float(reached.any(axis=0).mean()),
            "new_track_median_best_rank": float(np.median(rank.min(axis=0))) + 1,
            "new_track_share_of_catalogue": count / (n + count),
            "new_track_share_of_places": float(reached.sum()) / (len(reached) * REACH),
        }
    )


def _ranks(blend: Blend, histories: Matrix, first_new: int) -> npt.NDArray[np.int64]:
    """How many unheard tracks stand before each new one in each listener's list: (n_listeners, n_new)."""
    parts = []
    for start in range(0, histories.shape[0], RANKED_AT_ONCE):
        rows = histories[start : start + RANKED_AT_ONCE]
        scores = blend.score_many(rows)
        scores[np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), rows.indices] = -np.inf
        parts += [np.searchsorted(np.sort(-row), -row[first_new:]) for row in scores]
    return np.array(parts)


def _right_people(name: str, chosen: npt.NDArray[np.bool_], affinity: Values) -> Figures:
    """Mean affinity percentile (0..1) of the chosen listeners of each track that has any, and how many times likelier than all
    listeners they are to choose it; the percentile that the best choice of as many would have. Nothing if no track has any.

    `chosen` bool, `affinity` float64: (n_listeners, n_new).
    """
    if not chosen.any():
        return {}
    chosen, affinity = chosen[:, chosen.any(axis=0)], affinity[:, chosen.any(axis=0)]
    count = chosen.sum(axis=0)
    percentile, chance = affinity.argsort(axis=0).argsort(axis=0) / (len(affinity) - 1), np.exp(affinity)
    place, mean_chance = (np.where(chosen, values, 0.0).sum(axis=0) / count for values in (percentile, chance))
    ideal = 1.0 - (count - 1) / 2 / (len(affinity) - 1)
    table = np.column_stack([place, mean_chance / chance.mean(axis=0), ideal])
    found = intervals(table, resampled_means(table, seed=0))
    figures = zip(("affinity_percentile", "affinity_lift", "ideal_percentile"), found, strict=True)
    return {key: value for figure, interval in figures for key, value in _figures(f"{name}_{figure}", interval).items()}


def _players(reached: npt.NDArray[np.bool_], played: npt.NDArray[np.bool_]) -> Figures:
    """Of the listeners who did come to like a new track, the share that is shown it; and of all listeners."""
    return {
        "new_track_recall_of_players": float(reached[played].mean()) if played.any() else 0.0,
        "new_track_shown_to_all": float(reached.mean()),
    }


def _affinity(found: World, numbers: npt.NDArray[np.int64], first_new: int) -> Values:
    """Log-probability with which each listener chooses each new track, float64 (n_listeners, n_new)."""
    row_of = np.argsort(found.track_no)[first_new - 1 :]
    rows = []
    for number in numbers.tolist():
        taste = true_taste(number, found.table, found.seed).astype(np.float64)
        rows.append(taste[row_of] - logsumexp(taste))
    return np.array(rows)


def _played(found: World, numbers: npt.NDArray[np.int64], first_new: int, count: int) -> npt.NDArray[np.bool_]:
    state = pairs(found, np.isin(found.backlog.listener + 1, numbers))
    liked = (state.weight > 0) & (state.track_no >= first_new)
    played = np.zeros((len(numbers), count), np.bool_)
    played[np.searchsorted(numbers, state.user_no[liked]), state.track_no[liked] - first_new] = True
    return played


def _figures(name: str, interval: Interval) -> Figures:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
