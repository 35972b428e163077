"""What Spotify lets this application and account do: one request for each thing, and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from producers.spotify.answers import CLOSED
from producers.spotify.records import object_of
from producers.spotify.session import SpotifySession
from segue.errors import InvalidInput, NotAllowed, NotFound

Verdict = Literal["yes", "no", "unclear"]

A_TRACK = "11dFghVXANMlKmJXsNCbNl"
"""The track of Spotify's own examples."""


@dataclass(frozen=True)
class Finding:
    """One capability and what it means."""

    what: str
    verdict: Verdict
    sentence: str


def examined(session: SpotifySession) -> Iterator[Finding]:
    """Every capability, each asked for once and remembered. Raises what concerns all of them, such as LoginNeeded."""
    if session.login.personal:
        session.ask(lambda client: client.me(), "account")
        yield Finding("login", "yes", "a person is logged in: saved tracks, playlists, top and recent tracks can be read")
        yield _playlists(session)
    else:
        yield Finding("login", "no", "only the catalogue can be read: `segue ingest auth` opens a person's own data")
    yield _track(session)
    yield _batch(session)
    yield _limit(session)
    yield _features(session)


def _playlists(session: SpotifySession) -> Finding:
    total = session.ask(lambda client: client.current_user_playlists(limit=1), "playlists").get("total")
    return Finding("playlists", "yes", f"{total} in the library; those of others may not be readable")


def _track(session: SpotifySession) -> Finding:
    try:
        body = session.ask(lambda client: client.track(A_TRACK, market=session.market), "track")
    except NotFound:
        return Finding("tracks", "unclear", f"the track that was asked for is not available in {session.market}")
    full = "popularity" in body
    session.may.learn(popularity=full)
    return Finding("tracks", "yes", "with popularity" if full else "without popularity, as newer applications get them")


def _batch(session: SpotifySession) -> Finding:
    allowed = _allowed(session, lambda client: client.tracks([A_TRACK], market=session.market), "tracks")
    session.may.learn(batch=allowed)
    meaning = "50 tracks by id in one request" if allowed else "each track by id is a request: prefer saved tracks and playlists"
    return Finding("several ids", _verdict(allowed), meaning)


def _limit(session: SpotifySession) -> Finding:
    try:
        session.ask(lambda client: client.search("a", limit=11, market=session.market), "search")
        allowed = True
    except InvalidInput as error:
        if error.code != "invalid_limit":
            raise
        allowed = False
    session.may.learn(large_limit=allowed)
    return Finding("search", "yes", f"up to {session.may.now.limit} results in one request")


def _features(session: SpotifySession) -> Finding:
    allowed = _allowed(session, lambda client: client._get("audio-features", ids=A_TRACK), "audio features")
    session.may.learn(features=allowed)
    if allowed:
        return Finding("audio features", "yes", "tracks come with them")
    return Finding("audio features", "no", "closed to this application since 27 November 2024: see `segue ingest features`")


def _allowed(session: SpotifySession, question: Callable[[Any], Any], about: Literal["tracks", "audio features"]) -> bool:
    try:
        body = session.ask(question, about)
    except NotAllowed as error:
        if error.code != CLOSED:
            raise
        return False
    return bool(object_of(body))


def _verdict(allowed: bool) -> Verdict:
    return "yes" if allowed else "no"
