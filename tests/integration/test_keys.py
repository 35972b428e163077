"""`segue keys` against a real Postgres: a key is shown once, stored as a digest, listed by prefix and taken back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from segue.api_keys import digest_of, prefix_of
from segue.errors import NotFound
from segue.stores.key_commands import keys
from segue.stores.postgres.database import Database
from segue.stores.postgres.keys import KeyStore

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


def test_a_revoked_key_stays_revoked(database: Database) -> None:
    key = run("create", "--name", "lost phone", "--scopes", "admin").stdout.strip()
    assert run("revoke", key).exit_code == 0
    first = listed()[prefix_of(key) or ""]
    assert first["state"] == "revoked"
    assert run("revoke", str(prefix_of(key))).exit_code == 0
    assert listed()[prefix_of(key) or ""] == first
    assert isinstance(run("revoke", "000000000000").exception, NotFound)


def test_an_expired_key_is_found_and_known_as_expired(own_database: Database) -> None:
    store = KeyStore(own_database)
    key = store.create("old", frozenset({"read"}), datetime.now(UTC) - timedelta(seconds=1))
    found = store.find(prefix_of(key) or "")
    assert found is not None
    assert found[0].refusal(datetime.now(UTC)) == "expired"
    assert store.find("000000000000") is None
    assert [known.prefix for known in store.list()] == [prefix_of(key)]
