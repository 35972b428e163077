"""Players that know ListenBrainz only: its client library, and requests as Navidrome and multi-scrobbler make them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from liblistenbrainz import Listen, ListenBrainz

from tests.e2e.conftest import Road

pytestmark = pytest.mark.stack

MBID = "7e4bb014-51d5-4943-adb1-683e066a5220"


@pytest.fixture
def player(road: Road) -> ListenBrainz:
    """The client library, for a listener of each test's own."""
    client = ListenBrainz(str(road.client.base_url))
    client.set_auth_token(f"lb-{time.monotonic_ns()}")
    return client


def name_of(player: ListenBrainz) -> str:
    return str(player._auth_token)


def test_what_the_client_library_submits_it_reads_back(road: Road, player: ListenBrainz, wait_until: Callable[..., None]) -> None:
    now, name = int(time.time()), name_of(player)
    assert player.get_listens(name) == []
    player.submit_single_listen(Listen("Jazz Song 3 (Remastered)", "Jazz Artist 0", now - 300, recording_mbid=MBID))
    player.submit_multiple_listens([Listen(f"Jazz Song {number}", "Jazz Artist 0", now - 200 + number) for number in (1, 2, 5)])
    wait_until(lambda: player.get_user_listen_count(name) == 4, 10, "the listens in the history")
    listens = player.get_listens(name)
    assert [listen.track_name for listen in listens] == [f"Jazz Song {number}" for number in (5, 2, 1, 3)]
    assert [listen.listened_at for listen in player.get_listens(name, max_ts=now - 198)] == [now - 199, now - 300]
    assert [listen.listened_at for listen in player.get_listens(name, min_ts=now - 198)] == [now - 195]
    wait_until(lambda: road.recommend(name)["state"]["events"] == 4, 10, "the listens in the state")
    heard = {f"jazz-{number:03d}" for number in (1, 2, 3, 5)}
    items = road.recommend(name)["items"]
    assert not heard & {item["track_id"] for item in items}
    assert sum(item["track_id"].startswith("jazz") for item in items) >= 8


def test_a_listen_that_a_player_sends_again_counts_once(
    road: Road, player: ListenBrainz, wait_until: Callable[..., None]
) -> None:
    at, name = int(time.time()) - 100, name_of(player)
    for title in ("Never Heard Of", "never heard of", "Never Heard Of"):
        player.submit_single_listen(Listen(title, "Nobody", at))
        # Each time at another place between the first listen and the song in the catalogue.
        wait_until(road.caught_up, 10, "every record")
    player.submit_single_listen(Listen("Rock Song 1", "Rock Artist 0", at + 1))
    wait_until(lambda: player.get_user_listen_count(name) == 2, 10, "the last listen")
    wait_until(road.caught_up, 10, "every record")
    assert player.get_user_listen_count(name) == 2


def test_an_unknown_song_is_found_by_its_name_seconds_later(
    road: Road, player: ListenBrainz, wait_until: Callable[..., None]
) -> None:
    at, name = int(time.time()) - 100, name_of(player)
    player.submit_single_listen(Listen("Qwertz Lullaby", "The Unpublished", at, release_name="Attic", recording_mbid=MBID))

    def found() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = road.client.get("/tracks/search", params={"q": "qwertz lull"}).json()["items"]
        return items

    wait_until(lambda: bool(found()), 10, "the song in the catalogue")
    assert (found()[0]["track_id"], found()[0]["artists"], found()[0]["album"]) == (f"lb:{MBID}", ["The Unpublished"], "Attic")
    wait_until(lambda: bool(player.get_listens(name)), 10, "the listen in the history")
    (listen,) = player.get_listens(name)
    assert (listen.track_name, listen.artist_name, listen.recording_mbid) == ("Qwertz Lullaby", "The Unpublished", MBID)


def test_what_is_playing_now_is_shown_and_is_no_listen(player: ListenBrainz) -> None:
    player.submit_playing_now(Listen("Pop Song 1", "Pop Artist 0", additional_info={"duration_ms": 200_000}))
    playing = player.get_playing_now(name_of(player))
    assert (playing.track_name, playing.artist_name, playing.listened_at) == ("Pop Song 1", "Pop Artist 0", None)
    assert player.get_user_listen_count(name_of(player)) == 0


def test_as_navidrome_asks(road: Road, wait_until: Callable[..., None]) -> None:
    """Go's HTTP client: a body with GET, a charset, numbers of seconds that it does not send when they are zero."""
    headers = {
        "Authorization": "Token nadia",
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Go-http-client/1.1",
    }
    valid = road.client.request("GET", "/1/validate-token", headers=headers, content=b"{}")
    assert (valid.json()["valid"], valid.json()["user_name"], valid.json()["code"]) == (True, "nadia", 200)
    metadata = {
        "artist_name": "Rock Artist 1 • Guest", "track_name": "Rock Song 12", "release_name": "Album 1",
        "additional_info": {
            "submission_client": "Navidrome", "submission_client_version": "0.58.0", "tracknumber": 2,
            "artist_names": ["Rock Artist 1", "Guest"], "artist_mbids": [""], "duration_ms": 200_000,
        },
    }  # fmt: skip
    playing = {"listen_type": "playing_now", "payload": [{"track_metadata": metadata}]}
    listened = {"listen_type": "single", "payload": [{"listened_at": int(time.time()), "track_metadata": metadata}]}
    for body in (playing, listened):
        answer = road.client.post("/1/submit-listens", headers=headers, content=json.dumps(body))
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    wait_until(lambda: road.recommend("nadia")["state"]["events"] == 1, 10, "the listen in the state")
    history = road.client.get("/users/nadia/history").json()["items"]
    assert [event["track_id"] for event in history] == ["rock-012"]
    # It sends a listen again when the code of an error is 500 or 503, a number.
    refused = road.client.post("/1/submit-listens", headers=headers, content=b'{"listen_type": "single"}').json()
    assert (refused["code"], isinstance(refused["error"], str)) == (400, True)


def test_as_multi_scrobbler_asks(road: Road, wait_until: Callable[..., None]) -> None:
    """It reads listens before it sends any, and sends Spotify's URLs, played seconds and a release artist."""
    headers = {"Authorization": "Token maja", "User-Agent": "multi-scrobbler/0.11.0 (https://example.org)"}
    assert road.client.get("/1/validate-token", headers=headers).status_code == 200
    before = road.client.get("/1/user/maja/listens", headers=headers, params={"count": 100})
    assert (before.status_code, before.json()["payload"]["listens"]) == (200, [])
    at = int(time.time()) - 60
    info = {
        "duration": 200, "submission_client": "multi-scrobbler", "submission_client_version": "0.11.0",
        "artist_names": ["Pop Artist 2"], "release_artist_name": "Pop Artist 2", "release_artist_names": ["Pop Artist 2"],
        "music_service": "spotify.com", "music_service_name": "spotify", "origin_url": "https://open.spotify.com/track/x",
        "spotify_id": "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC", "spotify_artist_ids": [], "duration_played": 123,
    }  # fmt: skip
    metadata = {"artist_name": "Pop Artist 2", "track_name": "Pop Song 21", "release_name": "Album 2", "additional_info": info}
    sent = {"listen_type": "single", "payload": [{"listened_at": at, "track_metadata": metadata}]}
    assert road.client.post("/1/submit-listens", headers=headers, json=sent).json() == {"status": "ok"}

    def shown() -> dict[str, Any]:
        answer = road.client.get("/1/user/maja/listens", headers=headers, params={"min_ts": at - 1})
        payload: dict[str, Any] = answer.json()["payload"]
        return payload

    wait_until(lambda: shown()["count"] == 1, 10, "the listen in the history")
    assert (shown()["listens"][0]["listened_at"], shown()["latest_listen_ts"]) == (at, at)
    assert road.client.get("/users/maja/history").json()["items"][0]["ms_played"] == 123_000


def test_as_a_downloader_of_created_playlists_asks(road: Road, player: ListenBrainz, wait_until: Callable[..., None]) -> None:
    """Explo and its like page through what was created for a user, take the newest of a patch, and search for its tracks."""
    now, name = int(time.time()), name_of(player)
    heard = [f"Jazz Song {number}" for number in range(10)]
    player.submit_multiple_listens([Listen(title, "Jazz Artist 0", now - 300 + at) for at, title in enumerate(heard)])
    wait_until(lambda: road.recommend(name)["state"]["events"] == 10, 10, "the listens in the state")
    headers = {"Authorization": f"Token {name}"}

    def pages() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            url = f"/1/user/{name}/playlists/createdfor"
            page = road.client.get(url, headers=headers, params={"count": 1, "offset": len(found)}).json()
            found += [one["playlist"] for one in page["playlists"]]
            if page["count"] + page["offset"] >= page["playlist_count"] or page["count"] == 0:
                return found

    wait_until(lambda: len(pages()) == 2, 10, "the lists of this week")
    extension = "https://musicbrainz.org/doc/jspf#playlist"
    by_patch = {one["extension"][extension]["additional_metadata"]["algorithm_metadata"]["source_patch"]: one for one in pages()}
    assert by_patch.keys() == {"weekly-exploration", "weekly-jams"}
    assert all(one["title"].startswith(("Weekly Exploration for ", "Weekly Jams for ")) for one in by_patch.values())

    def tracks(patch: str) -> list[dict[str, Any]]:
        mbid = by_patch[patch]["identifier"].split("/")[-1]
        whole: dict[str, Any] = road.client.get(f"/1/playlist/{mbid}", headers=headers).json()["playlist"]
        found: list[dict[str, Any]] = whole["track"]
        return found

    assert {one["title"] for one in tracks("weekly-jams")} == set(heard)
    exploration = tracks("weekly-exploration")
    assert len(exploration) == 50
    assert not {one["title"] for one in exploration} & set(heard)
    assert Counter(one["creator"].partition(" ")[0] for one in exploration[:10]).most_common(1)[0][0] == "Jazz"
    assert {one["identifier"][0].partition("-")[0] for one in tracks("weekly-jams")} == {"urn:segue:track:jazz"}
    assert road.client.get(f"/1/user/{name}/playlists", headers=headers).json()["playlist_count"] == 0
