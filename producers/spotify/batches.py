"""Several things by id in one request, where the application may ask so."""

from __future__ import annotations

from typing import Any, Literal

from producers.spotify.answers import CLOSED
from producers.spotify.session import Question, SpotifySession
from segue.errors import NotAllowed


def at_once(session: SpotifySession, question: Question, about: Literal["tracks", "albums"]) -> dict[str, Any] | None:
    """The answer, or None where they have to be asked for one by one. Raises as `SpotifySession.ask`."""
    if session.may.now.batch is False:
        return None
    try:
        body = session.ask(question, about)
    except NotAllowed as error:
        if error.code != CLOSED:
            raise
        session.refused(error, batch=False)
        return None
    if session.may.now.batch is None:
        session.may.learn(batch=True)
    return body
