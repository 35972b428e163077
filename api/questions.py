"""What may be asked: pydantic models, so that every wrong field is named at once."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from segue.catalogue import Mood
from segue.errors import InvalidEvent
from segue.events import MAX_ARTIST, MAX_BLOCK, MAX_POSITION, check_id
from segue.ids import MAX_ID_BYTES

MAX_ANSWERS = 100
MAX_EXCLUDED = 1_000
MAX_GENRES = 50
MAX_ARTISTS = 50
MAX_BLOCKED = 1_000
MAX_SESSION = 200
MAX_PLAYLIST = 1_000
MAX_TITLE = 200
MAX_MEMBERS = 10
MAX_HEARD_DAYS = 36_500
NOT_NOW_DAYS = 30
Action = Literal["like", "unlike", "dislike", "undislike", "block", "unblock", "not_now", "block_artist", "unblock_artist"]
MAX_SEED = 2**53 - 1
"""Whole numbers up to here survive every JSON reader."""


def _id(value: str) -> str:
    try:
        check_id("it", value)
    except InvalidEvent as error:
        raise ValueError(str(error)) from None
    return value


def _line(value: str) -> str:
    line = value.strip()
    if not line:
        raise ValueError("is empty")
    if not line.isprintable():
        raise ValueError("has control characters, line breaks or unassigned characters")
    return line


Id = Annotated[str, AfterValidator(_id), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_ID_BYTES})]
Line = Annotated[str, Field(max_length=MAX_TITLE), AfterValidator(_line)]
"""A name or title: one line of signs that can be seen."""
Count = Annotated[int, Field(ge=1, le=MAX_ANSWERS)]
Year = Annotated[int, Field(ge=1000, le=9999)]
Popularity = Annotated[int, Field(ge=0, le=100)]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Genres = Annotated[list[str], Field(max_length=MAX_GENRES)]
Artists = Annotated[list[str], Field(max_length=MAX_ARTISTS)]
FeatureName = Literal[
    "danceability", "energy", "loudness", "speechiness", "acousticness", "instrumentalness", "liveness", "valence", "tempo"
]
_CLOSED = ConfigDict(extra="forbid")


class Bounds(BaseModel):
    """From `min` to `max`, both included; one may be left out."""

    model_config = _CLOSED

    min: Finite | None = None
    max: Finite | None = None


class WantedTracks(BaseModel):
    """Which tracks may be answered; everything that is given must hold."""

    model_config = _CLOSED

    genres: Genres = Field(default=[], description="Any of these genres.")
    exclude_genres: Genres = Field(default=[], description="None of these genres.")
    moods: list[Mood] = Field(default=[], max_length=4, description="Any of these moods.")
    year_min: Year | None = None
    year_max: Year | None = None
    explicit: bool | None = Field(default=None, description="false leaves explicit tracks out; true asks for them only.")
    popularity_min: Popularity | None = None
    popularity_max: Popularity | None = None
    features: dict[FeatureName, Bounds] = Field(
        default={}, description="Bounds of audio features: tempo in beats per minute, loudness in dB, the others 0..1."
    )


class Blocks(BaseModel):
    """What is never wanted: every version of these tracks, everything with these artists, as guests too."""

    model_config = _CLOSED

    tracks: list[str] = Field(default=[], max_length=MAX_BLOCKED, description="Track ids; unknown ones are ignored.")
    artists: list[str] = Field(default=[], max_length=MAX_BLOCKED, description="Names; case does not matter.")


class Variety(BaseModel):
    """How mixed an answer is; what is left out stays as usual."""

    model_config = _CLOSED

    strength: Unit | None = Field(default=None, description="0 keeps the ranking, 1 looks at variety only.")
    per_artist: Count | None = Field(default=None, description="Most tracks of one artist, unless too few others remain.")
    per_album: Count | None = Field(default=None, description="Most tracks of one album, unless too few others remain.")


class Explore(BaseModel):
    """Slots given to chance."""

    model_config = _CLOSED

    epsilon: Unit = Field(default=0.0, description="Probability with which each slot is given to a track outside of the ranking.")
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED, description="Draws the same again; without it, a fresh one.")


class Controls(BaseModel):
    """What every question may say of the tracks that are wanted."""

    model_config = _CLOSED

    exclude: list[str] = Field(
        default=[], max_length=MAX_EXCLUDED, description="Track ids to leave out; unknown ones are ignored."
    )
    blocks: Blocks = Blocks()
    filters: WantedTracks = WantedTracks()
    adventurousness: Unit = Field(default=0.5, description="0: familiar; 1: little known and far; 0.5: no leaning.")
    diversity: Variety = Variety()


class Steered(Controls):
    """Questions that are answered by so many tracks."""

    n: Count = 10
    exploration: Explore = Explore()


class Heard(Controls):
    """Questions about listeners with a history."""

    heard_days: Annotated[float, Field(ge=0, le=MAX_HEARD_DAYS, allow_inf_nan=False)] | None = Field(
        default=None, description="Hide what was heard within so many days; 0 shows all, none given hides all that was heard."
    )
    min_event_id: uuid.UUID | None = Field(
        default=None, description="The answer is to include this event, as POST /events and feedback named it."
    )
    max_wait_ms: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="How long the answer may wait for it; `state.includes_event` says whether it came."
    )
    require_event: bool = Field(default=False, description="Rather a 409 than an answer without it.")


class Listened(Heard, Steered):
    """Both."""


class ListenerQuestion(Listened):
    """What to recommend to a listener."""

    user_id: Id
    genres: Genres = Field(default=[], description="Genres the listener likes; they steer the first answers of a new listener.")
    artists: Artists = Field(default=[], description="Artists the listener likes; they steer the first answers, too.")


class SessionTrack(BaseModel):
    """One track of a session and what became of it."""

    model_config = _CLOSED

    track_id: Id
    outcome: Literal["play", "skip"] = "play"


def _step(value: object) -> object:
    return {"track_id": value} if isinstance(value, str) else value


SessionStep = Annotated[SessionTrack, BeforeValidator(_step, json_schema_input_type=Id | SessionTrack)]


class SessionQuestion(Steered):
    """What to play next in a session without an account."""

    tracks: list[SessionStep] = Field(max_length=MAX_SESSION, description="Oldest first; a plain id was played.")


class PlaylistQuestion(Steered):
    """What else belongs in a playlist."""

    tracks: list[Id] = Field(default=[], max_length=MAX_PLAYLIST)
    title: str = Field(default="", max_length=MAX_TITLE, description="Words of genres, moods, artists and titles are heard.")


class GroupQuestion(Listened):
    """What to play to several listeners together."""

    user_ids: list[Id] = Field(min_length=1, max_length=MAX_MEMBERS)


class Feedback(BaseModel):
    """What a listener says about a track or an artist."""

    model_config = _CLOSED

    action: Action
    track_id: Id | None = Field(default=None, description="Needed by all but block_artist and unblock_artist.")
    artist: str | None = Field(default=None, min_length=1, max_length=MAX_ARTIST, description="Whom block_artist is about.")
    days: Annotated[float, Field(gt=0, le=MAX_BLOCK.days, allow_inf_nan=False)] | None = Field(
        default=None, description=f"How long a block lasts; for good if left out, {NOT_NOW_DAYS} days for not_now."
    )
    rec_id: uuid.UUID | None = Field(default=None, description="Of the answer in which the track stood.")
    position: Annotated[int, Field(ge=0, le=MAX_POSITION)] | None = None
    event_id: uuid.UUID | None = Field(default=None, description="Makes a repeated request count once.")

    @model_validator(mode="after")
    def _about_something(self) -> Feedback:
        about_artist = self.action in ("block_artist", "unblock_artist")
        if about_artist and self.artist is None:
            raise ValueError(f"{self.action} needs an artist")
        if not about_artist and self.track_id is None:
            raise ValueError(f"{self.action} needs a track_id")
        if self.days is not None and self.action not in ("block", "block_artist", "not_now"):
            raise ValueError(f"{self.action} has no days")
        return self


class NewProfile(BaseModel):
    """All of a profile: what is left out is taken out."""

    model_config = _CLOSED

    display_name: Line | None = None
    genres: Annotated[list[Line], Field(max_length=MAX_GENRES)] = Field(
        default=[], description="What the listener likes; they lead the first answers. Unknown ones are kept."
    )


QUESTIONS = (ListenerQuestion, SessionQuestion, PlaylistQuestion, GroupQuestion, Feedback, NewProfile)
