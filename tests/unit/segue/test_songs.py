"""Songs as they are named, and the tracks that they are."""

from __future__ import annotations

import pytest

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.songs import Song, best_version, learned_track, listen_id, spotify_id_in


def track(number: int, name: str, album: str | None = None, popularity: int | None = None) -> Track:
    return Track(TrackNo(number), f"t{number}", name, ("Otters",), album, None, None, None, popularity, (), None)


def test_keys_are_as_written_then_of_the_first_artist_alone() -> None:
    assert Song("Waltz", "Otters feat. Foxes").keys == ("otters feat foxes|waltz", "otters|waltz")
    assert Song("Waltz (Live)", "Foxes & Otters", ("Foxes", "Otters")).keys == ("foxes otters|waltz", "foxes|waltz")


def test_a_song_without_words_has_a_key_all_the_same() -> None:
    assert (Song("!!!", "???").keys, Song("!!!", "???").key) == ((), "???|!!!")


def test_an_unknown_song_has_the_same_id_however_it_is_written() -> None:
    assert Song("Waltz", "Ötters").derived_id == Song("waltz (Remastered)", "OTTERS").derived_id
    assert Song("Waltz", "Otters", recording_mbid="m1").derived_id == "lb:m1"


def test_what_is_known_of_a_song_becomes_a_track() -> None:
    made = learned_track(
        "lb:1", Song("Waltz", "Otters & Foxes", ("Otters", "Foxes"), "Postcards", duration_ms=9), "lastfm-history"
    )
    assert (made.track_id, made.name, made.artists, made.album) == ("lb:1", "Waltz", ("Otters", "Foxes"), "Postcards")
    assert (made.duration_ms, made.source) == (9, "lastfm-history")


def test_of_the_versions_the_same_title_is_taken_then_the_same_album_then_the_best_known() -> None:
    waltz = Song("Waltz", "Otters", album="Postcards")
    versions = [track(1, "Waltz - Live", "Postcards", 90), track(2, "Waltz", None, 80), track(3, "waltz", "postcards!", 1)]
    assert best_version(waltz, versions) == versions[2]
    assert best_version(waltz, versions[:2]) == versions[1]
    assert best_version(waltz, [versions[0], track(4, "Waltz - Live", "Postcards", 95)]) == track(
        4, "Waltz - Live", "Postcards", 95
    )


def test_a_track_of_another_key_is_no_version() -> None:
    assert best_version(Song("March", "Otters"), [track(1, "Waltz")]) is None


def test_a_listen_is_told_by_listener_second_and_names() -> None:
    told = listen_id("alice", 1_715_269_693, Song("Waltz", "Otters"))
    assert told == listen_id("alice", 1_715_269_693, Song("WALTZ", "otters", album="Postcards"))
    others = {
        listen_id("bob", 1_715_269_693, Song("Waltz", "Otters")),
        listen_id("alice", 1_715_269_694, Song("Waltz", "Otters")),
        listen_id("alice", 1_715_269_693, Song("March", "Otters")),
    }
    assert (len(others), told in others, told.version) == (3, False, 7)
    assert told.int >> 80 == 1_715_269_693_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0fYVliAYKHuPmECRs1pbRf", "0fYVliAYKHuPmECRs1pbRf"),
        ("spotify:track:0fYVliAYKHuPmECRs1pbRf", "0fYVliAYKHuPmECRs1pbRf"),
        ("https://open.spotify.com/track/0fYVliAYKHuPmECRs1pbRf?si=1", "0fYVliAYKHuPmECRs1pbRf"),
        ("spotify:album:0fYVliAYKHuPmECRs1pbRf", None),
        ("", None),
        (None, None),
    ],
)
def test_a_spotify_id_is_found_in_urls_and_uris(text: str | None, found: str | None) -> None:
    assert spotify_id_in(text) == found
