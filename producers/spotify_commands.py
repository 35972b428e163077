"""`segue ingest auth`, `doctor`, `spotify` and `forget`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import typer
from rich.markup import escape

from producers.console import err, out
from producers.ingestion.importing import import_from, open_jobs
from producers.ingestion.listeners import check_listener
from producers.ingestion.options import EXIT_CODES, Asked, DryRunOption, FormatOption, OutOption, RejectedOption, RestartOption
from producers.ingestion.stopping import StoppableClock
from producers.ingestion.summary import EXIT_AGAIN, EXIT_DONE, EXIT_STOPPED
from producers.spotify.authorization import Authorization, note_account
from producers.spotify.doctor import examined
from producers.spotify.forgetting import Forgetter, forget_login
from producers.spotify.login import TokenFile, spotify_folder
from producers.spotify.plan import FRESH_SHARE, SOURCE_NAMES, AnySource, Planner, Wanted, wanted
from producers.spotify.playlists import Playlists, Seen, seen_in
from producers.spotify.references import Reference
from producers.spotify.session import SpotifySession, open_session
from producers.spotify.steps import fingerprint_of
from segue.errors import ConfigurationError, Unavailable
from segue.ingest_jobs import JobKey
from segue.logs import configure_logging
from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.spotify_content import SpotifyContentStore

VERDICT_STYLES = {"yes": "green", "no": "yellow", "unclear": "dim"}


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
    settings = _prepared()
    with _postponed():
        Authorization(settings, typer.echo, _keyboard(), timeout).run()
        tokens = TokenFile(spotify_folder(settings))
        out.print(f"logged in; the token is in {tokens.path}", markup=False, highlight=False, soft_wrap=True)
        with open_session(settings) as session:
            note_account(session, tokens)
        out.print("next: [bold]segue ingest doctor[/bold] says what Spotify lets you read")


def doctor() -> None:
    """Find out what Spotify lets this application and account do: one request for each thing."""
    settings = _prepared()
    with _postponed(), open_session(settings) as session:
        _warn_of_login(settings)
        for finding in examined(session):
            style = VERDICT_STYLES[finding.verdict]
            line = f"[{style}]{finding.verdict:<7}[/] {finding.what}: {escape(finding.sentence)}"
            out.print(line, highlight=False, soft_wrap=True)
        used, most = session.budget.used(), settings.spotify_requests_per_day
        out.print(f"{used:,} of {most:,} requests made in the last 24 hours", highlight=False)


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
    settings, clock, wants = _prepared(), StoppableClock(), wanted(what)
    name = None if listener is None else check_listener(listener)
    asked = Asked(name, restart, dry_run, write_to, out_format, rejected, again=True)
    with _postponed(), _content(settings) as content, open_session(settings, clock) as session:
        _warn_of_login(settings)
        if content is not None and not (wants.refresh or dry_run or write_to):
            _expire(Forgetter(content, settings, clock))
        code = _Run(settings, clock, asked, session, content).all(wants, limit)
    raise typer.Exit(code)


def forget(
    service: Annotated[Literal["spotify"], typer.Argument(help="Whose content and login.")],  # noqa: ARG001  # there is one
    expired: Annotated[bool, typer.Option("--expired", help="Only what is older than SEGUE_SPOTIFY_RETENTION_DAYS.")] = False,
) -> None:
    """Delete what Spotify's API brought, and the login: tracks and playlists that no other source has described.

    Likes and plays stay until their listener is deleted: `segue users delete NAME`.
    """
    settings, clock = _prepared(), StoppableClock()
    if not expired:
        out.print("logged out" if forget_login(settings) else "nobody was logged in")
    with _postponed(), closing(Database(settings.require_postgres())) as database:
        content = SpotifyContentStore(database)
        forgetter = Forgetter(content, settings, clock)
        if expired:
            _expire(forgetter)
        else:
            _forget_everything(forgetter, content, settings)


def _forget_everything(forgetter: Forgetter, content: SpotifyContentStore, settings: Settings) -> None:
    with closing(open_jobs(settings)) as jobs:
        jobs.forget(SOURCE_NAMES)
    found, listens = forgetter.everything(), content.listens()
    out.print(f"deleted: {found.tracks:,} tracks, {found.playlists:,} playlists", highlight=False)
    if listens.events:
        stays = f"{listens.events:,} likes and plays of {listens.listeners:,} listeners stay"
        out.print(f"{stays}: they go with `segue users delete NAME`", highlight=False)


def _expire(forgetter: Forgetter) -> None:
    """Never of a state that is known to be old: what looks expired may have been fetched again."""
    if behind := forgetter.behind():
        err.print(f"{behind:,} records are not stored yet: what is too old is deleted the next time", highlight=False)
        return
    found = forgetter.expired()
    if found.tracks or found.playlists:
        out.print(f"too old, deleted: {found.tracks:,} tracks, {found.playlists:,} playlists", highlight=False)


@dataclass(frozen=True)
class _Run:
    """The imports of one command, one after the other."""

    settings: Settings
    clock: StoppableClock
    asked: Asked
    session: SpotifySession
    content: SpotifyContentStore | None

    def all(self, wants: Wanted, results: int) -> int:
        """The exit code: the first one that ends everything, else the worst."""
        codes = []
        for source, remembered in self._sources(wants, results):
            codes.append(import_from(source, self.asked, self.settings, remembered, self.clock))
            if codes[-1] in {EXIT_AGAIN, EXIT_STOPPED}:
                return codes[-1]
        return max(codes, default=EXIT_DONE)

    def _sources(self, wants: Wanted, results: int) -> Iterator[tuple[AnySource, bool]]:
        known = (lambda _: ()) if self.content is None else self.content.described_elsewhere
        planner = Planner(self.session, self.asked.listener, known)
        for kind in wants.own:
            yield planner.own(kind, self._seen() if kind == "playlists" else {}, self._fresh_s()), True
        if wants.search is not None:
            yield planner.search(wants.search, results), True
        if wants.references:
            yield planner.references(wants.references), True
        if wants.refresh and (old := self._old()):
            # What is left of it is asked anew each time.
            yield planner.references(old), False

    def _fresh_s(self) -> float:
        return timedelta(days=self.settings.spotify_retention_days).total_seconds() * FRESH_SHARE

    def _old(self) -> list[Reference]:
        if self.content is None:
            raise ConfigurationError("refresh needs to know what there is: set SEGUE_POSTGRES_URL, or start `segue up`")
        before = self.session.budget.now() - timedelta(seconds=self._fresh_s())
        old = [Reference("track", track_id) for track_id in self.content.tracks(before)]
        if not old:
            out.print("nothing is old enough to be fetched again")
        return old

    def _seen(self) -> dict[str, Seen]:
        """The playlists that the last run which was done has read."""
        if self.asked.restart or self.asked.dry_run or self.asked.out:
            return {}
        key = JobKey(Playlists.name, fingerprint_of(self.session, "playlists"), self.asked.listener)
        with closing(open_jobs(self.settings)) as jobs:
            job = jobs.find(key.job_id)
        return seen_in(job.position) if job and job.status == "done" else {}


@contextmanager
def _postponed() -> Iterator[None]:
    """What another try later may get over is exit code 75."""
    try:
        yield
    except Unavailable as error:
        err.print(f"not now: {error}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_AGAIN) from None


@contextmanager
def _content(settings: Settings) -> Iterator[SpotifyContentStore | None]:
    """What the catalogue knows, None where no Postgres is configured."""
    if settings.postgres_url is None:
        yield None
        return
    with closing(Database(settings.require_postgres())) as database:
        yield SpotifyContentStore(database)


def _prepared() -> Settings:
    settings = load_settings()
    configure_logging(settings.log_level)
    return settings


def _warn_of_login(settings: Settings) -> None:
    if warning := TokenFile(spotify_folder(settings)).warning(datetime.now(UTC)):
        err.print(warning, style="yellow", highlight=False)


def _keyboard() -> int | None:
    """Standard input, if there is one."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
