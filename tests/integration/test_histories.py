"""Histories from the file to Postgres: by the command, through Kafka and the processors."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import LocalStack
from segue.stores.postgres.database import Database

pytestmark = pytest.mark.stack


def ingest_history(path: Path, listener: str, *options: str) -> str:
    command = [sys.executable, "-m", "producers.data_ingestor", "history", str(path), "--listener", listener, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout


def listens(database: Database, listener: str) -> list[tuple[Any, ...]]:
    """Track id, title, time and milliseconds of each listen, oldest first."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute(
            """select t.track_id, t.name, to_char(l.occurred_at, 'YYYY-MM-DD HH24:MI:SS'), l.ms_played
               from listens as l join users as u using (user_no) join tracks as t using (track_no)
               where u.user_id = %s order by l.occurred_at""",
            (listener,),
        )
        return list(cursor)


def archive(path: Path, files: dict[str, object]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, json.dumps(content))
    return path


def test_an_account_and_its_extended_history_become_one_history(
    processor: LocalStack, database: Database, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    word = uuid.uuid4().hex[:10]
    listener, track_id = f"alice-{word}", f"{word:0>22}"
    streams = [
        {"ts": f"2024-05-09T15:{minute}:14Z", "ms_played": 180_000, "master_metadata_track_name": f"Waltz {word}",
         "master_metadata_album_artist_name": "Otters", "master_metadata_album_album_name": "Postcards",
         "spotify_track_uri": f"spotify:track:{track_id}", "reason_end": "trackdone"}
        for minute in (40, 48)
    ]  # fmt: skip
    extended = archive(tmp_path / "extended.zip", {"Streaming_History_Audio_2024.json": streams})
    assert "Spotify's extended streaming history: 1 file" in ingest_history(extended, listener)
    expected = [
        (track_id, f"Waltz {word}", "2024-05-09 15:37:14", 180_000),
        (track_id, f"Waltz {word}", "2024-05-09 15:45:14", 180_000),
    ]
    wait_until(lambda: listens(database, listener) == expected, what="the extended history")

    basic = [
        {"endTime": "2024-05-09 15:48", "artistName": "Otters", "trackName": f"Waltz {word}", "msPlayed": 180_000},
        {"endTime": "2024-05-10 08:00", "artistName": "Otters", "trackName": f"Waltz {word} (Live)", "msPlayed": 60_000},
    ]
    ingest_history(archive(tmp_path / "account.zip", {"StreamingHistory0.json": basic}), listener)
    expected.append((track_id, f"Waltz {word}", "2024-05-10 07:59:00", 60_000))
    wait_until(lambda: listens(database, listener) == expected, what="what only the account data has")

    ingest_history(extended, listener, "--restart")
    assert "nothing to do" in ingest_history(extended, listener)
    assert listens(database, listener) == expected
