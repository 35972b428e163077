"""The recommender: what may be asked of one snapshot's models and the catalogue as it is now.

Immutable: `add_tracks` and `remove_tracks` return a new recommender that shares the models, so readers in other threads keep a
whole one.

Cost on one thread (a threaded BLAS only adds waiting), 64 factors, 100 tracks of history, 10 answers, milliseconds of processor
time on a busy machine (docs/decisions/0026-cost-of-an-answer.md; before it): 30,000 tracks 2.1 (3.1), under filters 2.3 (3.2), a
song 0.9 (1.5); a million 5.3 (8.0), 5.9 (8.7) and 2.4 (3.6). `python -m benchmarks score` measures it anew, `answers` whether a
change of speed changes an answer. add_tracks of 100 tracks: 0.1 s with 200,000.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Self

import numpy as np
import numpy.typing as npt

from segue.catalogue import Track
from segue.errors import InvalidInput, NotFound
from segue.ids import TrackNo
from segue.models.blend import Blend
from segue.models.contract import Columns, Floats, History, bounded
from segue.models.popularity import NOTHING_HEARD, PopularNow
from segue.recommending.diversity import Diversity
from segue.recommending.eligibility import Condition, Eligibility
from segue.recommending.facts import Facts, replaced
from segue.recommending.pipeline import Answer, Question, Recommendation, answered
from segue.recommending.prompts import Prompt, led_by
from segue.recommending.reasons import (
    Circumstances,
    Reason,
    group_reason,
    listener_reason,
    song_reason,
    strongest_part,
    strongest_seeds,
)  # fmt: skip
from segue.recommending.recency import running_session
from segue.recommending.retrieval import Pool
from segue.recommending.sessions import session_history
from segue.recommending.sources import GroupSource, Lift, ListenerSource, SongSource, Source, with_seeds
from segue.recommending.stages import Stage
from segue.recommending.steering import STRAIGHT, Steering
from segue.recommending.titles import title_match

__all__ = ["Answer", "Recommendation", "Recommender"]

FOR_LISTENER = Diversity(strength=0.2, per_artist=2)
FOR_SONG = Diversity(strength=0.1, per_artist=2)
SESSION_BOOST = 1.0
SESSION_HALF_LIFE_S = 3_600.0
"""What was liked just now counts (1 + SESSION_BOOST) times, half of the extra an hour later: the answer follows the session."""
SPENT_S = 30 * SESSION_HALF_LIFE_S
"""After so long the extra is less than a preference can tell."""
CHOICE_SPANS = 2.0
"""Lift of a newcomer's chosen genres and of a new playlist's title in ranges of the scores: above 1, so that variety does not mix
others in either. It fades with every like."""
SHARED_SPANS = 1.0
"""The same lift beside chosen tracks or artists: the best of another genre comes before the last of the chosen one."""
TRENDING_SPANS = 1.0
"""Lift of what is heard most now, for those of whom nothing is known: as much as all of the past says, less than a choice."""
SEEDS_PER_ARTIST = 3
"""A chosen artist stands for so many of their best known tracks."""


class Recommender:
    """Answers from one snapshot's models and the catalogue as it is now.

    Columns of the snapshot come first; tracks that arrived later follow and are scored by content and catalogue popularity.
    """

    def __init__(self, blend: Blend, track_nos: npt.NDArray[np.int32], tracks: tuple[Track | None, ...], facts: Facts) -> None:
        self._blend = blend
        self._track_nos = track_nos
        self._tracks = tracks
        self._facts = facts
        self._column_of = np.full(int(track_nos.max(initial=-1)) + 1, -1, np.int32)
        self._column_of[track_nos] = np.arange(len(track_nos), dtype=np.int32)

    @classmethod
    def build(cls, blend: Blend, track_nos: npt.NDArray[np.int32], catalogue: Iterable[Track]) -> Self:
        """From a snapshot's blend and `track_nos` (int32, (n_tracks,)) and the tracks of the catalogue as it is now.

        A track of the snapshot that the catalogue lacks (deleted, or a stub without a name) still counts in histories but is
        never shown; a track that the snapshot lacks is added.
        """
        by_no = {track.track_no: track for track in catalogue}
        trained = set(track_nos.tolist())
        tracks = tuple(by_no.get(TrackNo(number)) for number in track_nos.tolist())
        recommender = cls(blend, track_nos, tracks, Facts.of(tracks))
        return recommender.add_tracks([track for number, track in by_no.items() if number not in trained])

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that filters can ask for, folded, most tracks first."""
        counted = {genre: self._facts.genres.count(genre) for genre in self._facts.genres.codes}
        return tuple(sorted((g for g in counted if counted[g]), key=lambda genre: (-counted[genre], genre)))

    @property
    def n_tracks(self) -> int:
        """Tracks that may be shown."""
        return int(self._facts.shown.sum())

    def shows(self, track_no: TrackNo) -> bool:
        """Whether a track may be shown."""
        return bool(self._facts.shown[self._columns([track_no])].any())

    def track(self, track_no: TrackNo) -> Track:
        """A track that may be shown. Raises NotFound."""
        return self._shown(track_no)[1]

    def sound_ranks(self, track_no: TrackNo) -> dict[str, float]:
        """For each audio feature of a track the share (0..1) of all tracks with less of it; empty where unknown."""
        columns = self._columns([track_no])
        return self._facts.sound_ranks(int(columns[0])) if len(columns) else {}

    def genre_ranks(self, genre: str) -> dict[str, float]:
        """The same for the middle of a genre: how its tracks usually sound, on the scale of all tracks."""
        return self._facts.genre_ranks(genre)

    def add_tracks(self, tracks: Sequence[Track]) -> Self:
        """A recommender in which these tracks stand: new ones, and changed ones with their new facts and content."""
        if not tracks:
            return self
        newest = list({track.track_no: track for track in tracks}.values())
        numbers = np.array([track.track_no for track in newest], np.int32)
        columns = self._lookup(numbers)
        new = columns < 0
        columns[new] = len(self._track_nos) + np.arange(int(new.sum()), dtype=np.int32)
        return self._placed(columns, numbers, newest, self._blend.placed(columns, newest))

    def remove_tracks(self, track_nos: Collection[TrackNo]) -> Self:
        """A recommender that never shows these tracks; they still count in histories."""
        columns = self._columns(track_nos)
        return self._placed(columns, self._track_nos[columns], [None] * len(columns), self._blend) if len(columns) else self

    def history(
        self, track_nos: npt.NDArray[np.int32], preference: npt.NDArray[np.float64], last_at_s: npt.NDArray[np.float64]
    ) -> History:
        """A listener's row in the recommender's columns; all arrays of shape (n,).

        `preference` from `segue.taste.preference`. Pass every track that the listener met, also those with preference 0: none of
        them is recommended as new. Tracks that neither snapshot nor catalogue know are left out.
        """
        columns = self._lookup(track_nos)
        known = columns >= 0
        return History(columns[known], bounded(preference[known]), np.asarray(last_at_s[known], np.float64))

    def history_of(self, track_nos: Sequence[TrackNo]) -> History:
        """The history of an anonymous session that played these tracks once."""
        return History.of(list(dict.fromkeys(self._columns(track_nos).tolist())))

    def for_listener(
        self,
        history: History,
        n: int,
        steering: Steering = STRAIGHT,
        *,
        genres: Sequence[str] = (),
        artists: Sequence[str] = (),
        popular: PopularNow = NOTHING_HEARD,
        now_s: float | None = None,
    ) -> Answer:
        """`n` tracks for a listener, fewer only if fewer pass.

        An empty history is answered by popularity, that of the moment (`popular`) too, chosen `genres` first and what goes with
        chosen `artists`; both lose their say as likes arrive. `now_s` (Unix time) lets what was liked in this session count more;
        None does not.
        """
        heard = steering.heard(self._facts, history, time.time() if now_s is None else now_s)
        seeded = self._seeds(artists)
        taste = with_seeds(_with_session(history, now_s), list(seeded)) if seeded else _with_session(history, now_s)
        lifts = (Lift("genres", self._facts.in_genres(genres).astype(np.float32), _fading(history)),) if genres else ()
        if len(taste) == 0 and len(popular):
            lifts = (*lifts, Lift("trending", self._warmth(popular), TRENDING_SPANS))
        told = Circumstances(self._tracks, genres, seeded=seeded)
        source = ListenerSource(self._blend, taste, lifts, running_session(history, now_s))
        return self._listened(source, heard, n, steering, told)

    def for_session(self, tracks: Sequence[tuple[TrackNo, bool]], n: int, steering: Steering = STRAIGHT) -> Answer:
        """What to play after `tracks`, oldest first, each with whether it was skipped; nothing of the session comes again.

        Unknown tracks are passed over.
        """
        columns = self._lookup(np.array([number for number, _ in tracks], np.int32))
        known = [(int(column), skipped) for column, (_, skipped) in zip(columns, tracks, strict=True) if column >= 0]
        history = session_history([column for column, _ in known], [skipped for _, skipped in known])
        return self._continued(history, n, steering, running=history)

    def for_playlist(self, track_nos: Sequence[TrackNo], n: int, steering: Steering = STRAIGHT, *, title: str = "") -> Answer:
        """Tracks that go on with a playlist; none of it comes again. Without tracks the title alone decides."""
        history = self.history_of(track_nos)
        match = title_match(title, self._facts)
        lifts = (Lift("title", match, _fading(history)),) if match.any() else ()
        return self._continued(history, n, steering, lifts, title)

    def for_prompt(
        self,
        prompt: Prompt,
        n: int,
        steering: Steering = STRAIGHT,
        *,
        history: History | None = None,
        popular: PopularNow = NOTHING_HEARD,
        now_s: float | None = None,
    ) -> Answer:
        """Tracks for a new playlist; no chosen track is among them, those of chosen artists may be.

        `history`: of the listener that it is for, who has the lesser say in it. Nobody's, without a seed, begins with what is
        heard now (`popular`). `now_s` (Unix time) is what `steering.heard_days` counts from.
        """
        listened = History.empty() if history is None else history
        tracks, seeded = self._columns(prompt.tracks), self._seeds(prompt.artists)
        taste = led_by(listened, [*tracks.tolist(), *seeded])
        own = Condition(("seeds.tracks",), "no track of the prompt itself", hides=self._facts.versions_of(tracks))
        heard = steering.heard(self._facts, listened, time.time() if now_s is None else now_s)
        lifts = self._chosen(prompt, CHOICE_SPANS if not (len(tracks) or seeded) else SHARED_SPANS)
        if len(taste) == 0 and len(popular):
            lifts = (*lifts, Lift("trending", self._warmth(popular), TRENDING_SPANS))
        told = Circumstances(self._tracks, prompt.genres, seeded=seeded, chosen=frozenset(tracks.tolist()))
        return self._listened(ListenerSource(self._blend, taste, lifts), chain(heard, [own]), n, steering, told)

    def to_hear_again(self, history: History, n: int, steering: Steering = STRAIGHT) -> Answer:
        """Those of the tracks that a listener likes that fit the rest of what they like best."""
        liked = np.zeros(len(self._track_nos), np.bool_)
        liked[history.columns[history.preference > 0]] = True
        own = [Condition(("history",), "liked before", keeps=liked)]
        return self._listened(ListenerSource(self._blend, history), own, n, steering, Circumstances(self._tracks))

    def for_group(
        self, members: Mapping[str, History], n: int, steering: Steering = STRAIGHT, *, now_s: float | None = None
    ) -> Answer:
        """Tracks for listeners together: the average of what each likes, without misery.

        What any of them turned down is out in every version, and what any of them heard, as `steering.heard_days` says.
        Raises InvalidInput without a member.
        """
        if not members:
            raise InvalidInput("a group needs at least one member", "empty_group")
        at_s = time.time() if now_s is None else now_s
        heard = chain.from_iterable(steering.heard(self._facts, history, at_s) for history in members.values())
        tastes = {name: ListenerSource(self._blend, _with_session(history, now_s)) for name, history in members.items()}
        source = GroupSource(tastes)
        eligibility = self._eligibility(heard, steering)
        return self._asked(source, eligibility, n, steering, FOR_LISTENER, partial(_group_reasons, source))

    def for_song(self, track_no: TrackNo, n: int, steering: Steering = STRAIGHT) -> Answer:
        """`n` tracks like this one, fewer only if fewer pass; no other version of it. Raises NotFound."""
        column, seed = self._shown(track_no)
        own = Condition(("track_id",), "another song", hides=self._facts.versions_of(np.array([column], np.int32)))
        eligibility = self._eligibility([own], steering)
        source = SongSource(self._blend, column, eligibility.mask)
        return self._asked(source, eligibility, n, steering, FOR_SONG, partial(_song_reasons, seed))

    def _continued(
        self,
        history: History,
        n: int,
        steering: Steering,
        lifts: tuple[Lift, ...] = (),
        title: str = "",
        running: History | None = None,
    ) -> Answer:
        """After a session, which runs, or a playlist, whose own tracks are no news whatever `heard_days` says."""
        own = [Condition(("tracks",), "not in it already", hides=self._facts.versions_of(history.columns))]
        source = ListenerSource(self._blend, history, lifts, running or History.empty())
        return self._listened(source, own, n, steering, Circumstances(self._tracks, title=title))

    def _listened(
        self, source: ListenerSource, own: Iterable[Condition], n: int, steering: Steering, told: Circumstances
    ) -> Answer:
        eligibility = self._eligibility(own, steering)
        return self._asked(source, eligibility, n, steering, FOR_LISTENER, partial(_listener_reasons, source, told))

    def _eligibility(self, own: Iterable[Condition], steering: Steering) -> Eligibility:
        with Stage("filter"):
            excluded, blocked = self._columns(steering.exclude), self._columns(steering.blocked_tracks)
            return Eligibility.under(self._facts, chain(steering.conditions(self._facts, excluded, blocked), own))

    def _asked(
        self,
        source: Source,
        eligibility: Eligibility,
        n: int,
        steering: Steering,
        usual: Diversity,
        explain: Callable[[Pool], Sequence[Reason]],
    ) -> Answer:
        diversity = steering.diversity or usual
        question = Question(source, eligibility, n, steering, diversity, explain, self._blend.popularity.scores)
        return answered(question, self._track_nos)

    def _chosen(self, prompt: Prompt, spans: float) -> tuple[Lift, ...]:
        """What raises the tracks of a prompt's genres and moods."""
        masks = {"genres": self._facts.in_genres(prompt.genres), "moods": self._facts.in_moods(prompt.moods)}
        return tuple(Lift(name, mask.astype(np.float32), spans) for name, mask in masks.items() if mask.any())

    def _seeds(self, artists: Sequence[str]) -> dict[int, str]:
        """The best known tracks of chosen artists: artist by column."""
        known = self._blend.popularity.scores
        found: dict[int, str] = {}
        for artist in artists:
            columns = self._facts.artists.of(artist.casefold())
            columns = columns[self._facts.shown[columns]]
            best = columns[np.argsort(-known[columns], kind="stable")[:SEEDS_PER_ARTIST]]
            found |= dict.fromkeys(best.tolist(), artist)
        return found

    def _warmth(self, popular: PopularNow) -> Floats:
        """How much each column is heard now, 0..1. The root of the share, or one hit would be all that is heard."""
        warmth = np.zeros(len(self._track_nos), np.float32)
        columns = self._lookup(popular.track_no)
        known = columns >= 0
        warmth[columns[known]] = np.sqrt(popular.share[known] / popular.share[0])
        return warmth

    def _placed(self, columns: Columns, numbers: npt.NDArray[np.int32], tracks: Sequence[Track | None], blend: Blend) -> Self:
        placed = [*self._tracks, *[None] * max(0, int(columns.max()) + 1 - len(self._tracks))]
        for column, track in zip(columns.tolist(), tracks, strict=True):
            placed[column] = track
        track_nos = replaced(self._track_nos, columns, numbers.tolist())
        return type(self)(blend, track_nos, tuple(placed), self._facts.placed(columns, tracks))

    def _shown(self, track_no: TrackNo) -> tuple[int, Track]:
        """The column of a track that may be shown, and the track. Raises NotFound."""
        column = int(self._column_of[track_no]) if 0 <= track_no < len(self._column_of) else -1
        track = self._tracks[column] if column >= 0 else None
        if track is None:
            raise NotFound(f"no track with number {track_no} in the catalogue")
        return column, track

    def _columns(self, track_nos: Collection[TrackNo]) -> Columns:
        """Columns of the tracks that have one."""
        if not track_nos:
            return np.empty(0, np.int32)
        found = self._lookup(np.fromiter(track_nos, np.int32, len(track_nos)))
        return found[found >= 0]

    def _lookup(self, track_nos: npt.NDArray[np.int32]) -> Columns:
        """The column of each track, -1 where it has none; a fresh array."""
        columns = np.full(len(track_nos), -1, np.int32)
        inside = (track_nos >= 0) & (track_nos < len(self._column_of))
        columns[inside] = self._column_of[track_nos[inside]]
        return columns


def _listener_reasons(source: ListenerSource, told: Circumstances, pool: Pool) -> list[Reason]:
    shares = pool.shares
    seeds = _seeds_of([strongest_part(own) for own in shares], source, pool.columns)
    told_of = zip(pool.columns.tolist(), shares, seeds.tolist(), strict=True)
    return [listener_reason(own, seed, told, told.tracks[column]) for column, own, seed in told_of]


def _seeds_of(parts: Sequence[str], source: ListenerSource, columns: Columns) -> Columns:
    """The seed of each column by its strongest part; only what speaks is asked, since evidence costs as much as a score."""
    if len(source.history) == 0:
        return np.full(len(columns), -1, np.int32)
    evidence = np.zeros((len(columns), len(source.history)), np.float32)
    for part in set(parts):
        spoken = [position for position, name in enumerate(parts) if name == part]
        shares = source.evidence(part, columns[spoken])
        if shares is not None:
            evidence[spoken] = shares
    return strongest_seeds(evidence, source.history)


def _song_reasons(seed: Track, pool: Pool) -> list[Reason]:
    return [song_reason(shares, seed) for shares in pool.shares]


def _group_reasons(source: GroupSource, pool: Pool) -> list[Reason]:
    return [group_reason(suited, len(source.members)) for suited in source.suited(pool.columns)]


def _fading(history: History) -> float:
    return CHOICE_SPANS / (1 + history.liked)


def _with_session(history: History, now_s: float | None) -> History:
    if now_s is None or len(history) == 0 or now_s - history.last_at_s.max() > SPENT_S:
        return history
    age_s = np.maximum(now_s - history.last_at_s, 0.0)
    boost = 1.0 + SESSION_BOOST * np.exp2(-age_s / SESSION_HALF_LIFE_S)
    boosted = np.where(history.preference > 0, history.preference * boost, history.preference)
    return History(history.columns, boosted.astype(np.float32), history.last_at_s)
