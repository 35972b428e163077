"""`segue migrate`: bring the database's schema to the newest version."""

from __future__ import annotations

from rich.console import Console

from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.migrations import migrate as apply_migrations


def migrate() -> None:
    """Create or upgrade the tables in Postgres; safe to run at any time and by several processes at once."""
    settings = load_settings()
    database = Database(settings.require_postgres())
    applied = apply_migrations(database, state_facts(settings))
    database.close()
    Console().print(f"migrations applied: {', '.join(applied) or 'none, the schema is up to date'}")


def state_facts(settings: Settings) -> dict[str, str]:
    """The settings that stored rows depend on."""
    return {"half_life_days": str(settings.half_life_days), "redis_buckets": str(settings.redis_buckets)}
