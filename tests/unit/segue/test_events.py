"""The wire format of listening events, and what is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from segue.errors import InvalidEvent
from segue.events import (
    ListeningEvent,
    Rejected,
    check_listening_event,
    check_text,
    decode_listening_record,
    encode,
    encode_envelope,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAY = ListeningEvent(
    event_id=uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057"), type="play", user_id="ada", track_id="t1", occurred_at=NOW
)


def code_of(value: bytes) -> list[str]:
    return [event.error.code if isinstance(event, Rejected) else "ok" for event in decode_listening_record(value)]


def test_an_event_survives_the_wire() -> None:
    assert decode_listening_record(encode(PLAY)) == [PLAY]


def test_an_envelope_keeps_its_order() -> None:
    other = ListeningEvent(
        event_id=uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8058"), type="skip", user_id="ada", track_id="t2", occurred_at=NOW
    )
    assert decode_listening_record(encode_envelope([other, PLAY])) == [other, PLAY]


def test_unknown_fields_are_ignored() -> None:
    assert decode_listening_record(encode(PLAY)[:-1] + b',"mood":"blue"}') == [PLAY]


def test_one_broken_event_does_not_spoil_its_envelope() -> None:
    value = encode_envelope([PLAY, PLAY, PLAY]).replace(b'"type":"play"', b'"type":"hum"', 1)
    assert code_of(value) == ["invalid_field", "ok", "ok"]


def test_a_rejected_event_keeps_its_bytes() -> None:
    value = b'{"v":1,"events":[{"type":"hum"}]}'
    (rejected,) = decode_listening_record(value)
    assert isinstance(rejected, Rejected)
    assert rejected.raw == b'{"type":"hum"}'


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "undecodable"),
        (b"{", "undecodable"),
        (b"\xff\xfe{}", "undecodable"),
        (b"null", "invalid_field"),
        (b"[]", "invalid_field"),
        (b"[" * 100_000, "invalid_field"),
        (b'{"v":1,"events":3}', "invalid_field"),
        (encode(PLAY)[:-1] + b',"v":2}', "invalid_field"),
        (encode(PLAY)[:-1] + b',"ms_played":"long"}', "invalid_field"),
        (encode(PLAY).replace(b"01890a5d", b"zzzzzzzz"), "invalid_field"),
        (encode(PLAY).replace(b'"ada"', b'"\\ud800"'), "undecodable"),
    ],
)
def test_what_cannot_be_read_is_named(value: bytes, code: str) -> None:
    assert code_of(value) == [code]


def test_an_envelope_of_too_many_events_is_refused_whole() -> None:
    assert code_of(encode_envelope([PLAY] * 10_001)) == ["too_many_events"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user_id": ""}, "invalid_id"),
        ({"user_id": "a" * 129}, "invalid_id"),
        ({"user_id": "ü" * 65}, "invalid_id"),
        ({"user_id": " ada"}, "invalid_id"),
        ({"track_id": "t\n1"}, "invalid_id"),
        ({"track_id": "t\x001"}, "invalid_id"),
        ({"session_id": ""}, "invalid_id"),
        ({"occurred_at": NOW + timedelta(minutes=6)}, "invalid_time"),
        ({"occurred_at": datetime(1999, 12, 31, tzinfo=UTC)}, "invalid_time"),
        ({"occurred_at": datetime(2026, 11, 23, 11)}, "invalid_time"),
        ({"ms_played": -1}, "invalid_ms_played"),
        ({"ms_played": 86_400_001}, "invalid_ms_played"),
        ({"position": -1}, "invalid_position"),
        ({"position": 32_768}, "invalid_position"),
    ],
)
def test_what_an_event_may_not_say(changes: dict[str, object], code: str) -> None:
    fields = {name: getattr(PLAY, name) for name in PLAY.__struct_fields__} | changes
    with pytest.raises(InvalidEvent) as refused:
        check_listening_event(ListeningEvent(**fields), NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("user_id", ["ada", "ä ö", "a" * 128, "spotify:user:1", "名前"])
def test_ids_of_any_script_are_welcome(user_id: str) -> None:
    event = ListeningEvent(event_id=PLAY.event_id, type="play", user_id=user_id, track_id="t1", occurred_at=NOW)
    check_listening_event(event, NOW)


def test_a_clock_may_be_five_minutes_ahead() -> None:
    event = ListeningEvent(
        event_id=PLAY.event_id, type="play", user_id="ada", track_id="t1", occurred_at=NOW + timedelta(minutes=5)
    )
    check_listening_event(event, NOW)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_postgres_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        check_text("name", text)
    assert refused.value.code == "invalid_text"
