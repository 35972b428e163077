"""What may be asked of playlists."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.questions import Id, Line

MOST_TRACKS = 10_000
"""What a record may hold; `SEGUE_API_PLAYLIST_TRACKS` is at most this."""

TrackIds = Annotated[list[Id], Field(max_length=MOST_TRACKS)]


class NewPlaylist(BaseModel):
    """A playlist to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    playlist_id: Id | None = Field(default=None, description="Makes a repeated request count once; made up where it is left out.")
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


QUESTIONS = (NewPlaylist, PlaylistPatch, AddedTracks)
