"""Dead letters on a real broker: read as a stream, found by id, sent back once, however many and however large."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from infra.local.stack import LocalStack
from segue.asyncapi import LETTER_HEADERS
from segue.dead_letters import FOREIGN, count_letters, find_letter, letters_between, newest_letters
from segue.errors import NotFound
from segue.events import MAX_CLOCK_SKEW, CatalogueTrack, ListeningEvent, encode, encode_envelope
from segue.kafka import producer_config
from segue.log_reader import LogReader, Offsets
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.topics import CATALOGUE, DEAD_LETTERS, LISTENING_EVENTS
from stream_processors.outbox import Outbox, letter_id
from stream_processors.records import DeadLetter, Record
from stream_processors.redrive import Redriven, redrive
from tests.publishing import publish_raw, random_events

pytestmark = pytest.mark.stack

HUGE_LETTERS = int(os.environ.get("SEGUE_HUGE_LETTERS", "60"))
MADE_UP = 10**6
"""Offsets from here on are of letters that no processor wrote."""


@pytest.fixture
def error() -> str:
    """An error code of this test's own."""
    return f"test_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def outbox(settings: Settings) -> Outbox:
    return Outbox(producer_config(settings), settings.kafka_partitions)


def letter(error: str, number: int, value: bytes | None, topic: str = LISTENING_EVENTS, key: bytes | None = None) -> DeadLetter:
    own = MADE_UP + int(error.removeprefix("test_"), 16) * 1_000_000
    record = Record(topic, 0, own + number, key, value, 1_764_000_000.0 + number, (("n", str(number).encode()),))
    return DeadLetter(record, 0, value, error, f"letter {number}")


def quiet(_done: int, _total: int) -> None: ...


def send_back(settings: Settings, error: str, again: bool = False) -> Redriven:
    return redrive(settings, error, again, quiet)


def stored(database: Database, prefix: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users where user_id like %s", (f"{prefix}-%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def test_the_newest_the_counts_and_one_by_its_id(settings: Settings, outbox: Outbox, error: str) -> None:
    letters = [letter(error, number, str(number).encode()) for number in range(300)]
    outbox.send(letters[:295])
    # As after a crash: sent again.
    outbox.send(letters[200:250])
    outbox.send(letters[295:])
    assert {found.message for found in newest_letters(settings, error, 5)} == {f"letter {number}" for number in range(295, 300)}
    assert len(newest_letters(settings, error, 1_000)) == 300
    assert count_letters(settings, error, quiet) == Counter({(error, LISTENING_EVENTS): 300})
    found = find_letter(settings, letter_id(letters[7]))
    assert (found.raw, found.headers, found.first_seen_s) == (b"7", (("n", b"7"),), 1_764_000_007.0)


def test_a_letter_has_the_headers_that_the_document_names(settings: Settings, outbox: Outbox, error: str) -> None:
    outbox.send([letter(error, 1, b"x", key=b"k")])
    (found,) = newest_letters(settings, error, 1)
    with closing(LogReader(settings)) as reader:
        names = {header[0] for record in reader.read_one(DEAD_LETTERS, *found.stands_at) for header in record.headers() or ()}
    assert names == {*LETTER_HEADERS, "segue-key", "n"}


@pytest.mark.parametrize("wanted", ["nonsense", "listening-events/0/999999999999999/0", "no-such-topic/0/0/0", "a/b/c/d"])
def test_a_letter_that_is_not_there_is_said_to_be_missing(settings: Settings, wanted: str) -> None:
    with pytest.raises(NotFound, match="dead-letters"):
        find_letter(settings, wanted)


def test_a_letter_is_found_from_the_time_of_its_record(
    processor: LocalStack, settings: Settings, wait_until: Callable[..., None]
) -> None:
    value = f"garbage {uuid.uuid4()}".encode()
    with closing(LogReader(settings)) as reader:
        _, starts = reader.bounds([LISTENING_EVENTS, DEAD_LETTERS])
    publish_raw(settings, [value])

    def ids() -> list[str]:
        with closing(LogReader(settings)) as reader:
            _, ends = reader.bounds([DEAD_LETTERS])
            of_letters = {where: starts[where] for where in ends}
            return [found.id for found in letters_between(reader, of_letters, ends, None) if found.raw == value]

    wait_until(lambda: bool(ids()), 30, "the letter")
    assert find_letter(settings, ids()[0]).raw == value


def test_an_event_from_the_future_is_sent_back_when_its_time_has_come_and_counts_once(
    processor: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    user_id = "early-0"
    due = datetime.now(UTC) + MAX_CLOCK_SKEW + timedelta(seconds=4)
    now, early = (
        ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=user_id, track_id="early-track", occurred_at=at)
        for at in (datetime.now(UTC), due)
    )
    with closing(LogReader(settings)) as reader:
        _, starts = reader.bounds([LISTENING_EVENTS])
    publish_raw(settings, [encode_envelope([now, early])], user_id.encode())
    wait_until(lambda: stored(database, "early") == 1, 30, "the event of now")
    wait_until(lambda: datetime.now(UTC) > due - MAX_CLOCK_SKEW, 10, "the time of the early event")
    send_back(settings, "invalid_time")
    wait_until(lambda: stored(database, "early") == 2, 30, "the early event")
    send_back(settings, "invalid_time")
    assert copies(settings, starts, early.event_id) == [encode_envelope([now, early]), encode(early)]
    send_back(settings, "invalid_time", again=True)
    after = ListeningEvent(
        event_id=uuid.uuid4(), type="play", user_id=user_id, track_id="early-track", occurred_at=now.occurred_at
    )
    publish_raw(settings, [encode(after)], user_id.encode())
    wait_until(lambda: stored(database, "early") >= 3, 30, "an event behind it")
    assert len(copies(settings, starts, early.event_id)) == 3
    assert stored(database, "early") == 3


def copies(settings: Settings, starts: Offsets, event_id: uuid.UUID) -> list[bytes]:
    """The records since `starts` that hold an event."""
    with closing(LogReader(settings)) as reader:
        _, ends = reader.bounds([LISTENING_EVENTS])
        values = [bytes(message.value() or b"") for message in reader.read(starts, ends)]
    return [value for value in values if str(event_id).encode() in value]


def test_an_interrupted_run_goes_on_where_it_stopped_and_sends_each_letter_once(
    processor: LocalStack, settings: Settings, database: Database, outbox: Outbox, error: str, wait_until: Callable[..., None]
) -> None:
    events = random_events(3_000, seed=11, prefix=error, users=40)
    outbox.send([letter(error, number, encode(event), key=event.user_id.encode()) for number, event in enumerate(events)])
    with closing(LogReader(settings)) as reader:
        _, starts = reader.bounds([LISTENING_EVENTS])

    # Counted at the broker: the topic holds letters of other tests too, and those are passed over first.
    def interrupt(done: int, _total: int) -> None:
        if done % 100 == 0 and records_since(settings, starts) > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redrive(settings, error, False, interrupt)
    assert 0 < records_since(settings, starts) < 3_000
    send_back(settings, error)
    assert records_since(settings, starts) == 3_000
    assert send_back(settings, error) == Redriven()
    wait_until(lambda: stored(database, error) == 3_000, 60, "every event")
    assert send_back(settings, error, again=True).sent == 3_000


def records_since(settings: Settings, starts: Offsets) -> int:
    with closing(LogReader(settings)) as reader:
        _, ends = reader.bounds([LISTENING_EVENTS])
        return sum(end - starts[where] for where, end in ends.items())


def test_a_record_whose_key_has_a_newer_one_is_left_out(settings: Settings, outbox: Outbox, error: str) -> None:
    track_id = f"track-{error}"
    track = encode(CatalogueTrack(track_id=track_id, name="Newest", artists=("Ada",)))
    publish_raw(settings, [track, track], track_id.encode(), CATALOGUE)
    other = letter(error, 1, b"not yet", CATALOGUE, b"unheard-of")
    stale = letter(error, 0, b"old", CATALOGUE, track_id.encode())
    outbox.send([stale._replace(record=stale.record._replace(offset=0, partition=partition_for(track_id, 8))), other])
    assert send_back(settings, error) == Redriven(sent=1, superseded=1)


def test_what_cannot_be_kept_whole_is_counted_and_not_sent(settings: Settings, outbox: Outbox, error: str) -> None:
    outbox.send([letter(error, 0, b"x" * 6_000_000), letter(error, 1, b"whole")])
    assert send_back(settings, error) == Redriven(sent=1, cut=1)
    cut = find_letter(settings, letter_id(letter(error, 0, None)))
    assert cut.cut_from is not None
    assert cut.cut_from > 6_000_000
    assert cut.raw == b"x" * 65_536


def test_a_foreign_record_among_the_letters_stops_nobody(settings: Settings) -> None:
    publish_raw(settings, [b"who wrote this"], b"key", DEAD_LETTERS)
    forged = Producer(producer_config(settings))
    for name in ("segue-headers", "segue-first-seen", "segue-cut"):
        forged.produce(DEAD_LETTERS, name.encode(), b"a/b/c/d", headers=[(name, b"abc"), ("segue-topic", b"listening-events")])
    assert forged.flush(30) == 0
    found = newest_letters(settings, FOREIGN, 4)
    assert {letter.message for letter in found} == {"not written by a processor"}
    assert {find_letter(settings, letter.id).raw for letter in found} == {
        b"who wrote this",
        b"segue-headers",
        b"segue-first-seen",
        b"segue-cut",
    }
    assert send_back(settings, FOREIGN).sent == 0


MEMORY = """
import pathlib, sys
from segue.cli import main
sys.argv = ["segue", "events", *sys.argv[1:]]
try:
    main()
finally:
    # Of this program: getrusage's figure would include its parent's, whose memory a fork shares for a moment.
    status = pathlib.Path("/proc/self/status").read_text()
    print("resident", status.split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a program's own peak memory is read from /proc")
def test_the_tools_need_no_more_memory_for_many_and_huge_letters(settings: Settings, outbox: Outbox, error: str) -> None:
    rng = random.Random(5)
    for number in range(HUGE_LETTERS):
        outbox.send([letter(error, number, rng.randbytes(4_000_000))])
    outbox.send([letter(error, HUGE_LETTERS + number, b"small") for number in range(10_000)])
    peaks = {}
    for arguments in (["dead-letters"], ["dead-letters", "--count"], ["redrive", "--error", error]):
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, *arguments], env=os.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        peaks[" ".join(arguments[:2])] = int(done.stderr.rsplit("resident ", 1)[1].split()[0]) >> 10
    print(f"peak memory in MiB with {HUGE_LETTERS} letters of 4 MB: {peaks}")
    assert max(peaks.values()) < 260
