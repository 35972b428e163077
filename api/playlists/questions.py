"""What may be asked of playlists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.questions import Artists, Controls, Genres, Heard, Id, Line
from segue.catalogue import MOODS, Mood
from segue.events import OWN_SOURCE

MAX_LENGTH = 250
MAX_DURATION_MS = 43_200_000
MAX_SEED_TRACKS = 100
LENGTH = 25
"""Tracks of a generated playlist of which nothing is said."""
MOST_TRACKS = 10_000
"""What a record may hold; `SEGUE_API_PLAYLIST_TRACKS` is at most this."""


def _not_reserved(playlist_id: str) -> str:
    # Else a listener could take the ids of another one's lists of the week, which can be told beforehand.
    if playlist_id.startswith(OWN_SOURCE):
        raise ValueError(f"begins with {OWN_SOURCE!r}, as the ids of Segue's own playlists do: choose another")
    return playlist_id


NewId = Annotated[Id, AfterValidator(_not_reserved)]
TrackIds = Annotated[list[Id], Field(max_length=MOST_TRACKS)]


class NewPlaylist(BaseModel):
    """A playlist to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    playlist_id: NewId | None = Field(
        default=None, description="Makes a repeated request count once; made up where it is left out."
    )
    owner_id: Id | None = Field(default=None, description="A listener's token makes its own listener's. Nobody's is seen by all.")
    public: bool = Field(default=False, description="Whether other listeners may see it.")
    track_ids: TrackIds = Field(default=[], description="In order; unknown ones are kept, repetitions too.")


class PlaylistPatch(BaseModel):
    """What is to be another way."""

    model_config = ConfigDict(extra="forbid")

    name: Line | None = None
    public: bool | None = None
    track_ids: TrackIds | None = Field(default=None, description="All tracks in their new order; needs If-Match.")

    @model_validator(mode="after")
    def _something(self) -> PlaylistPatch:
        if not self.model_fields_set or any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("give at least one of name, public, track_ids, and none of them as null")
        return self


class AddedTracks(BaseModel):
    """Tracks to be put into a playlist."""

    model_config = ConfigDict(extra="forbid")

    track_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_TRACKS)]
    position: Annotated[int, Field(ge=0, le=MOST_TRACKS)] | None = Field(
        default=None, description="0-based place of the first; at the end if left out. Needs If-Match."
    )


class Seeds(BaseModel):
    """What a playlist is to be like."""

    model_config = ConfigDict(extra="forbid")

    tracks: list[Id] = Field(
        default=[], max_length=MAX_SEED_TRACKS, description="Not in the list themselves; unknown ones are passed over and noted."
    )
    artists: Artists = Field(default=[], description="Their own tracks may be in the list.")
    genres: Genres = Field(default=[], description="Come first; `filters` has what must hold.")
    moods: list[Mood] = Field(default=[], max_length=len(MOODS), description="Come first, too.")


class PlaylistPrompt(Heard):
    """A playlist to be put together."""

    seeds: Seeds = Seeds()
    length: Annotated[int, Field(ge=1, le=MAX_LENGTH)] | None = Field(
        default=None, description=f"Tracks; {LENGTH} if neither this nor duration_ms is given."
    )
    duration_ms: Annotated[int, Field(ge=60_000, le=MAX_DURATION_MS)] | None = Field(
        default=None, description="How long the list is to last, about, in place of length."
    )
    ordering: Literal["scored", "smooth"] = Field(
        default="scored", description="scored: the best first; smooth: from the best on, neighbours close in tempo and energy."
    )
    user_id: Id | None = Field(default=None, description="Whose taste, blocks and history count, and whose a saved list is.")
    title: Line | None = Field(default=None, description="Needed to save.")
    save: bool = Field(default=False, description="Keep the list as a playlist, which needs the scope events.")
    public: bool | None = Field(default=None, description="Whether other listeners may see the saved playlist; else they do not.")
    playlist_id: NewId | None = Field(default=None, description="Of the saved playlist; made up where it is left out.")

    @model_validator(mode="after")
    def _consistent(self) -> PlaylistPrompt:
        if self.length is not None and self.duration_ms is not None:
            raise ValueError("give one of length and duration_ms")
        if self.save and self.title is None:
            raise ValueError("save needs a title")
        given = self.model_fields_set
        if not self.save and (useless := given & {"public", "playlist_id"}):
            raise ValueError(f"{min(useless)} says nothing without save")
        if self.user_id is None and (useless := given & Heard.model_fields.keys() - Controls.model_fields.keys()):
            raise ValueError(f"{min(useless)} says nothing without user_id")
        return self


QUESTIONS = (NewPlaylist, PlaylistPatch, AddedTracks, PlaylistPrompt)
