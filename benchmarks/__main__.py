"""`python -m benchmarks NAME`: each starts the stack that it needs and writes one JSON object with `--json FILE`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.", show_default=False)]


@app.command()
def freshness(
    rate: Annotated[float, typer.Option(min=1, help="Background events per second.")] = 200,
    probes: Annotated[int, typer.Option(min=1, help="Events whose way to the answer is timed.")] = 300,
    workers: Annotated[int, typer.Option(min=1, help="Stream processors.")] = 2,
    json: Json = None,
) -> None:
    """POST /events to the first answer that contains the change, under background load."""
    from benchmarks.freshness import freshness as run

    run(rate, probes, workers, json)


@app.command()
def ingest(
    mode: Annotated[Literal["envelope", "single"], typer.Option(help="Events per record: 100, or one.")] = "envelope",
    events: Annotated[int, typer.Option(min=1)] = 1_000_000,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    stored: Annotated[int, typer.Option(min=0, help="Interactions in both stores before.")] = 0,
    traced: Annotated[
        float, typer.Option(min=0, max=1, help="Share of records with a trace; SEGUE_TRACING is for workers.")
    ] = 0.0,
    json: Json = None,
) -> None:
    """Drain a backlog: Kafka to Postgres and Redis."""
    from benchmarks.ingest import ingest as run

    run(mode, events, workers, stored, traced, json)


@app.command("ingest-files")
def ingest_files(
    listens: Annotated[int, typer.Option(min=1_000)] = 1_000_000,
    tracks: Annotated[int, typer.Option(min=1_000)] = 200_000,
    json: Json = None,
) -> None:
    """Import tables of tracks and of listens into Kafka: rows a second, CPU, memory."""
    from benchmarks.ingest_files import ingest_files as run

    run(listens, tracks, json)


@app.command()
def growth(
    events: Annotated[int, typer.Option(min=1, help="Events at each size.")] = 500_000,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    json: Json = None,
) -> None:
    """The cost of an event with 0.1, 1 and 5 million interactions stored before."""
    from benchmarks.ingest import growth as run

    run(events, workers, json)


@app.command()
def histories(
    listens: Annotated[int, typer.Option(min=1, help="Of a generated export of Spotify.")] = 1_000_000,
    json: Json = None,
) -> None:
    """Reading somebody's history: listens a second on one core, and memory."""
    from benchmarks.histories import histories as run

    run(listens, json)


@app.command()
def quality(
    train: Annotated[Path, typer.Option(help="Lines of `user item item …`, plain or gz.")],
    test: Annotated[Path, typer.Option(help="Held-out items in the same form.")],
    limit_users: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Score a seeded sample of that many listeners of the test file. All of the training file is learned from.",
            show_default="all",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Recall@20 and NDCG@20 on a public split, through the path that serves."""
    from benchmarks.quality import quality as run

    run(train, test, json, limit_users)


@app.command()
def refit(
    train: Annotated[Path | None, typer.Option(help="Lines of `user item item …`; generated when left out.")] = None,
    json: Json = None,
) -> None:
    """Seconds to fit every model."""
    from benchmarks.refit import refit as run

    run(train, json)


@app.command()
def score(
    tracks: Annotated[int, typer.Option(min=1_000, help="Size of the catalogue.")] = 30_000,
    factors: Annotated[int, typer.Option(min=8, help="Of ALS.")] = 64,
    json: Json = None,
) -> None:
    """Milliseconds of whole answers on one thread, over a made-up catalogue."""
    # As `segue serve` does, before numpy is loaded.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    from benchmarks.score import score as run

    run(tracks, factors, json)


@app.command()
def answers(
    json: Annotated[Path | None, typer.Option("--json", help="Write the answers to this file.", show_default=False)] = None,
    against: Annotated[Path | None, typer.Option(help="Answers of an earlier run to compare with.", show_default=False)] = None,
) -> None:
    """Answers to 1,200 questions of every kind; ends with 1 where they differ from those of an earlier run."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    from benchmarks.answers import answers as run

    found = run(json, against)
    for how, names in found.items():
        typer.echo(f"{how}: {len(names)} questions, such as {', '.join(names[:5])}")
    raise typer.Exit(1 if found else 0)


@app.command()
def serve(
    route: Annotated[Literal["user", "song"], typer.Option(help="POST /recommend/user/, or GET /recommend/song/…")] = "user",
    tracks: Annotated[int, typer.Option(min=1_000, help="Size of the catalogue.")] = 30_000,
    processes: Annotated[int, typer.Option(min=1, max=16, help="API processes, side by side.")] = 1,
    seconds: Annotated[float, typer.Option(min=1, help="Of load, for each number of connections.")] = 10,
    json: Json = None,
) -> None:
    """Answers over HTTP, 1 and 16 connections: requests a second, latencies, CPU."""
    from benchmarks.serve import serve as run

    run(route, tracks, processes, seconds, json)


@app.command()
def simulated(
    catalogue: Annotated[
        str | None, typer.Option(help="Path or URL of tracks. Default: SEGUE_CATALOGUE, else the public one.")
    ] = None,
    listeners: Annotated[int, typer.Option(min=100)] = 2_000,
    days: Annotated[int, typer.Option(min=2, help="Days of history.")] = 60,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    json: Json = None,
) -> None:
    """Quality on simulated listeners, whose true tastes are known: the blend, newcomers, new tracks."""
    from benchmarks.simulated import simulated as run

    run(catalogue, listeners, days, seed, json)


@app.command("all")
def everything(
    data: Annotated[Path | None, typer.Option(help="Folder of NAME/train.txt.gz and test.txt.gz for quality.")] = None,
    results: Annotated[Path, typer.Option(help="Where the JSON files go.")] = Path("results"),
) -> None:
    """Every benchmark, one after another; quality only with --data, since its splits are not part of Segue."""
    for rate in (200, 1_000, 5_000):
        freshness(rate, json=results / f"freshness-{rate}.json")
    ingest("envelope", json=results / "ingest-envelope.json")
    ingest("single", json=results / "ingest-single.json")
    ingest_files(json=results / "ingest-files.json")
    growth(json=results / "growth.json")
    histories(json=results / "histories.json")
    refit(json=results / "refit.json")
    score(json=results / "score.json")
    serve("user", json=results / "serve-user.json")
    serve("song", json=results / "serve-song.json")
    simulated(json=results / "simulated.json")
    for folder in sorted(data.iterdir()) if data else ():
        if (folder / "train.txt.gz").exists():
            quality(folder / "train.txt.gz", folder / "test.txt.gz", json=results / f"quality-{folder.name}.json")
    typer.echo(f"results in {results}/" + ("" if data else "; quality was left out: pass --data FOLDER"))


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    # As after Ctrl-C: the stack that a benchmark started must not outlive it.
    signal.signal(signal.SIGTERM, _end)
    app()
