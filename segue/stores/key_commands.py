"""`segue keys …`: make, list and take back keys of the HTTP API."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from segue.api_keys import KeyShown, check_listener, check_name, prefix_of, read_expiry, read_scopes
from segue.settings import load_settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.keys import KeyStore

keys = typer.Typer(help="Make, list and revoke keys of the HTTP API.", no_args_is_help=True)
err = Console(stderr=True)
PREFIX_CHARS = 12


@keys.command("create")
def create(
    name: Annotated[str, typer.Option(help="Who uses it: shown in lists, not secret.")],
    scopes: Annotated[list[str], typer.Option(help="read, events, admin; several apart by commas.")],
    expires: Annotated[
        str | None, typer.Option(help="90d, 12h or a time such as 2027-01-31T00:00:00Z; never without it.")
    ] = None,
    listener: Annotated[
        str | None, typer.Option(help="Open this listener's own data only, such as for their player. Without it: everybody's.")
    ] = None,
) -> None:
    """Make a key and print it, this once, to stdout; only its digest is kept."""
    expires_at = read_expiry(expires, datetime.now(UTC)) if expires else None
    allowed = read_scopes(scopes)
    user_id = None if listener is None else check_listener(listener, allowed)
    with _store() as store:
        key = store.create(check_name(name), allowed, expires_at, user_id)
    typer.echo(key)
    err.print("It is shown this once. Send it as `Authorization: Bearer …` or `X-API-Key: …`.")
    err.print(f"Take it back: segue keys revoke {prefix_of(key)}. The API asks for keys with SEGUE_API_KEYS_REQUIRED=true.")


@keys.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """All keys, newest first, by their prefix."""
    with _store() as store:
        found = store.list()
    now = datetime.now(UTC)
    if as_json:
        typer.echo(msgspec.json.encode([KeyShown.of(key, now) for key in found]).decode())
        return
    if not found:
        Console().print("no keys yet: make one with `segue keys create --name … --scopes read`")
        return
    # Whatever names there are beside it: the prefix is what `revoke` is given.
    table = Table(Column("prefix", no_wrap=True, min_width=PREFIX_CHARS), "name", "scopes", "created", "expires", "state")
    for key in found:
        expires = f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "never"
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        name = key.name if key.user_id is None else f"{key.name}, of {key.user_id}"
        table.add_row(key.prefix, name, ", ".join(sorted(key.scopes)), created, expires, key.refusal(now) or "valid")
    Console().print(table)


@keys.command("revoke")
def revoke(prefix: Annotated[str, typer.Argument(help="As `segue keys list` shows it, or the whole key.")]) -> None:
    """Take a key back for good, and with it the listener tokens that it issued."""
    with _store() as store:
        key = store.revoke(prefix_of(prefix) or prefix)
    Console().print(
        f"{key.prefix} ({key.name}) is revoked; running API processes refuse it within "
        f"{load_settings().api_key_cache_s:g} s (SEGUE_API_KEY_CACHE_S)",
        markup=False,
    )


@keys.command("token-secret")
def token_secret() -> None:
    """Print a new signing secret for SEGUE_API_TOKEN_KEYS."""
    typer.echo(f"{datetime.now(UTC):%Y%m%d}{secrets.token_hex(2)}:{secrets.token_urlsafe(32)}")
    err.print(
        "Put it first in SEGUE_API_TOKEN_KEYS, apart from older ones by a comma; drop those once their tokens have expired."
    )


@contextmanager
def _store() -> Iterator[KeyStore]:
    database = Database(load_settings().require_postgres())
    try:
        yield KeyStore(database)
    finally:
        database.close()
