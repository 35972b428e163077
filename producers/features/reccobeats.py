"""Asking ReccoBeats: paced, counted, bounded in time and size, every failure one of our errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from producers.features.reccobeats_answers import Told, read_answer, retry_after_s
from producers.simulator.clock import Clock
from producers.spotify.budget import Budget, Turn
from segue.errors import ConfigurationError, InvalidInput, Postponed, Unavailable
from segue.settings import Settings

MOST_IDS = 40
"""In one request; more are refused."""
MAX_ANSWER_BYTES = 1_000_000
"""Forty tracks take about 16,000."""
ATTEMPTS = 3
"""Of a request that gets no answer, or one of a server in trouble."""
BACKOFF_S = 1.0
WAITS = 2
"""Pauses waited out for one request; a third one ends the command."""
DEFAULT_PAUSE_S = 30.0
"""Of a 429 that names no pause."""
CONNECT_TIMEOUT_S = 5.0


class ReccoBeats:
    """`url`: of the service; `timeout_s`: for a whole answer."""

    def __init__(self, http: httpx.Client, url: str, budget: Budget, clock: Clock, timeout_s: float) -> None:
        self._http, self._url, self._budget, self._clock = http, f"{url.rstrip('/')}/v1/audio-features", budget, clock
        self._timeout_s = timeout_s

    def ask(self, ids: Sequence[str]) -> Told:
        """What it knows of at most MOST_IDS ids. Raises Postponed, Unavailable, InvalidInput or ConfigurationError."""
        waits = failures = 0
        while True:
            try:
                with self._budget.turn() as turn:
                    status, headers, body = self._exchange(ids)
                    if status == 429:
                        waits += 1
                        self._pause(turn, headers.get("Retry-After"), waits)
                        continue
                if status < 500:
                    return self._read(status, body, ids)
                failure = f"ReccoBeats answers {status}"
            except httpx.InvalidURL as error:
                raise ConfigurationError(f"{self._url} is no address ({error}): check SEGUE_RECCOBEATS_URL") from None
            except httpx.HTTPError as error:
                failure = f"ReccoBeats at {self._url} does not answer ({type(error).__name__})"
            failures += 1
            if failures == ATTEMPTS or self._clock.stopped():
                raise Unavailable(f"{failure}: try again later")
            self._clock.wait(BACKOFF_S * 2 ** (failures - 1))

    def _exchange(self, ids: Sequence[str]) -> tuple[int, httpx.Headers, bytes]:
        deadline = time.monotonic() + self._timeout_s
        with self._http.stream("GET", self._url, params={"ids": ",".join(ids)}) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx.ReadError("an answer without end")
                # A server that sends a byte now and then never runs into the timeout of one read.
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("too slow")
        return response.status_code, response.headers, bytes(body)

    def _read(self, status: int, body: bytes, ids: Sequence[str]) -> Told:
        if status == 200:
            return read_answer(body, ids)
        if status in {301, 302, 303, 307, 308, 404}:
            raise ConfigurationError(f"{self._url} is not where ReccoBeats answers ({status}): check SEGUE_RECCOBEATS_URL")
        said = body[:200].decode("utf-8", "replace")
        raise InvalidInput(f"ReccoBeats refuses the request ({status}: {said!r}): what it takes may have changed", "refused")

    def _pause(self, turn: Turn, retry_after: str | None, waits: int) -> None:
        """Note the pause for everybody; raises Postponed unless it is short and among the first."""
        asked_s = retry_after_s(retry_after, self._clock.now_s())
        until = turn.pause(DEFAULT_PAUSE_S if asked_s is None else asked_s)
        if waits > WAITS or (asked_s or 0) > self._budget.wait_max_s:
            raise Postponed(f"ReccoBeats wants a pause: nothing is asked before {until:%Y-%m-%d %H:%M:%S} UTC", until)


@contextmanager
def open_reccobeats(settings: Settings, clock: Clock) -> Iterator[ReccoBeats]:
    """The service with what the settings say."""
    budget = Budget(
        settings.state_dir / "reccobeats", settings.reccobeats_requests_per_day, settings.reccobeats_requests_per_s,
        settings.reccobeats_wait_max_s, clock, "ReccoBeats", "SEGUE_RECCOBEATS_REQUESTS_PER_DAY",
    )  # fmt: skip
    timeout = httpx.Timeout(settings.reccobeats_timeout_s, connect=CONNECT_TIMEOUT_S)
    with httpx.Client(timeout=timeout, headers={"Accept": "application/json"}) as http:
        yield ReccoBeats(http, settings.reccobeats_url, budget, clock, settings.reccobeats_timeout_s)
