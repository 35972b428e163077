"""The AsyncAPI document of the topics, made from the structs of `segue.events` and the map of `segue.topics`.

`make docs` writes it to docs/asyncapi.json; a test keeps it equal to the code, and encoded events valid by it. Written from
Segue's side, as AsyncAPI asks: it receives what players and importers send.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from segue import __version__
from segue.events import (
    MAX_RECORD_EVENTS,
    VERSION,
    CatalogueTrack,
    ListeningEvent,
    PlaylistRecord,
    UserRecord,
)
from segue.ids import MAX_ID_BYTES
from segue.kafka import topic_config
from segue.topics import CATALOGUE, DEAD_LETTERS, LISTENING_EVENTS, PLAYLISTS, TOPICS, USERS, Topic
from segue.tracing import TRACEPARENT

DESCRIPTION = """What flows through Kafka. Unknown fields are ignored; an unknown `type` or `v` goes to the dead letters.

Records are keyed as each channel says and partitioned by murmur2 of the key, as Java clients and librdkafka's `murmur2_random`
do. An event that is found in another partition is sent on to its own."""

KAFKA_BINDING = "0.5.0"
KEYED: dict[str, type[msgspec.Struct]] = {CATALOGUE: CatalogueTrack, PLAYLISTS: PlaylistRecord, USERS: UserRecord}
"""The struct of each compacted topic."""
ENVELOPE, HEADERS = "ListeningEnvelope", "Headers"
LETTER_HEADERS = {
    "segue-topic": "The topic of the record that could not be processed.",
    "segue-partition": "Its partition.",
    "segue-offset": "Its place in the partition.",
    "segue-position": "Position of the event in its envelope; 0 for a record of one.",
    "segue-error": "A stable code of what was wrong.",
    "segue-message": "The same for people.",
    "segue-first-seen": "When the record was appended, in Unix seconds.",
    "segue-headers": "How many of the record's own headers follow.",
}
"""On every dead letter; `segue-key` and `segue-cut` only where the record had a key, or was too large to be kept whole."""


def document() -> dict[str, Any]:
    """The whole document, AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Segue", "version": __version__, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {f"{_verb(topic)}_{topic.name}": _operation(topic) for topic in TOPICS},
        "components": {"messages": {name: m for topic in TOPICS for name, m in _messages(topic).items()}, "schemas": schemas()},
    }


def schemas() -> dict[str, Any]:
    """JSON Schemas of everything that is sent, by name."""
    structs = (ListeningEvent, *KEYED.values())
    _, found = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    events = {"type": "array", "maxItems": MAX_RECORD_EVENTS, "items": {"$ref": "#/components/schemas/ListeningEvent"}}
    envelope = {
        "title": ENVELOPE,
        "description": "Many events of one partition in one record: the cost of processing is by record, not by event.",
        "type": "object",
        "properties": {"events": events, "v": {"enum": [VERSION], "default": VERSION}},
        "required": ["events"],
    }
    written = "The span that wrote the record, as W3C Trace Context has it; the trace of its batch links to it."
    traceparent = {"type": "string", "description": written}
    headers = {"title": HEADERS, "type": "object", "properties": {TRACEPARENT: traceparent}}
    return found | {ENVELOPE: envelope, HEADERS: headers}


def rendered() -> str:
    """The document as the text of docs/asyncapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _verb(topic: Topic) -> str:
    return "send" if topic.name == DEAD_LETTERS else "receive"


def _operation(topic: Topic) -> dict[str, Any]:
    at = f"#/channels/{topic.name}"
    return {
        "action": _verb(topic),
        "channel": {"$ref": at},
        "messages": [{"$ref": f"{at}/messages/{name}"} for name in _messages(topic)],
    }


def _channel(topic: Topic) -> dict[str, Any]:
    kept = "the newest record of each key" if topic.compacted else "everything" if topic.retention_ms < 0 else "thirty days"
    binding = {"topic": topic.name, "topicConfiguration": _configuration(topic), "bindingVersion": KAFKA_BINDING}
    return {
        "address": topic.name,
        "description": f"Keyed by {topic.key}; keeps {kept}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages(topic)},
        "bindings": {"kafka": binding},
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    config = topic_config(topic)
    numbers = {name: int(config[name]) for name in ("retention.ms", "max.message.bytes")}
    return {"cleanup.policy": [config.get("cleanup.policy", "delete")]} | numbers


def _messages(topic: Topic) -> dict[str, Any]:
    if topic.name == LISTENING_EVENTS:
        return {
            "ListeningEvent": _message("One event.", _ref("ListeningEvent"), "user_id"),
            ENVELOPE: _message("Many events of one partition; its key is not read.", _ref(ENVELOPE), None),
        }
    if topic.name == DEAD_LETTERS:
        return {"DeadLetter": _letter()}
    struct = KEYED[topic.name].__name__
    return {
        struct: _message("The newest of its key replaces those before it.", _ref(struct), topic.key),
        f"{struct}Deletion": _message("A null value deletes what the key names.", {"type": "null"}, topic.key),
    }


def _ref(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _message(summary: str, payload: dict[str, Any], key: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"summary": summary, "headers": _ref(HEADERS), "payload": payload}
    if key is not None:
        schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES, "description": f"The {key}, in UTF-8."}
        message["bindings"] = {"kafka": {"key": schema, "bindingVersion": KAFKA_BINDING}}
    return message


def _letter() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": text} for name, text in LETTER_HEADERS.items()}
    return {
        "summary": "The bytes of what could not be processed, and why; `segue events` reads and redrives them.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": properties, "required": list(LETTER_HEADERS)},
        "payload": {"description": "The bytes as they came."},
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(rendered(), "utf-8")
