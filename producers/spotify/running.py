"""What the commands about Spotify do; apart from them, because it loads spotipy, which every other command would wait for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich.markup import escape

from producers.console import err, out
from producers.ingestion.importing import import_from, open_jobs
from producers.ingestion.options import Asked
from producers.ingestion.stopping import StoppableClock
from producers.ingestion.summary import EXIT_AGAIN, EXIT_DONE, EXIT_SOME_REJECTED, EXIT_STOPPED
from producers.spotify.authorization import Authorization, note_account
from producers.spotify.doctor import examined
from producers.spotify.forgetting import Forgetter, forget_login
from producers.spotify.login import TokenFile, spotify_folder
from producers.spotify.plan import FRESH_SHARE, OWN_NAMES, AnySource, Own, Planner, Wanted, wanted
from producers.spotify.references import Reference
from producers.spotify.session import SpotifySession, open_session
from producers.spotify.steps import fingerprint_of
from segue.errors import ConfigurationError
from segue.ingest_jobs import JobKey
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.spotify_content import SpotifyContentStore

VERDICT_STYLES = {"yes": "green", "no": "yellow", "unclear": "dim"}


def log_in(settings: Settings, timeout_s: float) -> None:
    """Have a person log in. Raises LoginNeeded, ConfigurationError, NotAllowed or Unavailable."""
    Authorization(settings, typer.echo, _keyboard(), timeout_s).run()
    tokens = TokenFile(spotify_folder(settings))
    out.print(f"logged in; the token is in {tokens.path}", markup=False, highlight=False, soft_wrap=True)
    with open_session(settings) as session:
        note_account(session, tokens)
    out.print("next: [bold]segue ingest doctor[/bold] says what Spotify lets you read")


def examine(settings: Settings) -> None:
    """Say what Spotify allows. Raises as above."""
    with open_session(settings) as session:
        _warn_of_login(settings)
        for finding in examined(session):
            style = VERDICT_STYLES[finding.verdict]
            line = f"[{style}]{finding.verdict:<7}[/] {finding.what}: {escape(finding.sentence)}"
            out.print(line, highlight=False, soft_wrap=True)
        used, most = session.budget.used(), settings.spotify_requests_per_day
        out.print(f"{used:,} of {most:,} requests made in the last 24 hours", highlight=False)


def read(settings: Settings, what: Sequence[str], asked: Asked, results: int) -> int:
    """Import what the words ask for, at most `results` of a search; returns the exit code. Raises SegueError."""
    clock, wants = StoppableClock(), wanted(what)
    with _content(settings) as content, open_session(settings, clock) as session:
        _warn_of_login(settings)
        if content is not None and not (wants.refresh or asked.dry_run or asked.out):
            with closing(open_jobs(settings)) as jobs:
                _expire(Forgetter(content, jobs, settings, clock))
        code = _Run(settings, clock, asked, session, content).all(wants, results)
    if code in {EXIT_DONE, EXIT_SOME_REJECTED} and not (asked.dry_run or asked.out or settings.spotify_training):
        out.print("models do not learn from this, as Spotify's terms ask: docs/guide/spotify.md", highlight=False)
    return code


def let_go(settings: Settings, only_expired: bool) -> None:
    """Delete what is too old, or everything, with the login first: that needs no server. Raises SegueError."""
    if not only_expired:
        out.print("logged out" if forget_login(settings) else "nobody was logged in")
    with closing(Database(settings.require_postgres())) as database, closing(open_jobs(settings)) as jobs:
        content = SpotifyContentStore(database)
        forgetter = Forgetter(content, jobs, settings, StoppableClock())
        if only_expired:
            _expire(forgetter)
        else:
            _forget_everything(forgetter, content)


def _forget_everything(forgetter: Forgetter, content: SpotifyContentStore) -> None:
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
            yield planner.own(kind, self._earlier(kind), self._fresh_s()), True
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

    def _earlier(self, kind: Own) -> dict[str, Any] | None:
        """The position of the last run that was done."""
        if self.asked.restart or self.asked.dry_run or self.asked.out:
            return None
        key = JobKey(OWN_NAMES[kind], fingerprint_of(self.session, kind), self.asked.listener)
        with closing(open_jobs(self.settings)) as jobs:
            job = jobs.find(key.job_id)
        return job.position if job and job.status == "done" else None


@contextmanager
def _content(settings: Settings) -> Iterator[SpotifyContentStore | None]:
    """What the catalogue knows, None where no Postgres is configured."""
    if settings.postgres_url is None:
        yield None
        return
    with closing(Database(settings.require_postgres())) as database:
        yield SpotifyContentStore(database)


def _warn_of_login(settings: Settings) -> None:
    if warning := TokenFile(spotify_folder(settings)).warning(datetime.now(UTC)):
        err.print(warning, style="yellow", highlight=False)


def _keyboard() -> int | None:
    """Standard input, if there is one."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
