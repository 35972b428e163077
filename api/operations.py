"""What operators ask about the stream; each question reads Kafka and may take seconds, so they queue up in one thread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from segue.dead_letters import Letter, newest_letters
from segue.errors import KafkaUnavailable
from segue.kafka import consumer_lag
from segue.settings import Settings
from segue.topics import DEAD_LETTERS, TOPICS

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_S = 10.0
CONSUMED = tuple(topic.name for topic in TOPICS if topic.name != DEAD_LETTERS)


class Operations(Protocol):
    """Every call may raise KafkaUnavailable."""

    async def lag(self) -> Mapping[str, int]:
        """Records that the processors have not acknowledged, by topic."""

    async def letters(self, most: int) -> list[Letter]:
        """The dead letters that came last, newest first, without their bytes."""


class KafkaOperations(Operations):
    """See Operations."""

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self._settings, self._executor = settings, executor

    async def lag(self) -> Mapping[str, int]:
        settings = self._settings
        found = await self._run(consumer_lag, settings.require_kafka(), settings.kafka_group, CONSUMED)
        behind = Counter(dict.fromkeys(CONSUMED, 0))
        for (topic, _), records in found.items():
            behind[topic] += records
        return behind

    async def letters(self, most: int) -> list[Letter]:
        return (await self._run(newest_letters, self._settings, None, most))[::-1]

    async def _run(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        ask = partial(question, *args, **kwargs)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.get_running_loop().run_in_executor(self._executor, ask)
        except TimeoutError:
            raise KafkaUnavailable(f"Kafka gave no answer within {PATIENCE_S:g} s") from None
