"""`segue ingest auth`, `doctor`, `spotify` and `forget`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from producers.console import err
from producers.ingestion.listeners import check_listener
from producers.ingestion.options import EXIT_CODES, Asked, DryRunOption, FormatOption, OutOption, RejectedOption, RestartOption
from producers.ingestion.summary import EXIT_AGAIN
from segue.errors import Unavailable
from segue.logs import configure_logging
from segue.settings import Settings, load_settings


def add_spotify(ingest: typer.Typer) -> None:
    """Register the commands."""
    ingest.command("auth")(auth)
    ingest.command("doctor")(doctor)
    ingest.command("spotify", epilog=EXIT_CODES)(spotify)
    ingest.command("forget")(forget)


def auth(timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for you to agree in the browser.")] = 300.0) -> None:
    """Log in to Spotify, once for six months: from a browser on any machine, with PKCE and without a secret.

    The token stays in the state directory, readable by you only. `segue ingest forget spotify` removes it.
    """
    with _prepared() as settings:
        from producers.spotify.running import log_in  # loads spotipy, as below

        log_in(settings, timeout)


def doctor() -> None:
    """Find out what Spotify lets this application and account do: one request for each thing."""
    with _prepared() as settings:
        from producers.spotify.running import examine

        examine(settings)


def spotify(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT...",
            help="Some of: saved, playlists, top, recent; or ids, URIs or addresses of tracks, albums, artists and playlists; or "
            "`search TEXT`; or `refresh`: fetch again what would soon be too old.",
        ),
    ],
    listener: Annotated[
        str | None, typer.Option("--listener", metavar="NAME", help="Who you are in Segue.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Results of a search.")] = 100,
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    write_to: OutOption = None,
    out_format: FormatOption = "parquet",
    rejected: RejectedOption = None,
) -> None:
    """Read tracks, playlists and likes from Spotify's Web API, as far as it lets you.

    Spotify's terms bind you: see docs/guide/spotify.md. Models do not learn from what this brings.
    """
    with _prepared() as settings:
        from producers.spotify.running import read

        name = None if listener is None else check_listener(listener)
        asked = Asked(name, restart, dry_run, write_to, out_format, rejected, again=True)
        raise typer.Exit(read(settings, what, asked, limit))


def forget(
    service: Annotated[Literal["spotify"], typer.Argument(help="Whose content and login.")],  # noqa: ARG001  # there is one
    expired: Annotated[bool, typer.Option("--expired", help="Only what is older than SEGUE_SPOTIFY_RETENTION_DAYS.")] = False,
) -> None:
    """Delete what Spotify's API brought, and the login: tracks and playlists that no other source has described.

    Likes and plays stay until their listener is deleted: `segue users delete NAME`.
    """
    with _prepared() as settings:
        from producers.spotify.running import let_go

        let_go(settings, expired)


@contextmanager
def _prepared() -> Iterator[Settings]:
    """What another try later may get over is exit code 75."""
    settings = load_settings()
    configure_logging(settings.log_level)
    try:
        yield settings
    except Unavailable as error:
        err.print(f"not now: {error}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_AGAIN) from None
