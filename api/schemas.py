"""The shapes of answers (msgspec, for speed), and all shapes as OpenAPI components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel

from api.questions import QUESTIONS
from segue.catalogue import Mood, Track
from segue.events import AudioFeatures, Time
from segue.trending.windows import WindowName

TrendingOrder = Literal["top", "rising"]

T = TypeVar("T")


def unset_if_none(value: T | None) -> T | msgspec.UnsetType:
    """For members that an answer leaves out where they say nothing."""
    return msgspec.UNSET if value is None else value


class ReasonShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a track is here: a stable code, words for people, and the listener's own track or the chosen artist behind it."""

    code: str
    text: str
    seed_track_id: str | None
    seed_artist: str | None = None


class Item(msgspec.Struct, frozen=True):
    """One recommended track. `sources`: which models brought it up. `propensity`: with which probability this track got this slot
    (1 without exploration). `suits`: in a group, the members who like it.
    """

    track_id: str
    name: str
    artists: tuple[str, ...]
    score: float
    reason: ReasonShown
    sources: tuple[str, ...]
    propensity: float = 1.0
    suits: tuple[str, ...] = ()


class NoteShown(msgspec.Struct, frozen=True):
    """What to know about an answer: why there are no or few tracks, which caps gave way. `fields`: of the request."""

    code: str
    text: str
    fields: tuple[str, ...]


class StateShown(msgspec.Struct, frozen=True):
    """The listener's state behind an answer. `age_ms`: since it was last written (Redis) or read (Postgres).

    `includes_event`: whether it holds the event named by `min_event_id`; absent if none was.
    """

    events: int
    last_event_at: Time | None
    age_ms: int | None
    source: Literal["redis", "postgres", "none"]
    includes_event: bool | msgspec.UnsetType = msgspec.UNSET


class ListenerAnswer(msgspec.Struct, frozen=True):
    """`degraded` names what was needed and did not answer; empty when all is well. `seed`: of the exploration, if any."""

    rec_id: str
    user_id: str
    model_version: str | None
    state: StateShown
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] = ()
    seed: int | None = None


class SongAnswer(msgspec.Struct, frozen=True):
    """Songs like `track_id`."""

    rec_id: str
    track_id: str
    model_version: str | None
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] = ()
    seed: int | None = None


class NextAnswer(msgspec.Struct, frozen=True):
    """What goes on with a session or a playlist."""

    rec_id: str
    model_version: str | None
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] = ()
    seed: int | None = None


class MemberShown(msgspec.Struct, frozen=True):
    """One listener of a group and the state behind the answer."""

    user_id: str
    state: StateShown


class GroupAnswer(msgspec.Struct, frozen=True):
    """What suits several listeners together."""

    rec_id: str
    model_version: str | None
    members: tuple[MemberShown, ...]
    degraded: tuple[str, ...]
    items: tuple[Item, ...]
    notes: tuple[NoteShown, ...] = ()
    seed: int | None = None


class TrackShown(msgspec.Struct, frozen=True):
    """A track of the catalogue; `popularity` 0..100, `duration_ms` in milliseconds."""

    track_id: str
    name: str
    artists: tuple[str, ...]
    album: str | None
    year: int | None
    duration_ms: int | None
    explicit: bool | None
    popularity: int | None
    genres: tuple[str, ...]
    mood: Mood | None
    features: AudioFeatures | None

    @classmethod
    def of(cls, track: Track) -> TrackShown:
        """A catalogue track without its internal number."""
        return cls(
            track.track_id, track.name, track.artists, track.album, track.year, track.duration_ms, track.explicit,
            track.popularity, track.genres, track.mood, track.features,
        )  # fmt: skip


class TrendingTrack(msgspec.Struct, frozen=True):
    """A track of a chart. `place`: from 1, before filters. `listeners`: who heard it within the window. `score`: what the chart
    is ordered by. `growth`: how many times as many listeners as usual; None while there is nothing to compare with.
    """

    place: int
    track_id: str
    name: str
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    mood: Mood | None
    listeners: int
    score: float
    growth: float | None


class TrendingAnswer(msgspec.Struct, frozen=True):
    """A chart as of `counted_at`; the header Age has the seconds since."""

    window: WindowName
    order: TrendingOrder
    counted_at: Time
    degraded: tuple[str, ...]
    items: tuple[TrendingTrack, ...]
    notes: tuple[NoteShown, ...] = ()


class TracksFound(msgspec.Struct, frozen=True):
    """Answer of a search. `forgiven`: typing errors were looked for. `next_cursor`: None on the last page."""

    query: str
    items: tuple[TrackShown, ...]
    forgiven: bool
    next_cursor: str | None


class TracksAnswer(msgspec.Struct, frozen=True):
    """Several tracks, and the ids that name none."""

    items: tuple[TrackShown, ...]
    missing: tuple[str, ...]


class AudioShown(msgspec.Struct, frozen=True):
    """How a track sounds. `ranks`: for each feature the share (0..1) of the catalogue with less of it; empty without a model.
    `genre_ranks`: the same for the middle of the track's first genre, `genre`.
    """

    track_id: str
    mood: Mood | None
    features: AudioFeatures | None
    key: str | None
    ranks: dict[str, float]
    degraded: tuple[str, ...]
    genre: str | None = None
    genre_ranks: dict[str, float] = {}


class Counted(msgspec.Struct, frozen=True):
    """A name and its number of tracks."""

    name: str
    tracks: int


class CountsAnswer(msgspec.Struct, frozen=True):
    """Names with their numbers of tracks, most tracks first; `tracks`: of the whole catalogue."""

    tracks: int
    items: tuple[Counted, ...]


class ModelShown(msgspec.Struct, frozen=True):
    """A model of the registry. `verdict`: promoted (champion now or before), kept (never promoted), retired (taken back)."""

    version: str
    created_at: Time
    verdict: Literal["promoted", "kept", "retired"]
    champion: bool
    serving: bool
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]


class ModelsAnswer(msgspec.Struct, frozen=True):
    """The registry, newest first; `serving`: the version that this process answers with."""

    champion: str | None
    serving: str | None
    items: tuple[ModelShown, ...]


class EventOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event of the request; `index` is its position."""

    index: int
    status: Literal["accepted", "rejected", "undelivered"]
    event_id: str | None = None
    code: str | None = None
    message: str | None = None


class EventsAnswer(msgspec.Struct, frozen=True):
    """Answer of POST /events."""

    accepted: int
    rejected: int
    events: tuple[EventOutcome, ...]


class TokenAnswer(msgspec.Struct, frozen=True):
    """A listener's token; send it as `Authorization: Bearer …`."""

    token: str
    user_id: str
    expires_at: Time


State = Literal["ok", "degraded", "unavailable"]


class IndexAnswer(msgspec.Struct, frozen=True):
    """What there is; `links` by name."""

    name: str
    version: str
    links: Mapping[str, str]


class HealthAnswer(msgspec.Struct, frozen=True):
    """The process is alive."""

    status: Literal["ok"]


class DependencyShown(msgspec.Struct, frozen=True):
    """What an answer needs and how it is. `version` and `created_at`: of the model; `tracks`: of the catalogue."""

    status: State
    reason: str | None
    version: str | msgspec.UnsetType | None = msgspec.UNSET
    created_at: Time | msgspec.UnsetType | None = msgspec.UNSET
    tracks: int | msgspec.UnsetType = msgspec.UNSET


class ReadinessAnswer(msgspec.Struct, frozen=True):
    """Whether recommendations can be answered; `degraded` names the dependencies that are not as they should be."""

    status: State
    degraded: tuple[str, ...]
    dependencies: Mapping[str, DependencyShown]


class ProblemShown(msgspec.Struct, frozen=True):
    """An error; see api.problems."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: tuple[dict[str, str], ...] = ()


ANSWERS = (
    ListenerAnswer, SongAnswer, NextAnswer, GroupAnswer, TrackShown, TracksFound, TracksAnswer, AudioShown, EventsAnswer,
    CountsAnswer, TrendingAnswer, ModelShown, ModelsAnswer, TokenAnswer, ProblemShown, IndexAnswer, HealthAnswer,
    ReadinessAnswer,
)  # fmt: skip
_REF = "#/components/schemas/{model}"


def components(
    answers: Sequence[type[msgspec.Struct]] = ANSWERS, questions: Sequence[type[BaseModel]] = QUESTIONS
) -> dict[str, Any]:
    """Their JSON Schemas, as OpenAPI components."""
    _, schemas = msgspec.json.schema_components(answers, ref_template="#/components/schemas/{name}")
    for question in questions:
        schema = question.model_json_schema(ref_template=_REF)
        schemas |= schema.pop("$defs", {}) | {question.__name__: schema}
    return schemas


def documented(
    answer: type[msgspec.Struct], example: dict[str, Any] | None = None, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers this struct, or a problem."""
    return {status: answered(answer, example)} | refusals()


def tagged(answer: type[msgspec.Struct], example: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers this struct by `api.responses.tagged_response`, or a problem."""
    tag = {"ETag": {"description": "Send it as If-None-Match.", "schema": {"type": "string"}}}
    unchanged = {"description": "What If-None-Match names is what would be answered.", "headers": tag}
    return {200: answered(answer, example) | {"headers": tag}, 304: unchanged} | refusals()


def answered(answer: type[msgspec.Struct], example: dict[str, Any] | None = None) -> dict[str, Any]:
    """One response that is this struct."""
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(model=answer.__name__)}}
    if example is not None:
        content["example"] = example
    return {"description": "Answered.", "content": {"application/json": content}}


def refusals() -> dict[int | str, dict[str, Any]]:
    """The responses of every route that are problems."""
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(model=ProblemShown.__name__)}}}
    later = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return {
        "4XX": {"description": "The request is wrong; see `code`.", "content": problem},
        "503": {"description": "A server is away.", "headers": later, "content": problem},
    }
