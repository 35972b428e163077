"""`segue keys` against a real Postgres: a key is shown once, stored as a digest, listed by prefix and taken back."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from segue.api_keys import digest_of, prefix_of
from segue.errors import InvalidInput, NotFound
from segue.settings import Settings
from segue.stores.key_commands import keys
from segue.stores.postgres.database import Database
from segue.stores.postgres.keys import KeyStore
from segue.stores.postgres.users import delete_users
from tests.integration.conftest import api

pytestmark = pytest.mark.stack


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys, list(arguments))


def listed() -> dict[str, dict[str, object]]:
    return {key["prefix"]: key for key in json.loads(run("list", "--json").stdout)}


def test_a_key_is_printed_once_and_only_its_digest_is_stored(database: Database) -> None:
    made = run("create", "--name", "car radio", "--scopes", "read,events", "--expires", "90d")
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    prefix = prefix_of(key)
    assert prefix is not None
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select digest, api_keys::text from api_keys where prefix = %s", (prefix,))
        ((digest, row),) = cursor.fetchall()
    assert bytes(digest) == digest_of(key)
    assert key[-43:] not in row
    shown = listed()[prefix]
    assert (shown["name"], shown["scopes"], shown["state"]) == ("car radio", ["events", "read"], "valid")
    assert prefix in run("list").stdout
    assert key[-43:] not in run("list").stdout


def test_long_names_leave_every_prefix_whole(database: Database) -> None:
    name, listener = "a name of many words that fills a line of the terminal and more", f"somebody-{uuid.uuid4()}"
    key = run("create", "--name", name, "--scopes", "read,events", "--listener", listener, "--expires", "90d").stdout.strip()
    assert (prefix_of(key) or "none") in run("list").stdout


def test_a_revoked_key_stays_revoked(database: Database) -> None:
    key = run("create", "--name", "lost phone", "--scopes", "admin").stdout.strip()
    assert run("revoke", key).exit_code == 0
    first = listed()[prefix_of(key) or ""]
    assert first["state"] == "revoked"
    assert run("revoke", str(prefix_of(key))).exit_code == 0
    assert listed()[prefix_of(key) or ""] == first
    assert isinstance(run("revoke", "000000000000").exception, NotFound)


def test_the_command_and_the_api_list_the_same(database: Database, settings: Settings) -> None:
    for arguments in (("--scopes", "read,events", "--listener", "carol"), ("--scopes", "admin", "--expires", "90d")):
        run("create", "--name", "both", *arguments)

    async def answered() -> list[dict[str, object]]:
        async with api(settings) as client:
            found: list[dict[str, object]] = (await client.get("/admin/keys")).json()["items"]
            return found

    assert json.loads(run("list", "--json").stdout) == asyncio.run(answered())


def test_an_expired_key_is_found_and_known_as_expired(own_database: Database) -> None:
    store = KeyStore(own_database)
    key = store.create("old", frozenset({"read"}), datetime.now(UTC) - timedelta(seconds=1))
    found = store.find(prefix_of(key) or "")
    assert found is not None
    assert found[0].refusal(datetime.now(UTC)) == "expired"
    assert store.find("000000000000") is None
    assert [known.prefix for known in store.list()] == [prefix_of(key)]


def test_a_listeners_key_is_shown_with_the_listener_and_goes_with_them(own_database: Database, database: Database) -> None:
    key = run("create", "--name", "kitchen", "--scopes", "read,events", "--listener", "alice").stdout.strip()
    assert listed()[prefix_of(key) or ""]["listener"] == "alice"
    assert "alice" in run("list").stdout
    refused = run("create", "--name", "kitchen", "--scopes", "admin", "--listener", "alice")
    assert isinstance(refused.exception, InvalidInput)

    store = KeyStore(own_database)
    hers, others = (store.create("radio", frozenset({"read"}), None, user_id) for user_id in ("alice", "bob"))
    with own_database.transaction() as cursor:
        delete_users(cursor, ["alice"])
    assert store.find(prefix_of(hers) or "") is None
    found = store.find(prefix_of(others) or "")
    assert found is not None
    assert found[0].user_id == "bob"
