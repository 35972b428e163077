"""Keys of the HTTP API in Postgres: prefix, digest and what they allow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from segue.api_keys import SCOPES, ApiKey, Scope, digest_of, new_key, prefix_of
from segue.errors import NotFound
from segue.stores.postgres.database import Database

_COLUMNS = "prefix, name, scopes, created_at, expires_at, revoked_at, user_id"


class KeyStore:
    """Every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, scopes: frozenset[Scope], expires_at: datetime | None, user_id: str | None = None) -> str:
        """A new key, which is stored as its digest only; `user_id` makes it a listener's."""
        key = new_key()
        with self._database.transaction() as cursor:
            cursor.execute(
                "insert into api_keys (prefix, digest, name, scopes, expires_at, user_id) values (%s, %s, %s, %s, %s, %s)",
                (prefix_of(key), digest_of(key), name, sorted(scopes), expires_at, user_id),
            )
        return key

    def find(self, prefix: str) -> tuple[ApiKey, bytes] | None:
        """The key of a prefix and its digest, revoked and expired ones too."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"select {_COLUMNS}, digest from api_keys where prefix = %s", (prefix,))
            row = cursor.fetchone()
        return (_key(row[:-1]), bytes(row[-1])) if row else None

    def list(self) -> list[ApiKey]:
        """All keys, newest first."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"select {_COLUMNS} from api_keys order by created_at desc, prefix")
            return [_key(row) for row in cursor]

    def revoke(self, prefix: str) -> ApiKey:
        """Take a key back for good; a second time changes nothing. Raises NotFound."""
        with self._database.transaction() as cursor:
            cursor.execute(
                f"update api_keys set revoked_at = coalesce(revoked_at, now()) where prefix = %s returning {_COLUMNS}", (prefix,)
            )
            row = cursor.fetchone()
        if row is None:
            raise NotFound(f"no key {prefix}: `segue keys list` shows their prefixes")
        return _key(row)


def _key(row: tuple[Any, ...]) -> ApiKey:
    prefix, name, scopes, *rest = row
    return ApiKey(prefix, name, frozenset(scope for scope in SCOPES if scope in scopes), *rest)
