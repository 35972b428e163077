"""What Spotify answered, and what a refusal means to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import requests

from segue.errors import InvalidInput, LoginNeeded, NotAllowed, NotFound, SegueError, SpotifyUnavailable

About = Literal["account", "track", "tracks", "album", "albums", "artist", "search", "saved", "playlists", "playlist",
                "playlist items", "top", "recent", "audio features"]  # fmt: skip
"""What a question is about: one status means different things for different questions."""

QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
CLOSED = "closed"
"""Code of what the application may not ask, where another way may be open."""
MAX_PAUSE_S = 7 * 86_400.0
"""A longer pause is none that anybody would keep: it is asked again after this one."""
MAX_QUOTED = 200
"""Characters of Spotify's own words in a message."""


@dataclass(frozen=True)
class Answer:
    """One answer. `body`: its JSON object; `message` and `reason`: what an error says; `retries`: how often it was asked more."""

    status: int
    body: dict[str, Any] | None
    message: str
    reason: str
    retry_after_s: float | None
    retries: int

    @property
    def quota_exceeded(self) -> bool:
        """Whether the application's share of a day is spent."""
        return self.status == 429 and QUOTA_EXCEEDED in (self.reason, self.message)


def answer_of(response: requests.Response) -> Answer:
    """Read a response, whatever it holds."""
    body = _json(response)
    error = (body or {}).get("error")
    said = error if isinstance(error, dict) else {}
    message = said.get("message") or (error if isinstance(error, str) else None) or ("" if body else response.text)
    reason = said.get("reason") or (body or {}).get("reason") or ""
    return Answer(
        response.status_code, body, str(message)[:MAX_QUOTED].strip(), str(reason), _retry_after(response), _retries(response)
    )


def refusal(answer: Answer, about: About) -> SegueError:
    """The error that an answer other than 200 and 429 stands for."""
    if answer.status >= 500:
        return SpotifyUnavailable(f"Spotify answers {answer.status}: try again later")
    if answer.status == 401:
        return LoginNeeded("Spotify does not take the login: run `segue ingest auth`")
    if answer.status == 404:
        return NotFound(_MISSING.get(about, f"Spotify knows no such {about}"))
    if answer.status == 403:
        return _forbidden(answer.message, about)
    if answer.status == 400 and "limit" in answer.message.casefold():
        return InvalidInput("Spotify gives this application at most 10 results at once", "invalid_limit")
    return InvalidInput(f"Spotify refuses the request about {about} ({answer.status}): {answer.message}", "refused")


_MISSING = {"playlist": "the playlist is missing, private or Spotify's own, which its API does not give out",
            "playlist items": "the playlist is missing, private or Spotify's own, which its API does not give out"}  # fmt: skip


def _forbidden(message: str, about: About) -> SegueError:
    said = message.casefold()
    if "premium" in said:
        return NotAllowed(
            "Spotify answers only if the owner of the application has Premium; after subscribing it may take hours",
            "premium_needed",
        )
    if "not registered" in said or "developer dashboard" in said:
        return NotAllowed(
            "this account is not registered: add it to the application under User Management in Spotify's dashboard (at most 5)",
            "not_registered",
        )
    if "scope" in said:
        return LoginNeeded("the login does not allow this: run `segue ingest auth` again")
    if about == "playlist items":
        return NotAllowed("Spotify gives only playlists that you own or collaborate on: copy it to one of yours", CLOSED)
    if about == "audio features":
        return NotAllowed("audio features are closed to this application since 27 November 2024: tracks come without", CLOSED)
    return NotAllowed(f"this application may not ask Spotify for {about}: {message or 'no reason given'}", CLOSED)


def _json(response: requests.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after(response: requests.Response) -> float | None:
    try:
        return min(MAX_PAUSE_S, max(0.0, float(response.headers["Retry-After"])))
    except (KeyError, ValueError):
        return None


def _retries(response: requests.Response) -> int:
    history = getattr(getattr(response.raw, "retries", None), "history", ())
    return len(history)
