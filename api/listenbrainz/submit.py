"""`POST /1/submit-listens`: listens become plays, all of a request or none; what is playing now is kept until it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from api.access.needs import CALLER_WRITE, needs
from api.bodies import read_body
from api.listenbrainz.listeners import listener_of
from api.listenbrainz.payloads import Listen, PlayingNow, read_submission
from api.listenbrainz.shapes import Done, documented, sent
from api.listenbrainz.tracks import SOURCE
from api.responses import json_response
from api.services import Services
from segue.errors import KafkaUnavailable, RedisUnavailable
from segue.events import ListeningEvent, check_listening_event
from segue.logs import fields
from segue.songs import Song, listen_id
from segue.topics import CATALOGUE

log = logging.getLogger(__name__)


def router(services: Services) -> APIRouter:
    """The route of submissions."""
    routes = APIRouter(tags=["listenbrainz"])

    @routes.post("/1/submit-listens", responses=documented(Done), openapi_extra=sent("Submission"))
    @needs(CALLER_WRITE)
    async def submit_listens(request: Request) -> Response:
        """Take in one listen, up to 1,000 of an import, or what is playing now, of the listener whose token it is.

        200 means that Kafka has stored them all; a listen that is sent again counts once.
        """
        user_id = listener_of(request)
        body = await read_body(request, services.settings.listenbrainz_max_body_bytes)
        sent = await asyncio.to_thread(read_submission, body, time.time())
        if isinstance(sent, PlayingNow):
            await _note_playing(services, user_id, sent)
        else:
            await _take_in(services, user_id, sent)
        return json_response(Done())

    return routes


async def _note_playing(services: Services, user_id: str, sent: PlayingNow) -> None:
    settings, duration_ms = services.settings, sent.song.duration_ms
    lasts_s = settings.listenbrainz_playing_now_s if duration_ms is None else -(-duration_ms // 1_000)
    await services.door.players.put_playing(user_id, sent.metadata, min(lasts_s, settings.listenbrainz_playing_now_max_s))


async def _take_in(services: Services, user_id: str, listens: Sequence[Listen]) -> None:
    """The tracks first: an event whose track has no name yet would show none. Raises KafkaUnavailable."""
    songs, tracks = [listen.song for listen in listens], services.door.tracks
    identified = await tracks.identify(user_id, songs)
    now = datetime.now(UTC)
    events = [_event(user_id, *one, now) for one in zip(listens, identified.track_ids, strict=True)]
    if identified.new:
        await services.events.publish_records(CATALOGUE, identified.new)
        tracks.remember(songs, identified)
    await publish(services, events)
    await _note_recordings(services, user_id, songs, identified.track_ids)


async def publish(services: Services, events: Sequence[ListeningEvent]) -> None:
    """Returns when Kafka has stored all of them. Raises KafkaUnavailable."""
    reasons = await services.events.publish(events)
    lost = [reason for reason in reasons if reason is not None]
    services.metrics.events("accepted", len(reasons) - len(lost))
    services.metrics.events("undelivered", len(lost))
    if lost:
        raise KafkaUnavailable(f"{len(lost)} of {len(reasons)} are not known to be stored ({lost[0]}): send the request again")


async def _note_recordings(services: Services, user_id: str, songs: Sequence[Song], track_ids: Sequence[str]) -> None:
    """For feedback, which names a recording only. The listens are stored already, so they do not fail with Redis."""
    found = {song.recording_mbid: track_id for song, track_id in zip(songs, track_ids, strict=True) if song.recording_mbid}
    if not found:
        return
    try:
        await services.door.players.put_recordings(user_id, found)
    except RedisUnavailable as error:
        services.metrics.degraded([error.service])
        log.warning("recordings not noted", extra=fields(recordings=len(found), reason=str(error)))


def _event(user_id: str, listen: Listen, track_id: str, now: datetime) -> ListeningEvent:
    event = ListeningEvent(
        event_id=listen_id(user_id, listen.listened_at_s, listen.song), type="play",
        user_id=user_id, track_id=track_id, occurred_at=listen.occurred_at(now), ms_played=listen.ms_played, source=SOURCE,
    )  # fmt: skip
    check_listening_event(event, now)
    return event
