"""Reading a history: listens a second on one core, and the memory that it takes, whatever its length."""

from __future__ import annotations

import gc
import random
import tempfile
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.memory import MB, peak_memory
from benchmarks.results import report
from producers.history_command import COLLECT_EVERY
from producers.ingestion.songs import EmptyCatalogue
from producers.reading.bounds import Bounds
from producers.sources.histories.source import HistorySource
from segue.events import ListeningEvent

FILE_LISTENS = 16_000
"""Spotify puts about so many into a file."""
SONGS = 60_000
_BEGAN = datetime(2010, 1, 1, tzinfo=UTC)

_STREAM = """  {{
    "ts": "{ts}",
    "platform": "android",
    "ms_played": {ms_played},
    "conn_country": "US",
    "ip_addr": "203.0.113.{address}",
    "master_metadata_track_name": "Song Number {song}",
    "master_metadata_album_artist_name": "Artist {artist}",
    "master_metadata_album_album_name": "Album {album}",
    "spotify_track_uri": "spotify:track:{song:022d}",
    "episode_name": null,
    "episode_show_name": null,
    "spotify_episode_uri": null,
    "audiobook_title": null,
    "audiobook_uri": null,
    "audiobook_chapter_uri": null,
    "audiobook_chapter_title": null,
    "reason_start": "trackdone",
    "reason_end": "{reason}",
    "shuffle": true,
    "skipped": {skipped},
    "offline": false,
    "offline_timestamp": {offline},
    "incognito_mode": false
  }}"""


def histories(listens: int, json_path: Path | None) -> None:
    """Generate an extended streaming history and read all its pages as the command does, with nothing behind them."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "my_spotify_data.zip")
        write_export(export, listens)
        gc.set_threshold(COLLECT_EVERY)
        with peak_memory() as peak:
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            source = HistorySource(export, "alice", EmptyCatalogue(), Bounds(), now=datetime.now(UTC))
            events = sum(isinstance(item, ListeningEvent) for page in source.pages(None) for item in page.items)
            took_s, took_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        figures = {
            "listens": events,
            "unpacked_mb": source.total() / MB,
            "listens_per_s": events / took_s,
            "listens_per_cpu_s": events / took_cpu_s,
            "resident_mb": peak.before_mb + peak.peak_mb,
        }
    report("reading a history", figures, json_path)


def write_export(path: Path, listens: int, seed: int = 1) -> None:
    """An archive as Spotify makes them: listens of twenty years at most to a few much-loved songs and many others."""
    rng, written = random.Random(seed), 0
    step_s = min(120.0, 15 * 365 * 86_400 / listens)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        while written < listens:
            count = min(FILE_LISTENS, listens - written)
            rows = ",\n".join(_stream(rng, _BEGAN + timedelta(seconds=step_s * (written + n))) for n in range(count))
            archive.writestr(f"Streaming_History_Audio_{written // FILE_LISTENS}.json", f"[\n{rows}\n]")
            written += count


def _stream(rng: random.Random, at: datetime) -> str:
    song = int(SONGS * rng.random() ** 3)
    skipped = rng.random() < 0.3
    return _STREAM.format(
        ts=at.strftime("%Y-%m-%dT%H:%M:%SZ"), ms_played=rng.randrange(29_000 if skipped else 300_000), address=rng.randrange(256),
        song=song, artist=song % 5_000, album=song // 10, reason="fwdbtn" if skipped else "trackdone",
        skipped="true" if skipped else "false", offline=int(at.timestamp()),
    )  # fmt: skip
