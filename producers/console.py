"""What the producers' commands show: progress and warnings on stderr, results on stdout."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

out = Console()
err = Console(stderr=True)


def warn_synthetic(reason: str) -> None:
    """Say loudly that nothing in this catalogue exists."""
    text = (
        f"[bold]Nothing in this catalogue is real.[/bold]\n{escape(reason)}\n"
        "So tracks, artists and playlists were invented. For real ones: [bold]segue ingest catalogue PATH_OR_URL[/bold]"
    )
    err.print(Panel(text, title="synthetic catalogue", border_style="yellow"))
