"""`segue evaluate`."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from segue import __version__
from segue.errors import ConfigurationError, InvalidInput
from segue.evaluation.bootstrap import CONFIDENCE, Interval
from segue.evaluation.comparison import PER_LIST, Comparison
from segue.evaluation.documents import MISSING, About, shown, written
from segue.evaluation.judging import Rules, crossed, enough_listeners, from_train_only, judged
from segue.evaluation.metrics import ACCURACY
from segue.evaluation.report import Advance, K
from segue.settings import load_settings
from trainer.commands import opened
from trainer.evaluation import Cut, Judged, from_files, from_state

MAX_K = 1_000


def evaluate(
    split: Annotated[
        Literal["time", "user"], typer.Option(help="Hold out the newest listens, or a part of each listener.")
    ] = "time",
    held_out: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share that is held out.")] = 0.1,
    last: Annotated[int | None, typer.Option(min=1, help="With --split user: each listener's last discoveries instead.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, max=MAX_K, help="Length of the lists.")] = K,
    limit_users: Annotated[int | None, typer.Option(min=1, help="Judge a random sample of listeners.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of samples, random lists and intervals.")] = 3,
    report: Annotated[Path | None, typer.Option(help="Folder of the report. Default: in the state directory.")] = None,
    train: Annotated[Path | None, typer.Option(help="Judge files instead: lines of `user item item …`, plain or gz.")] = None,
    test: Annotated[Path | None, typer.Option(help="Held-out items in the same form.")] = None,
) -> None:
    """How good the recommendations are: the blend against each of its models, popularity and random, with intervals.

    Models are fitted anew without what is held out, and answer from histories alone, as they do when they serve. Exit codes: 0
    done, 1 error.
    """
    if (train is None) != (test is None):
        raise InvalidInput("--train and --test belong together: give both, or neither to judge the live state", "one_file")
    if last is not None and split != "user":
        raise InvalidInput("--last holds out by listener: add --split user", "contradiction")
    started, rules = datetime.now(UTC), Rules(k, limit_users, seed)
    with _Stages.shown() as stages:
        stages("read", 0)
        case = (
            _from_state(Cut(split == "time", held_out, last, seed)) if train is None or test is None else from_files(train, test)
        )
        enough_listeners(case.case.split, rules)
        blends = (crossed if train is None else from_train_only)(case.case, stages)
        comparison = judged(case.case, blends, rules, stages)
    about = About(case.source, case.split, seed, started, __version__, case.counts(), stages.seconds())
    _print(comparison, case, _written(comparison, about, report))


def _from_state(cut: Cut) -> Judged:
    with opened(load_settings()) as stores:
        return from_state(stores, cut)


def _written(comparison: Comparison, about: About, report: Path | None) -> list[Path]:
    directory = report or load_settings().state_dir / "evaluations" / f"{about.created_at:%Y%m%dT%H%M%SZ}"
    try:
        return written(comparison, about, directory)
    except OSError as error:
        raise ConfigurationError(f"the report cannot be written: {error}; choose another folder with --report") from error


@dataclass
class _Stages:
    """Shows which stage runs and how far it is; remembers how long each took."""

    progress: Progress
    _task: TaskID | None = None
    _begun: list[tuple[str, float]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def shown(cls) -> Iterator[_Stages]:
        """Stages on stderr, so that the table alone goes to stdout; the bars leave when the work is done."""
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield cls(progress)

    def __call__(self, stage: str, listeners: int) -> Advance:
        if self._task is not None:
            self.progress.update(self._task, total=1, completed=1, visible=False)
        self._begun.append((stage, time.perf_counter()))
        task = self._task = self.progress.add_task(stage, total=listeners or None)
        return lambda done: self.progress.advance(task, done)

    def seconds(self) -> dict[str, float]:
        """Seconds of each stage so far; call it once, when the last one is over."""
        ends = [begun for _, begun in self._begun[1:]] + [time.perf_counter()]
        return {stage: round(end - begun, 2) for (stage, begun), end in zip(self._begun, ends, strict=True)}


def _print(comparison: Comparison, case: Judged, files: list[Path]) -> None:
    console = Console(highlight=False)
    console.print(f"{case.source}; {case.split}; {comparison.listeners:,} listeners, lists of {comparison.k}")
    console.print(_accuracy_table(comparison), _lists_table(comparison))
    for model, lead in comparison.differences.items():
        console.print(f"{comparison.subject} minus {model}: ndcg {shown(lead['ndcg'])}{_sure(lead['ndcg'])}")
    console.print(", ".join(f"{value:,} {name}" for name, value in case.counts().items()))
    console.print(f"report: {files[0]} and {len(files) - 1} files beside it", soft_wrap=True)
    console.print("next: read it, or train on everything with `segue train --once`")


def _accuracy_table(comparison: Comparison) -> Table:
    table = _table(f"right tracks at {comparison.k} (± half the {CONFIDENCE:.0%} interval)", ACCURACY)
    for model, metrics in comparison.metrics.items():
        table.add_row(model, *(_with_half_width(metrics[name]) for name in ACCURACY))
    return table


def _lists_table(comparison: Comparison) -> Table:
    overall, each = ("coverage", "gini"), [name for name in PER_LIST if name not in ACCURACY]
    table = _table("what the lists are like", (*overall, *each))
    for model, metrics in comparison.metrics.items():
        means = [metrics[name].mean for name in each]
        cells = [*(comparison.overall[model][name] for name in overall), *means]
        table.add_row(model, *(MISSING if math.isnan(value) else f"{value:.3f}" for value in cells))
    return table


def _table(title: str, figures: Sequence[str]) -> Table:
    """As narrow as can be: six models by six figures fit into 80 columns."""
    return Table("model", *figures, title=title, box=SIMPLE, collapse_padding=True, pad_edge=False)


def _with_half_width(interval: Interval) -> str:
    return f"{interval.mean:.3f} ±" + f"{(interval.high - interval.low) / 2:.3f}".removeprefix("0")


def _sure(lead: Interval) -> str:
    return "" if lead.low > 0 or lead.high < 0 else ", which may be chance"
