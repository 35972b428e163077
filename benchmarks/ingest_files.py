"""How fast files are imported into Kafka, and in how much memory: `segue ingest table` as it is run, on generated files."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.results import report
from benchmarks.serving_stack import console, streaming_stack
from segue.events import AudioFeatures

LISTENED_S = 1_500_000_000
POLL_S = 0.05
MB = 2**20


def ingest_files(listens: int, tracks: int, json_path: Path | None) -> None:
    """Prints and writes listens_per_s, tracks_per_s, cpu_s_per_million_…, the importer's rss_mb_… at its quarter and at its most.

    No processors run: what is measured is the road into Kafka.
    """
    figures: dict[str, float | str] = {"listens": listens, "tracks": tracks}
    with streaming_stack(1), TemporaryDirectory() as folder:
        table = _write_tracks(Path(folder) / "tracks.csv", tracks)
        figures |= _measure("tracks", tracks, "table", str(table), "--kind", "tracks")
        table = _write_listens(Path(folder) / "listens.csv", listens)
        figures |= _measure("listens", listens, "table", str(table), "--listener", "somebody")
    report("ingest-files: a table into Kafka", figures, json_path)


def _measure(what: str, rows: int, *command: str) -> dict[str, float]:
    """The whole run of the command, its start included."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "producers.data_ingestor", *command], stdout=subprocess.PIPE, text=True)
    watched, sizes, cpu_s = psutil.Process(process.pid), list[float](), 0.0
    while process.poll() is None:
        try:
            sizes.append(watched.memory_info().rss / MB)
            cpu_s = sum(watched.cpu_times()[:2])
        except psutil.NoSuchProcess:
            break
        time.sleep(POLL_S)
    output, _ = process.communicate()
    lasted_s = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(f"the import of {what} ended with {process.returncode}: {output}")
    console.print(output, markup=False)
    return {
        f"{what}_per_s": rows / lasted_s,
        f"cpu_s_per_million_{what}": cpu_s / rows * 1e6,
        f"rss_mb_quarter_{what}": max(sizes[: max(1, len(sizes) // 4)]),
        f"rss_mb_{what}": max(sizes),
    }


def _write_tracks(path: Path, tracks: int) -> Path:
    rng = random.Random(1)
    features = AudioFeatures.__struct_fields__
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "track_name", "artists", "album", "year", "duration_ms", "popularity", "genre", *features])
        for number in range(tracks):
            values = [rng.randrange(2) if name in {"key", "mode"} else round(rng.random(), 3) for name in features]
            song = [f"{number:022d}", f"Song {number}", f"Band {number % 9_000}", f"Album {number % 40_000}"]
            writer.writerow([*song, 1960 + number % 60, 180_000 + number % 1_000, number % 100, "pop", *values])
    return path


def _write_listens(path: Path, listens: int) -> Path:
    """Of 100,000 songs, the head of them heard most."""
    rng = random.Random(2)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "track", "artist", "album", "ms_played"])
        for number in range(listens):
            song = min(int(rng.paretovariate(0.4)), 100_000)
            writer.writerow(
                [LISTENED_S + 100 * number, f"Song {song}", f"Band {song % 9_000}", f"Album {song % 40_000}", 180_000]
            )
    return path
