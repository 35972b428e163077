"""The shapes of answers, as https://listenbrainz.readthedocs.io/en/latest/users/json.html has them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from api.schemas import answered
from segue.events import Time

_REF = "#/components/schemas/{model}"


class Done(msgspec.Struct, frozen=True):
    """What was sent is stored."""

    status: str = "ok"


class TokenFound(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose token it is."""

    code: int
    message: str
    valid: bool
    user_name: str | None = None


class ErrorShown(msgspec.Struct, frozen=True):
    """What went wrong; `code` is the status, `problem` the stable name."""

    code: int
    error: str
    problem: str


class TrackMetadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """A track as ListenBrainz describes it."""

    artist_name: str
    track_name: str
    release_name: str | None = None
    additional_info: dict[str, Any] = {}
    mbid_mapping: dict[str, Any] = {}


class SubmittedListen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One listen; `listened_at` in Unix seconds, left out for what is playing now."""

    track_metadata: TrackMetadata
    listened_at: int | None = None


class Submission(msgspec.Struct, frozen=True):
    """Listens of one listener."""

    listen_type: Literal["single", "playing_now", "import"]
    payload: list[SubmittedListen]


class ListenShown(msgspec.Struct, frozen=True):
    """One play; `listened_at` in Unix seconds."""

    listened_at: int
    user_name: str
    recording_msid: str
    track_metadata: TrackMetadata


class ListensShown(msgspec.Struct, frozen=True):
    """Plays, newest first; the times of the listener's newest and first one, 0 without any."""

    count: int
    user_id: str
    listens: list[ListenShown]
    latest_listen_ts: int
    oldest_listen_ts: int


class ListensAnswer(msgspec.Struct, frozen=True):
    """What a listener played."""

    payload: ListensShown


class CountShown(msgspec.Struct, frozen=True):
    """How many."""

    count: int


class CountAnswer(msgspec.Struct, frozen=True):
    """How many plays are stored."""

    payload: CountShown


class PlayingShown(msgspec.Struct, frozen=True):
    """One listen without its time, or none; the metadata as the player sent it."""

    count: int
    user_id: str
    listens: list[dict[str, Any]]
    playing_now: bool = True


class PlayingAnswer(msgspec.Struct, frozen=True):
    """What is playing now."""

    payload: PlayingShown


class RecordingFeedback(msgspec.Struct, frozen=True):
    """What a listener thinks of a recording: 1 love, -1 hate, 0 neither. One of the ids is needed."""

    score: Literal[-1, 0, 1]
    recording_mbid: str | None = None
    recording_msid: str | None = None


class FeedbackShown(msgspec.Struct, frozen=True):
    """A listener's last word on a recording; `created` in Unix seconds."""

    created: int
    score: int
    user_id: str
    recording_msid: str
    recording_mbid: str | None
    track_metadata: TrackMetadata


class FeedbacksAnswer(msgspec.Struct, frozen=True):
    """What a listener thinks of recordings."""

    feedback: list[FeedbackShown]
    count: int
    total_count: int
    offset: int


class JspfExtension(msgspec.Struct, frozen=True, omit_defaults=True):
    """https://musicbrainz.org/doc/jspf#playlist. `additional_metadata.algorithm_metadata.source_patch` names the kind of a list
    that Segue made.
    """

    public: bool
    creator: str
    last_modified_at: Time
    created_for: str | None = None
    additional_metadata: dict[str, dict[str, str]] = {}


class JspfTrackExtension(msgspec.Struct, frozen=True):
    """https://musicbrainz.org/doc/jspf#track"""

    added_by: str
    added_at: Time
    additional_metadata: dict[str, list[dict[str, str]]]
    artist_identifiers: list[str] = []


class JspfTrack(msgspec.Struct, frozen=True, omit_defaults=True):
    """A track; `identifier`: its URIs, the recording of MusicBrainz where Segue knows it; `duration` in milliseconds."""

    identifier: list[str]
    title: str | None = None
    creator: str | None = None
    album: str | None = None
    duration: int | None = None
    extension: dict[str, JspfTrackExtension] = {}


class JspfPlaylist(msgspec.Struct, frozen=True):
    """A playlist; the last part of `identifier` is its id. `track` is empty in listings."""

    identifier: str
    title: str
    creator: str
    date: Time
    track: list[JspfTrack]
    extension: dict[str, JspfExtension]


class JspfAnswer(msgspec.Struct, frozen=True):
    """One playlist as JSPF with the extensions of MusicBrainz."""

    playlist: JspfPlaylist


class PlaylistsListed(msgspec.Struct, frozen=True):
    """A page of playlists, newest first; `playlist_count`: on all pages."""

    count: int
    offset: int
    playlist_count: int
    playlists: list[JspfAnswer]


ANSWERS = (
    Done, TokenFound, Submission, ListensAnswer, CountAnswer, PlayingAnswer, RecordingFeedback, FeedbacksAnswer, ErrorShown,
    JspfAnswer, PlaylistsListed,
)  # fmt: skip


def documented(answer: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers this struct, or an error in the words of ListenBrainz."""
    error = answered(ErrorShown)
    return {
        200: answered(answer),
        "4XX": error | {"description": "The request is wrong; see `error`."},
        "503": error | {"description": "A server is away: send it again later."},
    }


def sent(model: str) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes this struct."""
    schema = {"$ref": _REF.format(model=model)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
