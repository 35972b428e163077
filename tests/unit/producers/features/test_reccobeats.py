"""Asking ReccoBeats, and everything that can go wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.features.reccobeats import ReccoBeats, open_reccobeats
from producers.features.reccobeats_answers import read_answer, retry_after_s
from segue.errors import ConfigurationError, InvalidInput, Postponed, Unavailable
from segue.record_checks import check_features
from segue.settings import Settings
from tests.fakes.reccobeats import Failure, FakeReccoBeats, entry
from tests.unit.producers.features.made import spotify_id
from tests.unit.producers.spotify.conftest import START_S, FakeClock

A, B, C = spotify_id(1), spotify_id(2), spotify_id(3)


def test_tracks_are_joined_by_their_address_whatever_the_order(client: ReccoBeats, service: FakeReccoBeats) -> None:
    service.known = [entry(C, tempo=90.0), entry(A, tempo=70.0)]
    told = client.ask([A, B, C])
    assert {one: features.tempo for one, features in told.found.items()} == {A: 70.0, C: 90.0}
    assert (told.rejected, service.asked) == ([], [[A, B, C]])


def test_of_several_releases_of_an_isrc_the_first_counts(client: ReccoBeats, service: FakeReccoBeats) -> None:
    service.known = [entry(A, "USUM71703861"), entry(B, "USUM71703861")]
    assert list(client.ask(["USUM71703861"]).found) == ["USUM71703861"]


def test_an_entry_of_a_track_that_nobody_asked_for_is_left_out() -> None:
    told = read_answer(b'{"content":[{"href":"https://open.spotify.com/track/0000000000000000000000"}]}', [A])
    assert (told.found, told.rejected) == ({}, [])


@pytest.mark.parametrize(
    "changed", [{"energy": 1.5}, {"energy": None}, {"key": 5.5}, {"tempo": "fast"}, {"loudness": 1e308}, {"mode": 7}]
)
def test_what_is_no_feature_is_rejected_with_its_track(
    client: ReccoBeats, service: FakeReccoBeats, changed: dict[str, Any]
) -> None:
    service.known = [entry(A, **changed), entry(B)]
    told = client.ask([A, B])
    assert (list(told.found), [one.where for one in told.rejected]) == ([B], [f"ReccoBeats, track {A}"])


def test_a_short_pause_is_waited_out(client: ReccoBeats, service: FakeReccoBeats, clock: FakeClock) -> None:
    service.known, service.failures = [entry(A)], [Failure(429, headers={"Retry-After": "7"})]
    assert list(client.ask([A]).found) == [A]
    assert sum(clock.slept) == 7.0


def test_a_third_pause_ends_the_command(client: ReccoBeats, service: FakeReccoBeats) -> None:
    service.failures = [Failure(429, headers={"Retry-After": "1"})] * 4
    with pytest.raises(Postponed):
        client.ask([A])
    assert len(service.asked) == 3


def test_a_long_pause_ends_the_command_and_the_next_one_does_not_ask(
    settings: Settings, client: ReccoBeats, service: FakeReccoBeats, clock: FakeClock
) -> None:
    service.failures = [Failure(429, headers={"Retry-After": "3600"})]
    with pytest.raises(Postponed) as postponed:
        client.ask([A])
    assert (postponed.value.not_before.timestamp(), clock.slept) == (START_S + 3600, [])
    with open_reccobeats(settings, clock) as next_command, pytest.raises(Postponed, match="ReccoBeats wants a pause"):
        next_command.ask([A])
    assert len(service.asked) == 1


def test_the_day_has_so_many_requests(settings: Settings, clock: FakeClock, service: FakeReccoBeats) -> None:
    few = settings.model_copy(update={"reccobeats_requests_per_day": 2})
    with open_reccobeats(few, clock) as client:
        client.ask([A])
        client.ask([A])
        with pytest.raises(Postponed, match="SEGUE_RECCOBEATS_REQUESTS_PER_DAY"):
            client.ask([A])
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "failure",
    [Failure(500), Failure(503, "<html>"), Failure(200, '{"content":[', cut=True), Failure(200, drips=True)],
    ids=["500", "503", "cut", "drips"],
)
def test_trouble_that_passes_is_asked_again(client: ReccoBeats, service: FakeReccoBeats, failure: Failure) -> None:
    service.known, service.failures = [entry(A)], [failure, failure]
    assert list(client.ask([A]).found) == [A]


def test_trouble_that_stays_is_a_reason_to_come_back(client: ReccoBeats, service: FakeReccoBeats) -> None:
    service.failures = [Failure(502)] * 5
    with pytest.raises(Unavailable, match="answers 502: try again later"):
        client.ask([A])
    assert len(service.asked) == 3


def test_a_server_that_is_not_there_is_a_reason_to_come_back(tmp_path: Path, clock: FakeClock) -> None:
    away = Settings(reccobeats_url="http://127.0.0.1:1", state_dir=tmp_path)
    with open_reccobeats(away, clock) as client, pytest.raises(Unavailable, match="does not answer"):
        client.ask([A])


def test_an_answer_without_end_is_given_up(client: ReccoBeats, service: FakeReccoBeats) -> None:
    service.failures = [Failure(200, "x" * 1_100_000)] * 3
    with pytest.raises(Unavailable):
        client.ask([A])


def test_more_ids_than_it_takes_are_its_refusal_to_read(client: ReccoBeats) -> None:
    with pytest.raises(InvalidInput, match="refuses the request \\(400"):
        client.ask([spotify_id(number) for number in range(41)])


@pytest.mark.parametrize("status", [301, 404])
def test_another_address_is_a_wrong_setting(client: ReccoBeats, service: FakeReccoBeats, status: int) -> None:
    service.failures = [Failure(status, headers={"Location": "http://127.0.0.1:1/"})]
    with pytest.raises(ConfigurationError, match="SEGUE_RECCOBEATS_URL"):
        client.ask([A])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("Tue, 22 Sep 2026 00:00:30 GMT", 30.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
        ("9" * 400, 604_800.0),
    ],
)
def test_a_pause_is_said_in_seconds_or_as_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, 1_790_035_200.0) == seconds


@given(st.binary(max_size=300))
def test_bytes_are_an_answer_or_no_answer(raw: bytes) -> None:
    try:
        told = read_answer(raw, [A])
    except Unavailable:
        return
    assert set(told.found) <= {A}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
entries = st.builds(
    lambda track_id, changed: entry(track_id) | changed,
    st.sampled_from([A, B]),
    st.dictionaries(st.sampled_from(["href", "isrc", *entry(A)]), json_values, max_size=4),
)


@given(st.lists(entries | json_values, max_size=5))
def test_whatever_the_entries_are_only_features_in_range_are_taken(content: list[object]) -> None:
    told = read_answer(msgspec.json.encode({"content": content}), [A])
    assert set(told.found) <= {A}
    for features in told.found.values():
        check_features(features)
