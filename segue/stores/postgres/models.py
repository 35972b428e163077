"""The registry of model snapshots and the pointer to the champion, in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from psycopg2.extensions import cursor as Cursor

from segue.errors import NotFound
from segue.stores.postgres.database import Database
from segue.stores.snapshots import Manifest

Verdict = Literal["promoted", "kept", "retired"]

_SELECT = """
select m.version, m.url, m.manifest, m.created_at, m.verdict, c.version is not null
from models m left join champion c on c.version = m.version
"""


@dataclass(frozen=True)
class RegisteredModel:
    """One row of the registry. `verdict`: promoted (champion now or before), kept (never promoted), retired (taken back)."""

    version: str
    url: str
    manifest: dict[str, Any]
    created_at: datetime
    verdict: Verdict
    champion: bool


class ModelRegistry:
    """Which snapshots exist and which one serves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, version: str, url: str, manifest: Manifest, promote: bool) -> None:
        """Note a written snapshot and, in the same transaction, make it the champion if `promote`."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "insert into models (version, url, manifest, created_at, verdict) values (%s, %s, %s::jsonb, %s, 'kept')",
                (version, url, msgspec.json.encode(manifest).decode(), manifest.created_at),
            )
            if promote:
                _point_at(cursor, version)

    def promote(self, version: str) -> None:
        """Make a version the champion. Raises NotFound."""
        with self._database.transaction() as cursor:
            _point_at(cursor, version)

    def champion(self) -> tuple[str, str] | None:
        """(version, url) of the champion; None before the first promotion."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute("select m.version, m.url from champion c join models m using (version)")
            row = cursor.fetchone()
            return (str(row[0]), str(row[1])) if row else None

    def list(self) -> list[RegisteredModel]:
        """All models, newest first."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"{_SELECT} order by m.version desc")
            return [RegisteredModel(*row) for row in cursor]

    def get(self, version: str) -> RegisteredModel:
        """One model. Raises NotFound."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"{_SELECT} where m.version = %s", (version,))
            row = cursor.fetchone()
        if row is None:
            raise NotFound(f"no model {version}; `segue models list` shows them")
        return RegisteredModel(*row)

    def rollback(self) -> str:
        """Retire the champion, point at the newest older model that was promoted, and return its version. Raises NotFound."""
        with self._database.transaction() as cursor:
            cursor.execute("select version from champion for update")
            current = cursor.fetchone()
            if current is None:
                raise NotFound("no model has been promoted yet: there is nothing to roll back")
            cursor.execute(
                "select version from models where verdict = 'promoted' and version < %s order by version desc limit 1", current
            )
            previous = cursor.fetchone()
            if previous is None:
                raise NotFound(f"{current[0]} is the first model that was promoted: there is none to go back to")
            cursor.execute("update models set verdict = 'retired' where version = %s", current)
            _point_at(cursor, previous[0])
            return str(previous[0])

    def forget(self, version: str) -> None:
        """Drop a model that is not the champion from the registry."""
        with self._database.transaction() as cursor:
            cursor.execute("delete from models where version = %s and version not in (select version from champion)", (version,))


def _point_at(cursor: Cursor, version: str) -> None:
    cursor.execute("update models set verdict = 'promoted' where version = %s", (version,))
    if cursor.rowcount == 0:
        raise NotFound(f"no model {version}; `segue models list` shows them")
    cursor.execute(
        """insert into champion (version) values (%s)
           on conflict (only_row) do update set version = excluded.version, promoted_at = now()""",
        (version,),
    )
