"""Which column is what, and what is said where that cannot be."""

from __future__ import annotations

import pytest

from producers.sources.tables.columns import Kind, find_columns, parse_mapping
from segue.errors import InvalidInput


def test_usual_names_need_no_mapping() -> None:
    names = ["Track Name", "artist_name", "ts", "msPlayed", "user_id", "notes"]
    assert find_columns({}, names, "listens", None) == {
        "track": "Track Name", "artist": "artist_name", "time": "ts", "listener": "user_id", "ms_played": "msPlayed",
    }  # fmt: skip


def test_what_is_asked_for_comes_before_what_is_guessed() -> None:
    found = find_columns({"track": "name2", "time": "ts"}, ["track", "name2", "artist", "ts"], "listens", "alice")
    assert found == {"track": "name2", "artist": "artist", "time": "ts"}


def test_a_column_that_was_given_is_not_guessed_for_another_field() -> None:
    found = find_columns({"track": "name", "artist": "title"}, ["name", "title", "ts"], "listens", "alice")
    assert found == {"track": "name", "artist": "title", "time": "ts"}


def test_the_listener_who_is_named_counts_not_a_column() -> None:
    assert "listener" not in find_columns({}, ["track", "artist", "ts", "user"], "listens", "alice")


def test_an_id_is_enough_for_a_listen() -> None:
    assert find_columns({}, ["uri", "ts"], "listens", "alice") == {"track_id": "uri", "time": "ts"}


@pytest.mark.parametrize(
    ("asked", "names", "kind", "listener", "said"),
    [
        ({}, ["track", "artist"], "listens", "alice", r"known to be time .*: say which is with --map time=COLUMN"),
        ({}, ["track", "ts"], "listens", "alice", r"known to be artist: .* There are: track, ts"),
        ({}, ["track", "artist", "ts"], "listens", None, "listener .*--listener NAME"),
        ({}, ["track_id"], "tracks", None, "known to be track or artist"),
        ({"track": "titel"}, ["title", "artist"], "tracks", None, r"no such column \(did you mean title\?\)"),
        ({"track": "name"}, ["name", "name", "artist"], "tracks", None, "2 columns are called so"),
        ({}, ["2024-05-09 15:48", "Waltz", "Otters"], "listens", "alice", "without a line of names: --no-header"),
        ({"listener": "who"}, ["who", "track", "artist", "ts"], "listens", "alice", "give one"),
        ({}, ["track", "artist"], "tracks", "alice", "tracks are nobody's"),
    ],
)
def test_what_is_missing_or_contradicts_is_named(
    asked: dict[str, str], names: list[str], kind: Kind, listener: str | None, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        find_columns(asked, names, kind, listener)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["track"], "is not FIELD=COLUMN"),
        (["track="], "is not FIELD=COLUMN"),
        (["titel=x"], "listens have no 'titel'"),
        (["tempo=x"], "listens have no 'tempo'"),
        (["track=a", "track=b"], "given twice: a and b"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(texts: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_mapping(texts, "listens")


def test_a_column_may_have_an_equals_sign() -> None:
    assert parse_mapping(["track=a=b"], "listens") == {"track": "a=b"}
