"""`segue up --demo`: from nothing to recommendations on real tracks, leaving out what an earlier run has done already."""

from __future__ import annotations

import time
from collections.abc import Callable

from infra.local.api_probe import START_TIMEOUT_S, ApiProbe, ApiUnavailable
from infra.local.programs import LISTENERS, room_names, worker_names
from infra.local.stack import LocalStack, StartFailed
from segue.errors import KafkaUnavailable
from segue.kafka import consumer_lag
from segue.settings import Settings
from segue.topics import CATALOGUE, LISTENING_EVENTS, PLAYLISTS, USERS

BACKLOG_DAYS = 14
SOMEBODY = "listener-00001"
"""The simulated listener whose answers the demo shows."""
SHOWN = 5
CATALOGUE_TIMEOUT_S = 120.0
LAG_TIMEOUT_S = 600.0
MODEL_TIMEOUT_S = 120.0
SOME_ROWS_REJECTED = 3
"""Exit code of `segue ingest` when the rest was taken: public tables have broken rows."""
POLL_S = 0.1
LAG_POLL_S = 0.25


Reading = Callable[[], None] | None


class Demo:
    """The steps from a started stack to the first recommendation; `report` gets a line for each.

    `reading` waits for the end of `segue ingest catalogue`, begun with the servers; None if an earlier run filled the stores and
    trained: the API alone is enough for the first answer then.
    """

    def __init__(
        self, stack: LocalStack, settings: Settings, api: ApiProbe, report: Callable[[str], None], reading: Reading
    ) -> None:
        self.opened_at = 0.0
        self._reading = reading
        self._stack = stack
        self._settings = settings
        self._api = api
        self._report = report

    def open(self) -> None:
        """Run the steps. Raises StartFailed with the log that tells why a step failed."""
        if self._reading is None:
            self._report("catalogue, history and model are there already")
        else:
            self._fill(self._reading)
        self._stack.start("api")
        wait_for_api(self._stack, self._api)
        self._until(self._recommends, MODEL_TIMEOUT_S, "no recommendation from a model came", "api")
        self.opened_at = time.monotonic()
        self._stack.start(*worker_names(self._stack.workers), "trainer", "simulator", *room_names())

    def _fill(self, reading: Callable[[], None]) -> None:
        reading()
        self._report("catalogue read")
        # Begun before the workers have stored the catalogue: loading its code takes as long as that, and then it waits.
        days = str(BACKLOG_DAYS)
        simulate = ("simulate", "--listeners", str(LISTENERS), "--backlog-days", days, "--wait", f"{CATALOGUE_TIMEOUT_S:.0f}s")
        self._step(f"{LISTENERS} listeners, {days} days", *simulate)
        began = time.monotonic()
        self._until(self._caught_up, LAG_TIMEOUT_S, "the workers did not catch up", "process-1")
        self._report(f"history is in Postgres and Redis ({time.monotonic() - began:.1f} s)")
        training = self._stack.begin_segue("train", "--once")
        self._stack.start("api")
        training()
        self._report("first model trained")

    def _step(self, text: str, *command: str) -> None:
        began = time.monotonic()
        self._stack.run_segue(*command)
        self._report(f"{text} ({time.monotonic() - began:.1f} s)")

    def _caught_up(self) -> bool:
        time.sleep(LAG_POLL_S)
        topics = (CATALOGUE, PLAYLISTS, USERS, LISTENING_EVENTS)
        try:
            lag = consumer_lag(self._stack.environment["SEGUE_KAFKA_BOOTSTRAP"], self._settings.kafka_group, topics)
        except KafkaUnavailable:
            return False
        return sum(lag.values()) == 0

    def _recommends(self) -> bool:
        answer = self._api.recommend(SOMEBODY, SHOWN)
        return bool(answer.titles) and answer.model is not None

    def _until(self, condition: Callable[[], bool], timeout_s: float, failure: str, program: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not _holds(condition):
            if time.monotonic() > deadline:
                raise StartFailed(f"{failure} within {timeout_s:.0f} s. {self._stack.last_words(program)}")
            time.sleep(POLL_S)


def begin_catalogue(stack: LocalStack) -> Callable[[], None]:
    """Begin to read the catalogue; call what is returned to wait for its end."""
    return stack.begin_segue("ingest", "catalogue", fine=(0, SOME_ROWS_REJECTED))


def wait_for_api(stack: LocalStack, api: ApiProbe) -> None:
    """Wait until the started API answers. Raises StartFailed."""
    if not api.wait(START_TIMEOUT_S):
        raise StartFailed(f"the API did not answer within {START_TIMEOUT_S:.0f} s. {stack.last_words('api')}")


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except ApiUnavailable:
        return False


def has_model(stack: LocalStack) -> bool:
    """Whether an earlier run left a model: then there is nothing to fill."""
    return any((stack.state.path / "snapshots").glob("*/manifest.json"))
