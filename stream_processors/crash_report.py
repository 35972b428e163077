"""What the log says of a batch over which the process ends: where it stands and which events are in it, not whose they are."""

from __future__ import annotations

from collections.abc import Sequence

from segue.errors import RefusedByStore
from segue.events import ListeningEvent, decode_listening_record
from segue.topics import LISTENING_EVENTS
from stream_processors.records import Record

MOST_EVENTS = 5


def name_event(record: Record, position: int, event: object = None) -> str:
    """One event's place; its id and type where it could be read. User, track and session ids are left out: they are personal."""
    known = f" event_id={event.event_id} type={event.type}" if isinstance(event, ListeningEvent) else ""
    return f"{record.topic}[{record.partition}] offset={record.offset} position={position}{known}"


def message_of(error: BaseException) -> str:
    """What the error says; of a refusal only the SQLSTATE, since its message may quote an event."""
    if isinstance(error, RefusedByStore):
        return f"refused by the store, and no event alone is at fault (SQLSTATE {getattr(error.__cause__, 'pgcode', None)})"
    return str(error)


def describe_batch(records: Sequence[Record], error: BaseException) -> dict[str, object]:
    """Fields for the log: the span of the batch, its first events, and the one at fault where the error names it."""
    if not records:
        return {"records": 0}
    first, last = records[0], records[-1]
    described: dict[str, object] = {
        "partition": first.partition,
        "offset": first.offset,
        "to_partition": last.partition,
        "to_offset": last.offset,
        "records": len(records),
        "first_events": "; ".join(_first_events(first)),
    }
    at_fault = getattr(error, "__notes__", [])
    return described | ({"at_fault": "; ".join(at_fault)} if at_fault else {})


def _first_events(record: Record) -> list[str]:
    if record.topic != LISTENING_EVENTS:
        return [name_event(record, 0)]
    try:
        events = decode_listening_record(record.value or b"")
    except Exception as error:  # noqa: BLE001 - the process is ending over another error, which must be told
        return [f"not readable: {type(error).__name__}"]
    return [name_event(record, position, event) for position, event in enumerate(events[:MOST_EVENTS])]
