"""Faults, drawn by a seeded generator, and the load they fall on."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import KafkaError, Producer

from infra.local.stack import LocalStack
from segue.events import ListeningEvent, encode_envelope
from segue.kafka import producer_config
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS
from tests.publishing import random_events

SERVERS = ("kafka", "postgres", "redis")
STOPPED_S = 5.0
"""Longer than the consumers' session timeout: a stopped worker comes back as a zombie."""
PER_RECORD = 20


class Load(threading.Thread):
    """Publishes events until stopped, each again until the broker has acknowledged it; `published` is what must be stored."""

    def __init__(self, settings: Settings, seed: int, prefix: str, rate_per_s: float = 1_000) -> None:
        super().__init__(daemon=True)
        self._producer = Producer(producer_config(settings) | {"message.timeout.ms": 60_000})
        self._partitions, self._seed, self._prefix = settings.kafka_partitions, seed, prefix
        self._pause_s = PER_RECORD / rate_per_s
        self._ending = threading.Event()
        self._failed: list[tuple[int, bytes]] = []
        self.published: list[ListeningEvent] = []

    def run(self) -> None:
        """One envelope after another, at the asked rate."""
        rng, number = random.Random(self._seed), 0
        while not self._ending.wait(self._pause_s):
            number += 1
            user_id = f"{self._prefix}-{rng.randrange(100)}"
            events = random_events(PER_RECORD, self._seed * 1_000_003 + number, self._prefix, users=1)
            events = [_of(event, user_id) for event in events]
            # Some requests are sent twice, as by a client that saw no answer.
            for _ in range(1 + (number % 10 == 0)):
                self._send(partition_for(user_id, self._partitions), encode_envelope(events))
            self.published += events

    def stop(self) -> None:
        """End the load and return when the broker has everything."""
        self._ending.set()
        self.join()
        self._producer.flush(120)
        while self._failed:
            failed, self._failed = self._failed, []
            for partition, value in failed:
                self._send(partition, value)
            self._producer.flush(120)

    def _send(self, partition: int, value: bytes) -> None:
        def delivered(error: KafkaError | None, _message: object) -> None:
            if error is not None:
                self._failed.append((partition, value))

        self._producer.produce(LISTENING_EVENTS, value, partition=partition, on_delivery=delivered)
        self._producer.poll(0)


def _of(event: ListeningEvent, user_id: str) -> ListeningEvent:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return ListeningEvent(**fields | {"user_id": user_id})


@dataclass(frozen=True)
class Fault:
    """One fault: what to do to which program."""

    kind: str
    program: str

    def __str__(self) -> str:
        return f"{self.kind} {self.program}"


def draw_faults(seed: int, count: int, workers: int) -> list[Fault]:
    """`count` faults over workers and servers, every kind of program hit in every five."""
    rng = random.Random(seed)
    faults = []
    for number in range(count):
        turn = ("worker", *SERVERS, "worker")[number % 5]
        program = f"process-{rng.randrange(workers) + 1}" if turn == "worker" else turn
        faults.append(Fault(rng.choice(("kill -9", "SIGSTOP and SIGCONT", "restart")), program))
    rng.shuffle(faults)
    return faults


def inflict(stack: LocalStack, fault: Fault, pause: Callable[[float], None]) -> None:
    """Do it, and return when the program runs again."""
    if fault.kind == "kill -9":
        stack.kill(fault.program, signal.SIGKILL)
    elif fault.kind == "restart":
        stack.stop(fault.program)
        stack.start(fault.program)
    else:
        stack.kill(fault.program, signal.SIGSTOP)
        pause(STOPPED_S)
        stack.kill(fault.program, signal.SIGCONT)
    if fault.program in SERVERS:
        stack.wait_ready(fault.program, 60)
