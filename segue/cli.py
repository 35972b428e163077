"""`segue …`: finds the commands that the installed services register under the entry point group `segue.commands`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from importlib.metadata import EntryPoint, entry_points

import typer
from rich.console import Console
from rich.markup import escape

from segue.errors import SegueError

GROUP = "segue.commands"
EXIT_ERROR = 1
ONE_THREAD = frozenset({"serve"})
"""Commands that do many small things side by side: threads of BLAS and OpenMP below them only contend. On a busy machine the
hand-over between these made an answer of 3 ms take 40 to 90.
"""
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Read once, when the libraries are loaded; a limit that is set later reaches OpenMP only in the thread that sets it."""


def main() -> None:
    """Run the command line; a `SegueError` becomes one line on stderr and exit code 1."""
    try:
        build_app(sys.argv[1:])()
    except SegueError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False)
        sys.exit(EXIT_ERROR)


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The application with just the command that is asked for, or with all (for help and misspellings).

    Loading one service only keeps `segue status` from importing Faust and implicit.
    """
    app = typer.Typer(
        name="segue",
        help="Music recommendations from what people are doing now.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_root)
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    asked = [point for point in points if arguments and point.name == arguments[0]]
    _limit_threads({point.name for point in asked})
    for point in asked or points:
        _add(app, point)
    return app


def _root() -> None:
    """Music recommendations from what people are doing now."""


def _limit_threads(asked: AbstractSet[str]) -> None:
    """Before any command loads numpy; what the environment says already stays."""
    if asked & ONE_THREAD:
        os.environ.update({name: "1" for name in THREADS if name not in os.environ})


def _add(app: typer.Typer, point: EntryPoint) -> None:
    command = point.load()
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=point.name)
    else:
        app.command(name=point.name)(command)


if __name__ == "__main__":
    main()
