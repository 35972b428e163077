"""docs/asyncapi.json is what the code says, and what is sent is valid by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.asyncapi import ENVELOPE, document, rendered
from segue.events import (
    ARTIST_TYPES,
    EARLIEST,
    LISTENING_TYPES,
    MAX_ARTIST,
    MAX_MS_PLAYED,
    MAX_POSITION,
    AudioFeatures,
    CatalogueTrack,
    ListeningEvent,
    PlaylistRecord,
    UserRecord,
    check_listening_event,
    encode,
    encode_envelope,
)
from segue.ids import MAX_ID_BYTES

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DOCUMENT = document()

ids = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=MAX_ID_BYTES // 4)
texts = st.text(max_size=50)
numbers = st.floats(allow_nan=False, allow_infinity=False)
artists = st.text(st.characters(categories=["L"]), min_size=1, max_size=MAX_ARTIST)
times = st.datetimes(EARLIEST.replace(tzinfo=None), NOW.replace(tzinfo=None), timezones=st.just(UTC))


@st.composite
def events(draw: st.DrawFn) -> ListeningEvent:
    """Any event that is not refused."""
    kind, at = draw(st.sampled_from(LISTENING_TYPES)), draw(times)
    return ListeningEvent(
        event_id=draw(st.uuids()), type=kind, user_id=draw(ids), track_id=draw(ids), occurred_at=at,
        ms_played=draw(st.none() | st.integers(0, MAX_MS_PLAYED)), session_id=draw(st.none() | ids),
        rec_id=draw(st.none() | st.uuids()), position=draw(st.none() | st.integers(0, MAX_POSITION)),
        source=draw(st.none() | ids), artist=draw(artists if kind in ARTIST_TYPES else st.none() | artists),
        until=draw(st.none() | st.just(at + timedelta(days=1))),
    )  # fmt: skip


features = st.builds(
    AudioFeatures, **{name: numbers for name in AudioFeatures.__struct_fields__ if name not in ("key", "mode")},
    key=st.integers(-1, 11), mode=st.integers(0, 1),
)  # fmt: skip
tracks = st.builds(
    CatalogueTrack, track_id=ids, name=texts, artists=st.tuples(texts), album=st.none() | texts, album_id=st.none() | ids,
    released=st.none() | texts, duration_ms=st.none() | st.integers(0), explicit=st.none() | st.booleans(),
    popularity=st.none() | st.integers(0, 100), genres=st.tuples(texts), features=st.none() | features, source=ids,
    fetched_at=st.none() | times,
)  # fmt: skip
playlists = st.builds(PlaylistRecord, playlist_id=ids, name=texts, track_ids=st.tuples(ids), owner_id=st.none() | ids, source=ids)
users = st.builds(UserRecord, user_id=ids, display_name=st.none() | texts, genres=st.tuples(texts))


def validator(schema: str) -> jsonschema_rs.Validator:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return jsonschema_rs.validator_for(whole, validate_formats=True)


EVENT = validator("ListeningEvent")
BY_STRUCT = {struct: validator(struct.__name__) for struct in (CatalogueTrack, PlaylistRecord, UserRecord)}


def test_the_file_is_what_the_code_says(project_root: Path) -> None:
    assert (project_root / "docs/asyncapi.json").read_text("utf-8") == rendered(), "run `make docs` and commit what it writes"


@given(events())
def test_every_event_that_is_taken_is_valid(event: ListeningEvent) -> None:
    check_listening_event(event, NOW)
    EVENT.validate(msgspec.json.decode(encode(event)))


@given(st.lists(events(), max_size=3))
def test_every_envelope_is_valid(several: list[ListeningEvent]) -> None:
    validator(ENVELOPE).validate(msgspec.json.decode(encode_envelope(several)))


@given(tracks | playlists | users)
def test_every_other_record_is_valid(record: CatalogueTrack | PlaylistRecord | UserRecord) -> None:
    BY_STRUCT[type(record)].validate(msgspec.json.decode(encode(record)))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "hum"}, {"v": 2}, {"user_id": ""}, {"track_id": "t" * (MAX_ID_BYTES + 1)}, {"occurred_at": "yesterday"},
        {"event_id": "one"}, {"ms_played": -1}, {"ms_played": MAX_MS_PLAYED + 1}, {"position": MAX_POSITION + 1},
        {"artist": "a" * (MAX_ARTIST + 1)}, {"session_id": 7},
    ],
)  # fmt: skip
def test_what_is_refused_is_not_valid(change: dict[str, Any]) -> None:
    event = {"event_id": "01890a5d-ac96-774b-bcce-b302099a8057", "type": "play", "user_id": "ada", "track_id": "t1"}
    valid = event | {"occurred_at": "2026-11-23T12:00:00Z"}
    assert EVENT.is_valid(valid)
    assert not EVENT.is_valid(valid | change)


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 20
    for reference in found:
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def references(node: Any) -> Any:
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_record_may_name_the_span_that_wrote_it() -> None:
    messages = DOCUMENT["components"]["messages"]
    named = {name for name, message in messages.items() if message["headers"].get("$ref") == "#/components/schemas/Headers"}
    assert named == set(messages) - {"DeadLetter"}
    assert list(DOCUMENT["components"]["schemas"]["Headers"]["properties"]) == ["traceparent"]
