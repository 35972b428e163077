"""`POST /playlists/generate`: a playlist from a prompt of seeds, filters and steering, kept if that is asked for."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from msgspec.structs import replace

from api import examples
from api.access.callers import Listener, caller_of, check_owner
from api.access.needs import OWN_EVENTS, OWN_QUESTION, check_need, needs
from api.answers import Answered, state_shown
from api.bodies import read_model
from api.freshness import awaited_by, event_headers
from api.listener_states import FoundState
from api.playlists import changes
from api.playlists.changes import GENERATED, Limits, version_tag
from api.playlists.generated import GeneratedPlaylist, saved_as, tracks_of
from api.playlists.questions import LENGTH, MAX_LENGTH, NewPlaylist, PlaylistPrompt, Seeds
from api.resources.recommend import unknown_tracks
from api.resources.tracks import require_catalogue
from api.responses import json_response
from api.schemas import NoteShown, answered, documented
from api.services import Services
from api.steering import check_artists, check_genres, renamed, steered
from segue.catalogue import Track
from segue.ids import uuid7
from segue.recommending.answer import FOR_LISTENER
from segue.recommending.lists import Shape
from segue.recommending.prompts import Prompt
from segue.recommending.stages import Stage

FIELDS = {"n": "length", "per_artist": "diversity.per_artist", "per_album": "diversity.per_album"}
"""What the fields that notes name are called in a prompt."""
NOTHING_TO_SAVE = NoteShown("not_saved", "Not saved: there is no track to save", ("save",))
MADE = documented(GeneratedPlaylist, examples.GENERATED) | {
    201: answered(GeneratedPlaylist) | {"description": "Saved; every reader sees it."},
    202: answered(GeneratedPlaylist) | {"description": "Saved: stored in Kafka, not seen by readers yet."},
}


def router(services: Services) -> APIRouter:
    """The route of generated playlists."""
    routes = APIRouter(tags=["playlists"])
    settings = services.settings
    limits = Limits(settings.api_playlist_tracks, settings.api_playlists_per_listener)

    @routes.post(
        "/playlists/generate",
        responses=MADE,
        openapi_extra=examples.asked("PlaylistPrompt", examples.PLAYLIST_PROMPTS),
    )
    @needs(OWN_QUESTION)
    async def generate_playlist(request: Request) -> Response:
        """A playlist from seeds, for nobody or for a listener, of so many tracks or so much time.

        The same prompt, model and state of the listener make the same list. Without `save` nothing is stored.
        """
        asked = await read_model(request, PlaylistPrompt, settings.max_body_bytes)
        owner_id = _owner(request, asked)
        tracks, prompt = _prompt(services, asked.seeds)
        steering = steered(asked, services.catalogue, FOR_LISTENER)
        found = await _state(services, asked)
        made = await services.answers.for_prompt(found.row if found else None, prompt, _shape(asked), steering)
        shown = _shown(services, asked, found, made, unknown_tracks(tracks, "seeds.tracks"))
        headers = event_headers([found.includes_event] if found else [])
        if asked.save and not shown.items:
            shown = replace(shown, notes=(*shown.notes, NOTHING_TO_SAVE))
        if not asked.save or not shown.items:
            return json_response(shown, headers=headers)
        playlist_id = asked.playlist_id or str(uuid7())
        decide = changes.created(playlist_id, owner_id, _new(asked, shown), limits, GENERATED)
        written = await services.playlist_writer.change(playlist_id, decide)
        status = 202 if not written.applied else 200 if written.state is written.stored else 201
        saved = replace(shown, saved=saved_as(playlist_id, written))
        return json_response(saved, status, headers | {"ETag": version_tag(written.version)})

    return routes


def _owner(request: Request, asked: PlaylistPrompt) -> str | None:
    """Whose the list will be. Raises Problem 403, also for who may not save."""
    caller = caller_of(request)
    owner_id = caller.user_id if isinstance(caller, Listener) and asked.user_id is None else asked.user_id
    check_owner(request, *(() if owner_id is None else (owner_id,)))
    if asked.save:
        check_need(request, OWN_EVENTS)
    return owner_id


def _prompt(services: Services, seeds: Seeds) -> tuple[list[Track | None], Prompt]:
    """The seeds' tracks, None for unknown ones, and the prompt. Raises Problem 422, and 503 without a catalogue."""
    require_catalogue(services)
    check_genres(services.catalogue, {"seeds.genres": seeds.genres})
    check_artists(services.catalogue, {"seeds.artists": seeds.artists})
    tracks = [services.catalogue.by_id(track_id) for track_id in seeds.tracks]
    numbers = dict.fromkeys(track.track_no for track in tracks if track is not None)
    return tracks, Prompt(tuple(numbers), tuple(seeds.artists), tuple(seeds.genres), tuple(seeds.moods))


def _shape(asked: PlaylistPrompt) -> Shape:
    tracks = MAX_LENGTH if asked.duration_ms is not None else asked.length or LENGTH
    return Shape(tracks, asked.duration_ms, asked.ordering == "smooth")


async def _state(services: Services, asked: PlaylistPrompt) -> FoundState | None:
    if asked.user_id is None:
        return None
    with Stage("state"):
        return await services.states.find(asked.user_id, awaited_by(asked, services.settings))


def _shown(
    services: Services, asked: PlaylistPrompt, found: FoundState | None, made: Answered, unknown: tuple[NoteShown, ...]
) -> GeneratedPlaylist:
    degraded = tuple(dict.fromkeys((*(found.degraded if found else ()), *made.degraded)))
    services.metrics.degraded(degraded)
    items = tracks_of(made, services.catalogue)
    return GeneratedPlaylist(
        rec_id=str(uuid7()),
        title=asked.title,
        user_id=asked.user_id,
        model_version=made.model_version,
        state=state_shown(found) if found else None,
        degraded=degraded,
        duration_ms=sum(item.duration_ms or 0 for item in items),
        items=items,
        notes=(*unknown, *(renamed(note, FIELDS) for note in made.notes)),
    )


def _new(asked: PlaylistPrompt, shown: GeneratedPlaylist) -> NewPlaylist:
    return NewPlaylist(name=asked.title or "", public=bool(asked.public), track_ids=[item.track_id for item in shown.items])
