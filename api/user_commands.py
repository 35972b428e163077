"""`segue users …`: delete everything about a user, or take it along, without the HTTP API."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.table import Table

from api.deletions import Deletions
from api.event_publisher import KafkaEventPublisher
from api.exports import Form, pieces_of
from api.gates import PostgresGate
from segue.errors import InvalidInput
from segue.events import check_id
from segue.kafka import kept_s, producer_config
from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.deletions import DeletionStore, Receipt
from segue.stores.postgres.exports import ExportStore

POLL_S = 0.1
OWNER_ONLY = 0o600
STDOUT = 1

users = typer.Typer(help="Delete a user's data, or take it along.", no_args_is_help=True)
err = Console(stderr=True)
UserId = Annotated[str, typer.Argument(help="The user's id, as events name it.")]


@users.command("delete")
def delete(
    user_id: UserId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait_s: Annotated[float, typer.Option(min=0, help="How long to wait until it is done.")] = 30.0,
) -> None:
    """Delete everything about a user, and show the receipt."""
    check_id("user_id", user_id)
    if not yes:
        typer.confirm(f"Delete everything about {user_id!r}? It cannot be taken back.", abort=True)
    receipt = asyncio.run(_deleted(load_settings(), user_id, wait_s))
    _show(receipt)
    if receipt.done_at is None:
        err.print(
            f"Not done yet: a processor comes to it (`segue status`). Later: segue users receipt {user_id} {receipt.receipt_id}"
        )


@users.command("receipt")
def receipt(user_id: UserId, receipt_id: Annotated[uuid.UUID, typer.Argument(help="As the deletion named it.")]) -> None:
    """Show the receipt of a deletion."""

    async def read() -> Receipt:
        async with _deletions(load_settings()) as deletions:
            return await deletions.receipt(user_id, receipt_id)

    _show(asyncio.run(read()))


@users.command("export")
def export(
    user_id: UserId,
    to: Annotated[Path | None, typer.Option(help="File to write, for its owner's eyes only; stdout without it.")] = None,
    form: Annotated[Form, typer.Option("--format", help="One JSON document, or a zip archive of Parquet files.")] = "json",
) -> None:
    """Write everything that is stored about a user, as of this moment."""
    check_id("user_id", user_id)
    if form == "parquet" and to is None and os.isatty(STDOUT):
        raise InvalidInput("an archive is nothing to read on a terminal: name a file with --to")
    database = Database(load_settings().require_postgres(), max_connections=1)
    try:
        with _whole(to) as file:
            size = sum(file.write(piece) for piece in pieces_of(ExportStore(database).parts(user_id), form))
    finally:
        database.close()
    err.print(f"{size:,} bytes{f' in {to}' if to else ''}; delete them here with: segue users delete {user_id}", markup=False)


async def _deleted(settings: Settings, user_id: str, wait_s: float) -> Receipt:
    async with _deletions(settings) as deletions:
        receipt = await deletions.delete(user_id)
        until_s = asyncio.get_running_loop().time() + wait_s
        while receipt.done_at is None and asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(POLL_S)
            receipt = await deletions.receipt(user_id, receipt.receipt_id)
        return receipt


@asynccontextmanager
async def _deletions(settings: Settings) -> AsyncIterator[Deletions]:
    events = KafkaEventPublisher(producer_config(settings), settings.api_queue_records)
    events.start()
    database = Database(settings.require_postgres(), max_connections=1)
    with ThreadPoolExecutor(1) as executor:
        try:
            kept = partial(kept_s, settings.require_kafka())
            yield Deletions(DeletionStore(database), events, PostgresGate(executor), kept, settings.snapshots_kept)
        finally:
            await events.close()
            database.close()


@contextmanager
def _whole(to: Path | None) -> Iterator[BinaryIO]:
    """Stdout, or a file that appears under its name when it is complete."""
    if to is None:
        with os.fdopen(os.dup(STDOUT), "wb") as stdout:
            yield stdout
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as file:
            yield file
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _show(receipt: Receipt) -> None:
    done = f"done at {receipt.done_at:%Y-%m-%d %H:%M:%S} UTC" if receipt.done_at else "under way"
    found = receipt.found
    console = Console()
    console.print(f"receipt {receipt.receipt_id}: {done}", markup=False)
    console.print(
        f"found: {found.events:,} events, {found.tracks:,} tracks, {found.blocks:,} blocks, {found.playlists:,} playlists, "
        f"{found.keys:,} keys, {'a' if found.profile else 'no'} profile"
    )
    table = Table("what remains", "until", "why")
    for one in receipt.remains:
        table.add_row(one.what, f"{one.until:%Y-%m-%d}" if one.until else "", one.why)
    console.print(table)
