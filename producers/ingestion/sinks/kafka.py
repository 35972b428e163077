"""Imports into Kafka, the road that everything takes."""

from __future__ import annotations

from collections.abc import Callable

from producers.ingestion.pages import Checked, key_of
from producers.publisher import Publisher
from segue.topics import CATALOGUE, PLAYLISTS, USERS

_TOPICS = {"users": USERS, "tracks": CATALOGUE, "playlists": PLAYLISTS}


class KafkaSink:
    """Publishes pages; `settle_s`: how long Kafka may take to acknowledge one.

    `prepare` is called before the first item: what can be read before Kafka is there is read, and a wrong file needs no Kafka.
    """

    def __init__(self, publisher: Publisher, settle_s: float, prepare: Callable[[], None]) -> None:
        self._publisher, self._settle_s, self._prepare = publisher, settle_s, prepare
        self._prepared = False

    def write(self, page: Checked) -> None:
        """Queue a page: names before listens. Raises KafkaUnavailable, and what `prepare` raises."""
        if not self._prepared and page.published:
            self._prepare()
            self._prepared = True
        for kind, topic in _TOPICS.items():
            self._publisher.publish_records(topic, ((key_of(item), item) for item in page.kinds[kind]))
        if page.kinds["listens"]:
            self._publisher.publish_events(page.kinds["listens"])

    def settle(self) -> None:
        """Wait for the acknowledgements of all replicas. Raises KafkaUnavailable."""
        self._publisher.flush(self._settle_s)

    def finish(self) -> None:
        """Everything is acknowledged already."""

    def abandon(self) -> None:
        """What was published stays: published again, it counts once."""
