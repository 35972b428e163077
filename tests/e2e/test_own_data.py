"""A listener takes their data along and goes: export, deletion and its receipt on the running stack."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from segue.events import PlaylistRecord, UserRecord, encode
from segue.log_reader import LogReader
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.redis.rows import row_key
from segue.topics import PLAYLISTS, USERS
from tests.e2e.conftest import Road
from tests.parquet import rows_in, rows_of
from tests.publishing import publish_raw

pytestmark = pytest.mark.stack

USER = "lena-who-leaves"


def play(track_id: str, kind: str = "play") -> dict[str, Any]:
    return {"event_id": str(uuid.uuid4()), "type": kind, "user_id": USER, "track_id": track_id}


def live(road: Road, *track_ids: str) -> None:
    """Plays that are in the state when it returns."""
    last = road.post(*map(play, track_ids))["events"][-1]["event_id"]
    road.recommend(USER, min_event_id=last, max_wait_ms=10_000, require_event=True)


def deleted(road: Road, wait_until: Callable[..., None]) -> dict[str, Any]:
    """The receipt of a deletion that is done."""
    asked = road.client.delete(f"/users/{USER}")
    assert asked.status_code == 202, asked.text
    where = asked.headers["Location"]
    wait_until(lambda: road.client.get(where).json()["status"] == "done", 20, "the deletion")
    receipt: dict[str, Any] = road.client.get(where).json()
    return receipt


def newest(settings: Settings, topic: str) -> dict[bytes | str | None, bytes | str | None]:
    """The newest record of each key."""
    with closing(LogReader(settings)) as reader:
        return {record.key(): record.value() for record in reader.read(*reader.bounds([topic]))}


def test_a_listener_takes_their_data_leaves_and_begins_anew(
    road: Road, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    publish_raw(settings, [encode(UserRecord(user_id=USER, display_name="Lena"))], USER.encode(), USERS)
    owned = PlaylistRecord(playlist_id="lenas", name="Mine", track_ids=("jazz-001",), owner_id=USER)
    publish_raw(settings, [encode(owned)], b"lenas", PLAYLISTS)
    live(road, "jazz-001", "jazz-002")
    wait_until(lambda: len(road.client.get(f"/users/{USER}/playlists").json()["items"]) == 1, 20, "the playlist")

    export = road.client.get(f"/users/{USER}/export").json()
    assert {one["track_id"] for one in export["events"]} == {"jazz-001", "jazz-002"}
    assert (export["user"]["display_name"], export["playlists"][0]["track_ids"]) == ("Lena", ["jazz-001"])

    receipt = deleted(road, wait_until)
    assert receipt["found"] == {"profile": True, "events": 2, "tracks": 2, "blocks": 0, "playlists": 1, "keys": 0}
    for path in (f"/users/{USER}", f"/users/{USER}/history", f"/users/{USER}/export"):
        assert road.client.get(path).status_code == 404
    assert road.client.get(f"/users/{USER}/playlists").json()["items"] == []
    assert road.recommend(USER)["state"]["events"] == 0
    with redis.Redis.from_url(settings.require_redis()) as client:
        assert client.hkeys(row_key(USER, settings.redis_buckets)) == [b"d"]
    assert (newest(settings, USERS)[USER.encode()], newest(settings, PLAYLISTS)[b"lenas"]) == (None, None)

    road.post(play("jazz-003"))
    wait_until(road.caught_up, 20, "the late event")
    assert road.client.get(f"/users/{USER}").status_code == 404

    publish_raw(settings, [encode(UserRecord(user_id=USER))], USER.encode(), USERS)
    wait_until(lambda: road.client.get(f"/users/{USER}").status_code == 200, 20, "the return")
    live(road, "rock-001")
    assert [one["track_id"] for one in road.client.get(f"/users/{USER}/export").json()["events"]] == ["rock-001"]
    assert road.client.get(f"/users/{USER}/deletions/{receipt['receipt_id']}").json() == receipt
    assert deleted(road, wait_until)["found"]["events"] == 1


def test_the_same_from_the_command_line(road: Road, tmp_path: Path) -> None:
    user_id, to = "mia-who-leaves", tmp_path / "mia.json"
    event = {"type": "play", "user_id": user_id, "track_id": "pop-001"}
    last = road.post(event)["events"][0]["event_id"]
    road.recommend(user_id, min_event_id=last, max_wait_ms=10_000, require_event=True)
    road.stack.run_segue("users", "export", user_id, "--to", str(to))
    assert [one["event_id"] for one in json.loads(to.read_bytes())["events"]] == [last]
    assert (to.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o600, [to])
    files = tmp_path / "mia.zip"
    road.stack.run_segue("users", "export", user_id, "--format", "parquet", "--to", str(files))
    assert rows_of(files.read_bytes()) == rows_in(to.read_bytes())
    road.stack.run_segue("users", "delete", user_id, "--yes")
    assert road.client.get(f"/users/{user_id}").status_code == 404
    said = road.stack.state.log("users").read_text()
    assert "done at" in said
    assert "1 events, 1 tracks" in said
