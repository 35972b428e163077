"""What became of the records that a producer was given."""

from __future__ import annotations

from confluent_kafka import KafkaError, Producer

FLUSH_TIMEOUT_S = 35.0
"""A little over the producer's message.timeout.ms, so that every delivery report has come."""


class Deliveries:
    """The delivery reports of one producer; pass `heard` as each record's `on_delivery`."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._errors: list[KafkaError] = []

    def heard(self, error: KafkaError | None, _message: object) -> None:
        """A report came."""
        if error is not None:
            self._errors.append(error)

    def forget(self) -> None:
        """What failed before is sent again."""
        self._errors.clear()

    def shortfall(self) -> tuple[int, str] | None:
        """Wait for every report; how many records the broker does not have, and why, or None if it has all."""
        unsent = self._producer.flush(FLUSH_TIMEOUT_S)
        if not unsent and not self._errors:
            return None
        reason = self._errors[0].str() if self._errors else f"no report after {FLUSH_TIMEOUT_S:.0f} s"
        return unsent + len(self._errors), reason
