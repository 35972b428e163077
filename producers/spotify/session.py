"""Asking Spotify through spotipy: paced, counted, never asleep for long, every error one of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import spotipy
from requests.adapters import HTTPAdapter
from spotipy.exceptions import SpotifyException
from urllib3.util.retry import Retry

from producers.simulator.clock import Clock, SystemClock
from producers.spotify.answers import About, Answer, answer_of, refusal
from producers.spotify.budget import Budget, Turn
from producers.spotify.capabilities import KnownCapabilities
from producers.spotify.login import Login, chosen_login, spotify_folder, unreachable
from segue.errors import Postponed, SegueError, SpotifyUnavailable
from segue.logs import fields
from segue.settings import Settings

log = logging.getLogger(__name__)

Question = Callable[[spotipy.Spotify], Any]

CONNECT_TIMEOUT_S = 3.05
WAITS = 2
"""Pauses waited out for one request; a third one ends the command."""
DEFAULT_PAUSE_S = 30.0
"""Of a 429 that names no pause: the length of Spotify's window."""
QUOTA_PAUSE_S = 3_600.0
"""At least, of a spent quota that names no pause."""
EMPTY_ANSWERS = 2
"""Answers without content, one after the other, that are enough."""


class SpotifySession:
    """`may`: what the application may ask; `market`: the country whose catalogue is asked, two letters."""

    def __init__(
        self, client: spotipy.Spotify, http: requests.Session, login: Login, budget: Budget, may: KnownCapabilities, market: str
    ) -> None:
        self._client, self.login, self.budget, self.may, self.market = client, login, budget, may, market
        self._seen: list[requests.Response] = []
        http.hooks["response"].append(self._see)

    def ask(self, question: Question, about: About) -> dict[str, Any]:
        """The answer's JSON object.

        Raises Postponed, SpotifyUnavailable, LoginNeeded, NotAllowed, NotFound or InvalidInput.
        """
        waits, empty, renewed = 0, 0, False
        while True:
            with self.budget.turn() as turn:
                answer = self._exchange(question, turn)
                if answer.status == 429:
                    waits += 1
                    self._pause(turn, answer, waits)
                    continue
            if answer.status == 401 and not renewed:
                self.login.renew()
                renewed = True
            elif answer.status < 300 and answer.body is None:
                empty += 1
                if empty == EMPTY_ANSWERS:
                    raise SpotifyUnavailable("Spotify answers without content: try again later")
            elif answer.status < 300 and answer.body is not None:
                return answer.body
            else:
                raise refusal(answer, about)

    def refused(self, error: SegueError, **capability: bool) -> None:
        """Remember that the application may not do something, and say so once."""
        self.may.learn(**capability)
        log.warning("Spotify does not allow this", extra=fields(reason=error))

    def _exchange(self, question: Question, turn: Turn) -> Answer:
        self._seen.clear()
        try:
            question(self._client)
        except requests.RequestException as error:
            raise unreachable(error) from None
        except (SpotifyException, AttributeError):
            # spotipy trips over an error that is a text; what came is seen by the hook either way.
            if not self._seen:
                raise
        answer = answer_of(self._seen[-1])
        turn.count(answer.retries)
        return answer

    def _pause(self, turn: Turn, answer: Answer, waits: int) -> None:
        """Note the pause for everybody; raises Postponed unless it is short and among the first."""
        asked_s = answer.retry_after_s
        if answer.quota_exceeded:
            until = turn.pause(max(QUOTA_PAUSE_S, turn.oldest_leaves_in_s()) if asked_s is None else asked_s)
            raise Postponed(f"the application's quota at Spotify is spent: nothing is asked before {_time(until)}", until)
        until = turn.pause(DEFAULT_PAUSE_S if asked_s is None else asked_s)
        if waits > WAITS or (asked_s or 0) > self.budget.wait_max_s:
            raise Postponed(f"Spotify wants a pause: nothing is asked before {_time(until)}", until)
        log.info("Spotify wants a pause", extra=fields(until=_time(until)))

    def _see(self, response: requests.Response, *_: object, **__: object) -> None:
        self._seen.append(response)


@contextmanager
def open_session(settings: Settings, clock: Clock | None = None) -> Iterator[SpotifySession]:
    """A session with what the settings say. Raises ConfigurationError or LoginNeeded."""
    quiet_spotipy()
    settings.require_spotify_client_id()
    market = settings.require_spotify_market()
    folder = spotify_folder(settings)
    budget = Budget(
        folder, settings.spotify_requests_per_day, settings.spotify_requests_per_s, settings.spotify_wait_max_s,
        clock or SystemClock(),
    )  # fmt: skip
    with http_session() as accounts, http_session() as http:
        login = chosen_login(settings, accounts)
        client = spotipy.Spotify(
            auth_manager=login, requests_session=http, requests_timeout=(CONNECT_TIMEOUT_S, settings.spotify_timeout_s)
        )
        client.prefix = f"{settings.spotify_api_url.rstrip('/')}/"
        yield SpotifySession(client, http, login, budget, KnownCapabilities(folder, login.account), market)


def http_session() -> requests.Session:
    """Tries again after 5xx and lost connections, shortly; hands 429 out at once.

    urllib3 would sleep through any Retry-After, for hours if it says so.
    """
    retry = Retry(
        total=3, connect=3, read=0, status=3, status_forcelist=[500, 502, 503, 504], respect_retry_after_header=False,
        raise_on_status=False, backoff_factor=0.5, allowed_methods=frozenset(["GET"]),
    )  # fmt: skip
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def quiet_spotipy() -> None:
    """spotipy prints tokens at DEBUG, and as an error what becomes one of ours."""
    for name in ("spotipy.client", "spotipy.oauth2", "spotipy.util", "spotipy.cache_handler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _time(until: Any) -> str:
    return f"{until:%Y-%m-%d %H:%M:%S} UTC"
