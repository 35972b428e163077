"""Records that a broken, careless or hostile producer could send: bad by how they are made, with the letters they must give."""

from __future__ import annotations

import gzip
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from segue.events import MAX_RECORD_EVENTS
from segue.kafka import MAX_MESSAGE_BYTES
from segue.topics import CATALOGUE, LISTENING_EVENTS, PLAYLISTS, USERS

HUGE = MAX_MESSAGE_BYTES - 4_096
DRAWN = 1_500
"""Cases that hypothesis draws; larger numbers are made of these, of the recorded ones and of random cuts."""
HEADERS: tuple[tuple[str, bytes | None], ...] = (
    ("traceparent", b"00-\xff\x00"),
    ("twice", b"1"),
    ("twice", None),
    ("segue-error", b"forged"),
)

Fields = dict[str, str]
"""An object's fields with their values as JSON text, so that a value may be anything."""


@dataclass(frozen=True)
class Hostile:
    """One record, and the bytes that must stand in each of its dead letters, by position."""

    topic: str
    key: bytes | None
    value: bytes | None
    letters: dict[int, bytes | None]
    headers: tuple[tuple[str, bytes | None], ...] = ()
    cut: bool = False
    """Too large for a letter: its key and headers are not kept."""


def listening(value: bytes | None, letters: dict[int, bytes | None] | None = None) -> Hostile:
    """A bad record of listening events; whole in one letter, if nothing else is said."""
    return Hostile(LISTENING_EVENTS, None, value, {0: value} if letters is None else letters)


def event_fields(track_id: str = "t1", user_id: str = "hostile") -> Fields:
    """A good play."""
    return {
        "event_id": f'"{uuid.uuid4()}"',
        "type": '"play"',
        "user_id": json.dumps(user_id),
        "track_id": json.dumps(track_id),
        "occurred_at": '"2026-01-02T03:04:05Z"',
    }


def text_of(fields: Fields) -> bytes:
    """The object, as UTF-8 that may hold lone surrogates."""
    return ("{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}").encode("utf-8", "surrogatepass")


def envelope_of(*events: bytes) -> bytes:
    """An envelope around events as they are."""
    return b'{"v":1,"events":[' + b",".join(events) + b"]}"


NOT_TEXT = ("null", "true", "12", "-0.5", "1e999", "NaN", "-Infinity", "[]", "{}", "9" * 5_000, "[" * 3_000 + "]" * 3_000)
NOT_A_COUNT = ("true", '"5"', "1.5", "-1", "9" * 25, "9" * 5_000, "1e999", "1e-400", "NaN", "Infinity", "0x10", "01", "[]", "{}")
BAD_IDS = (
    '""', '" u"', '"u "', '"\\u0000"', '"\\ud800"', '"\\udc00"', '"a\\nb"', '"\u202e"', '"\ud800"', json.dumps("x" * 129),
    json.dumps("é" * 65, ensure_ascii=False), json.dumps("x" * 100_000),
)  # fmt: skip
BAD_TIMES = (
    '"2026-01-02T03:04:05"', '"2026-01-02"', '"20260102T030405Z"', '"2026-01-02T03:04Z"', '"2026-02-29T00:00:00Z"',
    '"yesterday"',
    '"2026-01-02T24:00:00Z"', '"2026-01-02T23:59:60Z"', '"2026-01-02T03:04:05-99:99"', '"1999-12-31T23:59:59Z"',
    '"0000-01-01T00:00:00Z"',
    '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"', '"2199-01-01T00:00:00Z"', '"-2026-01-02T03:04:05Z"',
    "1763924220", '""',
    '"2000-01-01T00:00:00+10:00"', '"2026-01-02T03:04:05.Z"', '"2026-01-02T03:04:05+24:00"',
)  # fmt: skip
BAD_FIELDS: dict[str, tuple[str, ...]] = {
    "event_id": (*NOT_TEXT, '""', '"42"', '"00000000-0000-0000-0000-00000000000g"'),
    "type": (*NOT_TEXT, '"listen"', '"PLAY"', '"play "', '""', '["play"]'),
    "user_id": (*NOT_TEXT, *BAD_IDS),
    "track_id": (*NOT_TEXT, *BAD_IDS),
    "occurred_at": (*NOT_TEXT, *BAD_TIMES),
    "ms_played": (*NOT_A_COUNT, "86400001"),
    "position": (*NOT_A_COUNT, "32768"),
    "session_id": ("5", "[]", *BAD_IDS),
    "source": ("{}", *BAD_IDS),
    "rec_id": ("7", '"no"', "[]"),
    "v": ("0", "2", '"1"', "null", "1.5", "[1]"),
}
BAD_TRACK_FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("null", "1", '""', '"\\u0000"', '"\\ud800"', json.dumps("x" * 1_001)),
    "artists": ("null", '"Ada"', "[1]", '["\\u0000"]', "[" + ",".join(['"a"'] * 101) + "]"),
    "popularity": ("-1", "101", "1.5", "9" * 30),
    "duration_ms": ("-1", "2147483648", "9" * 30),
    "fetched_at": ('"0001-01-01T00:00:00Z"', '"2026-01-02T03:04:05"', '"9999-12-31T23:59:59Z"'),
    "features": ("[]", "{}", "NaN"),
    "explicit": ('"yes"', "2"),
    "v": ("2",),
}
TRACK = {"track_id": '"hostile-track"', "name": '"Song"', "artists": '["Ada"]'}
PLAYLIST = {"playlist_id": '"hostile-list"', "name": '"List"', "track_ids": '["t1"]'}
USER = {"user_id": '"hostile-user"', "genres": '["jazz"]'}
TABLES: dict[str, tuple[bytes, Fields, dict[str, tuple[str, ...]]]] = {
    CATALOGUE: (b"hostile-track", TRACK, BAD_TRACK_FIELDS),
    PLAYLISTS: (
        b"hostile-list",
        PLAYLIST,
        {"name": ("null", '"\\u0000"'), "track_ids": ("null", '[""]', '[["t1"]]', '["\\u0000"]')},
    ),
    USERS: (
        b"hostile-user",
        USER,
        {"display_name": ("5", '"\\u0000"', '"\\udfff"'), "genres": ('"jazz"', "[null]", '["\\u0000"]')},
    ),
}


def broken(fields: Fields, bad: dict[str, tuple[str, ...]]) -> Iterator[bytes]:
    """The object with each of the bad values, and without each required field."""
    for name, values in bad.items():
        for value in values:
            yield text_of(fields | {name: value})
    for name in fields.keys() - {"genres"}:
        yield text_of({other: value for other, value in fields.items() if other != name})


def malformed(good: bytes) -> list[bytes]:
    """Bytes that are no JSON object, made of a good one."""
    return [
        *(good[:length] for length in range(len(good))),
        good + b"\x00", good + good, good + b",", b"\xef\xbb\xbf" + good, b"[" + good + b"]", b'"' + good + b'"',
        good.replace(b'"', b"'"), good[:-1] + b",}", b"// a comment\n" + good, good.decode().encode("utf-16"),
        good.decode().encode("utf-32-le"), gzip.compress(good), b"\x00" * 64, b"\xff" * 64, b" " * 1_000, b"null", b"true",
        b"0", b'""',
        b"[]", b"{}", b"-", b"1e", b"[" * 100_000, b'{"a":' * 100_000,
        good[:-1] + b',"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ]  # fmt: skip


def recorded() -> list[Hostile]:
    """Every case that was thought of, once, but for the huge ones."""
    event = text_of(event_fields())
    bad = [
        *malformed(event),
        *broken(event_fields(), BAD_FIELDS),
        b'{"v":2,"events":[]}',
        b'{"events":{}}',
        b'{"v":1,"events":null}',
    ]
    envelope = envelope_of(event, text_of(event_fields("t2")))
    bad += [envelope[:length] for length in range(0, len(envelope), 7)]
    cases = [
        listening(None),
        *map(listening, bad),
        over_the_limit(),
        replace(listening(b"labelled"), headers=HEADERS, key=b"\xff\x00"),
    ]
    for topic, (key, fields, bad_fields) in TABLES.items():
        values = [*malformed(text_of(fields)), *broken(fields, bad_fields)]
        cases += [Hostile(topic, key, value, {0: value}, HEADERS) for value in values]
        bad_keys = (b"", b"other", b"\xff", b"x" * 129, b" ", b"\x00", "é".encode("latin-1"))
        cases += [Hostile(topic, wrong, text_of(fields), {0: text_of(fields)}) for wrong in bad_keys]
        cases += [Hostile(topic, wrong, None, {0: None}) for wrong in bad_keys if wrong != b"other"]
    return cases


def over_the_limit() -> Hostile:
    """More events than a record may hold."""
    value = envelope_of(*[b"0"] * (MAX_RECORD_EVENTS + 1))
    return listening(value)


def all_broken() -> Hostile:
    """As many broken events as a record may hold: a letter for each."""
    return listening(envelope_of(*[b"[0]"] * MAX_RECORD_EVENTS), dict.fromkeys(range(MAX_RECORD_EVENTS), b"[0]"))


def with_huge_labels() -> Hostile:
    """Broken events under headers that would be copied to each letter: one letter for the record."""
    value = envelope_of(*[b"0"] * MAX_RECORD_EVENTS)
    return replace(listening(value), headers=(("padding", b"x" * (HUGE // 2)),))


def huge() -> list[Callable[[], Hostile]]:
    """Records near the largest that the broker takes, made when asked for."""
    return [
        lambda: listening(b" " * HUGE),
        lambda: listening(b"[" * HUGE),
        lambda: listening(b"9" * HUGE),
        lambda: listening(random.Random(1).randbytes(HUGE)),
        lambda: listening(text_of(event_fields() | {"user_id": '"' + "x" * (HUGE - 500) + '"'})),
        lambda: listening(text_of(event_fields() | {"ms_played": "9" * (HUGE - 500)})),
        lambda: Hostile(LISTENING_EVENTS, b"k" * (HUGE - 100), b"no", {0: b"no"}),
        lambda: replace(listening(b"no"), headers=tuple((f"{n:x}", b"") for n in range(9_000))),
        lambda: replace(listening(b"no"), headers=tuple((f"{n:x}", b"") for n in range(100_000)), cut=True),
        lambda: Hostile(CATALOGUE, b"hostile-track", b" " * HUGE, {0: b" " * HUGE}),
        with_huge_labels,
        all_broken,
    ]  # fmt: skip


def one_in_an_envelope(bad: bytes, at: int, good: list[bytes]) -> Hostile:
    """A broken event among good ones: only that one may be refused."""
    return listening(envelope_of(*good[:at], bad, *good[at:]), {at: bad})


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON, nested."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12
    )


def not_objects() -> st.SearchStrategy[bytes]:
    """JSON that is no object, and bytes that cannot begin one."""
    documents = json_values().filter(lambda value: not isinstance(value, dict)).map(lambda value: json.dumps(value).encode())
    return (
        documents
        | st.binary(max_size=300).map(lambda tail: b"\xff" + tail)
        | st.binary(max_size=20).map(lambda tail: b"}" + tail)
    )


def events_with_junk() -> st.SearchStrategy[bytes]:
    """Events with one bad field among any number of unknown ones."""
    names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=9, max_size=12)
    junk = st.dictionaries(
        names, json_values().map(lambda value: json.dumps(value, allow_nan=False) if _finite(value) else "0"), max_size=4
    )
    bad = st.sampled_from([(name, value) for name, values in BAD_FIELDS.items() for value in values if len(value) < 200])
    return st.builds(lambda extra, one: text_of({**extra, **event_fields(), one[0]: one[1]}), junk, bad)


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def bad_values() -> st.SearchStrategy[bytes]:
    """Values of listening-events of which no event can be stored."""
    cut = st.builds(lambda value, at: value[: int(at * len(value))], events_with_junk(), st.floats(0, 0.999))
    return not_objects() | events_with_junk() | cut


def drawn(number: int, from_seed: int) -> list[bytes]:
    """That many values from `bad_values`, the same for the same seed."""
    found: list[bytes] = []

    @seed(from_seed)
    @settings(max_examples=number, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(bad_values())
    def collect(value: bytes) -> None:
        found.append(value)

    collect()
    return found


def stream(count: int, from_seed: int) -> Iterator[Hostile]:
    """`count` bad records in random order: all that were recorded, a few huge ones, the rest drawn or cut at random."""
    rng = random.Random(from_seed)
    known, values, large = recorded(), drawn(DRAWN, from_seed), huge()
    every = max(1, count // (3 * len(large)))
    for number in range(count):
        if number % every == every // 2:
            yield large[number // every % len(large)]()
        elif number < 2 * len(known):
            yield known[number % len(known)]
        else:
            yield _one(rng, known, values)


def _one(rng: random.Random, known: list[Hostile], values: list[bytes]) -> Hostile:
    turn = rng.random()
    if turn < 0.2:
        return rng.choice(known)
    if turn < 0.3:
        return listening(b"\xff" + rng.randbytes(rng.randrange(400)))
    if turn < 0.5:
        whole = text_of(event_fields())
        return listening(whole[: rng.randrange(len(whole))])
    return listening(rng.choice(values))
