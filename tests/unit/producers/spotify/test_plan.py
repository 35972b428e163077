"""From the words of a command to what is asked of Spotify."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.spotify.plan import Planner, Wanted, wanted
from producers.spotify.references import Reference, reference_of
from producers.spotify.session import SpotifySession, open_session
from segue.errors import InvalidInput, LoginNeeded
from tests.fakes.spotify import FakeSpotify
from tests.unit.producers.spotify.conftest import FakeClock, settings_for
from tests.unit.producers.spotify.made import nothing_known

ID = "4u7EnebtmKWzUH433cf5Qv"


def test_own_lists_are_taken_in_a_fixed_order_and_once() -> None:
    assert wanted(["top", "saved", "saved"]) == Wanted(own=("saved", "top"))


def test_a_search_is_all_the_words_behind_it() -> None:
    assert wanted(["search", "saved", "by", "zero"]) == Wanted(search="saved by zero")


def test_lists_and_ids_can_be_named_together() -> None:
    assert wanted(["saved", f"album:{ID}", ID]) == Wanted(("saved",), None, (Reference("album", ID), Reference("track", ID)))


@pytest.mark.parametrize("words", [[], ["search"], ["search", " "]])
def test_nothing_is_refused(words: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        wanted(words)
    assert refused.value.code == "nothing_asked"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (ID, "track"),
        (f"  track:{ID} ", "track"),
        (f"spotify:playlist:{ID}", "playlist"),
        (f"https://open.spotify.com/artist/{ID}", "artist"),
        (f"https://open.spotify.com/intl-pt/album/{ID}?si=abc&x=1", "album"),
        (f"open.spotify.com/track/{ID}#0:30", "track"),
    ],
)
def test_things_are_named_as_people_copy_them(text: str, kind: str) -> None:
    found = reference_of(text)
    assert (found.kind, found.id) == (kind, ID)


@pytest.mark.parametrize(
    "text",
    ["", "saved!", ID[:-1], ID + "x", f"episode:{ID}", f"https://evil.example/track/{ID}", "track:../../me", f"{ID}/../me",
     f"https://open.spotify.com.evil.example/track/{ID}", f"user:{ID}"],
)  # fmt: skip
def test_what_is_nothing_of_spotifys_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no id, URI or address") as refused:
        reference_of(text)
    assert refused.value.code == "invalid_reference"


@given(st.text())
def test_whatever_is_taken_is_an_id_of_22_letters_and_digits(text: str) -> None:
    try:
        found = reference_of(text)
    except InvalidInput:
        return
    assert len(found.id) == 22
    assert found.id.isascii()
    assert found.id.isalnum()


def test_own_lists_need_a_name(session: SpotifySession) -> None:
    with pytest.raises(InvalidInput, match="saved needs --listener"):
        Planner(session, None, nothing_known).own("saved", None, 1.0)


def test_a_playlist_by_id_needs_a_name(session: SpotifySession) -> None:
    with pytest.raises(InvalidInput, match="--listener"):
        Planner(session, None, nothing_known).references([Reference("playlist", ID)])


def test_own_lists_need_a_person(spotify: FakeSpotify, tmp_path: Path) -> None:
    settings = settings_for(spotify, tmp_path, spotify_client_secret=spotify.accounts.client_secret)
    with open_session(settings, FakeClock()) as session, pytest.raises(LoginNeeded, match="segue ingest auth"):
        Planner(session, "me", nothing_known).own("top", None, 1.0)


def test_what_is_asked_for_tells_imports_apart(session: SpotifySession) -> None:
    planner = Planner(session, "me", nothing_known)
    sources = [
        planner.own("saved", None, 1.0), planner.own("top", None, 1.0), planner.search("a", 10), planner.search("b", 10),
        planner.search("a", 20), planner.references([Reference("track", ID)]), planner.references([Reference("album", ID)]),
    ]  # fmt: skip
    assert len({source.fingerprint for source in sources}) == 7
