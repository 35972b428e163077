"""A listener who was deleted and whose history is imported again: they return first, else everything of theirs is refused."""

from __future__ import annotations

from contextlib import closing

from producers.publisher import Publisher
from producers.simulator.clock import Clock
from segue.errors import InvalidEvent, InvalidInput, Unavailable
from segue.events import UserRecord, check_id
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.users import UserStore
from segue.topics import USERS

POLL_S = 0.1


def check_listener(name: str) -> str:
    """The name, if a listener may have it. Raises InvalidInput."""
    try:
        check_id("--listener", name)
    except InvalidEvent as error:
        raise InvalidInput(f"{error}: choose another name", "invalid_id") from None
    return name


def bring_back(user_id: str, publisher: Publisher, settings: Settings, clock: Clock) -> None:
    """Publish the record of a listener who was deleted and wait until it is stored; a new listener needs none.

    Raises Unavailable when it is not stored within the patience, since no processor runs.
    """
    if settings.postgres_url is None:
        return
    with closing(Database(settings.require_postgres())) as database:
        users = UserStore(database)
        if not users.is_deleted(user_id):
            return
        publisher.publish_records(USERS, [(user_id, UserRecord(user_id=user_id))])
        publisher.flush(settings.ingest_patience_s)
        deadline = clock.now_s() + settings.ingest_patience_s
        while users.is_deleted(user_id):
            if clock.now_s() > deadline or clock.stopped():
                raise Unavailable(f"{user_id} was deleted and returns when the processors run: start them with `segue up`")
            clock.wait(POLL_S)
