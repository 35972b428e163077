"""`segue doctor`: what this machine has, what is missing, and the command that mends it."""

from __future__ import annotations

import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from infra.local.class_archive import archive_path
from infra.local.jars import kafka_jars
from infra.local.java import find_java
from infra.local.ports import PREFERRED_PORTS, is_free
from infra.local.postgres import OUTSIDE, abandoned_homes, check_postgres, choose_home
from infra.local.postgres_binaries import data_major, find_binaries, reachable
from infra.local.privileges import server_account
from infra.local.redis import check_redis, find_redis
from infra.local.settings import LocalSettings, cache_dir, external_addresses, load_local_settings
from infra.local.stack import LocalStack
from infra.local.state import StateDir
from segue.errors import SegueError
from segue.kafka import check_broker
from segue.settings import Settings

OLDEST_PYTHON = (3, 11)
FREE_GIB = 2.0
OPEN_FILES = 1024

Verdict = Literal["ok", "note", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fail` keeps the stack from running; `mend` is the exact command or what to change."""

    subject: str
    verdict: Verdict
    text: str
    mend: str = ""


def examine(settings: Settings, stack: LocalStack) -> Iterator[Finding]:
    """All findings, in the order of what depends on what."""
    local, external = load_local_settings(), external_addresses(settings)
    yield _python()
    yield Finding("settings", "ok", f"valid, state directory {stack.state.path}")
    if "SEGUE_KAFKA_BOOTSTRAP" in external:
        yield _server("Kafka", "SEGUE_KAFKA_BOOTSTRAP", lambda: check_broker(external["SEGUE_KAFKA_BOOTSTRAP"]))
    else:
        yield from _kafka(local)
    if "SEGUE_POSTGRES_URL" in external:
        yield _server("Postgres", "SEGUE_POSTGRES_URL", lambda: check_postgres(external["SEGUE_POSTGRES_URL"]))
    else:
        yield _attempt("Postgres", lambda: _postgres(local, stack.state), "pip install 'segue[local]'")
    if "SEGUE_REDIS_URL" in external:
        yield _server("Redis", "SEGUE_REDIS_URL", lambda: check_redis(external["SEGUE_REDIS_URL"]))
    else:
        yield _attempt("Redis", lambda: str(find_redis(local.redis_bin)), "pip install 'segue[local]'")
    yield _ports(stack)
    yield _disk(stack.state)
    yield _files()
    yield from _abandoned()


def _python() -> Finding:
    text = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "fail", text, "apt install python3.11 python3.11-venv && make install")
    return Finding("Python", "ok", text)


def _kafka(local: LocalSettings) -> Iterator[Finding]:
    yield _attempt("Java", lambda: _java(local), "pip install 'segue[local]'")
    yield _attempt("Kafka jars", lambda: _jars(local), "segue prepare")
    yield _archive(local)


def _java(local: LocalSettings) -> str:
    java = find_java(local.java)
    return f"{java.version} ({java.path})"


def _jars(local: LocalSettings) -> str:
    cache = kafka_jars(cache_dir(local))
    wrong = cache.wrong()
    if wrong:
        raise SegueError(f"{len(wrong)} of {len(cache.jars)} jars are missing or damaged in {cache.folder}")
    return f"{len(cache.jars)} jars, checksums right ({cache.folder})"


def _archive(local: LocalSettings) -> Finding:
    subject, missing = (
        "class-data archive",
        Finding("class-data archive", "note", "none: Kafka starts about 2 s slower", "segue prepare"),
    )
    try:
        java, cache = find_java(local.java), cache_dir(local)
        jars = kafka_jars(cache)
        if jars.wrong():
            return missing
        path = archive_path(java, [jars.folder / jar.path for jar in jars.jars], cache)
    except SegueError:
        return missing
    if path.exists():
        return Finding(subject, "ok", str(path))
    return (
        missing if java.archives else Finding(subject, "note", f"Java {java.version} writes none: Kafka starts about 2 s slower")
    )


def _postgres(local: LocalSettings, state: StateDir) -> str:
    state.create()
    account = server_account()
    home = choose_home(state, account)
    binaries = reachable(find_binaries(local.postgres_bin, data_major(home / "data")), account, home)
    who = f" as {account.name}" if account else ""
    where = "" if not home.is_relative_to(OUTSIDE) else ", because that account cannot reach the state directory"
    return f"{binaries.major} ({binaries.folder}){who}, data in {home}{where}"


def _ports(stack: LocalStack) -> Finding:
    if stack.running():
        return Finding("ports", "ok", "in use by this stack")
    taken = [f"{port} ({name})" for name, port in (dict(PREFERRED_PORTS) | stack.ports()).items() if not is_free(port)]
    if taken:
        return Finding("ports", "note", f"taken by other programs: {', '.join(taken)}; `segue up` takes others")
    return Finding("ports", "ok", "free")


def _disk(state: StateDir) -> Finding:
    folder = next(path for path in (state.path, *state.path.parents) if path.exists())
    free = shutil.disk_usage(folder).free / 2**30
    if free < FREE_GIB:
        return Finding(
            "disk", "fail", f"{free:.1f} GiB free at {folder}", f"free {FREE_GIB:.0f} GiB or set SEGUE_STATE_DIR to another disk"
        )
    return Finding("disk", "ok", f"{free:.0f} GiB free at {folder}")


def _files() -> Finding:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < OPEN_FILES:
        return Finding("open files", "fail", f"at most {most}", f"ulimit -n {OPEN_FILES}")
    return Finding("open files", "ok", "unlimited" if most == resource.RLIM_INFINITY else f"up to {most}")


def _abandoned() -> Iterator[Finding]:
    homes = abandoned_homes()
    if homes:
        folders = " ".join(map(str, homes))
        yield Finding("old data", "note", "Postgres data of state directories that are gone or have moved", f"rm -r {folders}")


def _server(subject: str, variable: str, check: Callable[[], None]) -> Finding:
    try:
        check()
    except SegueError as error:
        return Finding(subject, "fail", str(error), f"start that server, correct {variable}, or unset it to run one here")
    return Finding(subject, "ok", f"{variable} answers")


def _attempt(subject: str, find: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(subject, "ok", find())
    except SegueError as error:
        return Finding(subject, "fail", str(error), mend)
