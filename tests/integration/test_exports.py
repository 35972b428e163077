"""Everything that Postgres holds of a user, as of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec
import pytest

from api.exports import FORMAT, document
from api.parquet_exports import archive
from segue.errors import NotFound
from segue.events import CatalogueTrack, PlaylistRecord, UserRecord
from segue.ingest_jobs import Counts, JobKey
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.catalogue import upsert_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.exports import PART_ROWS, ExportStore, Part
from segue.stores.postgres.ingest_jobs import IngestJobStore
from segue.stores.postgres.keys import KeyStore
from segue.stores.postgres.listens import lock_out_deletions
from segue.stores.postgres.playlists import upsert_playlists
from segue.stores.postgres.users import delete_users, upsert_users
from tests.integration.test_blocks import said
from tests.integration.test_listening_writer import NOW, PARTITION, USER, Worker, batch_at, event
from tests.parquet import rows_in, rows_of

pytestmark = pytest.mark.stack

NEIGHBOUR = next(name for name in map("user-{}".format, range(1_000)) if partition_for(name, 8) == PARTITION)


@pytest.fixture
def worker(own_database: Database, own_redis_url: str) -> Iterator[Worker]:
    made = Worker(own_database, own_redis_url)
    yield made
    made.rows.close()


def gathered(parts: Iterable[Part]) -> dict[str, list[dict[str, object]]]:
    """Rows by section, as JSON has them."""
    found: dict[str, list[dict[str, object]]] = {}
    for section, rows in parts:
        found.setdefault(section, []).extend(msgspec.json.decode(msgspec.json.encode(rows)))
    return found


def write_profile(database: Database, *playlist_ids: str, owner: str = USER) -> None:
    with database.transaction() as cursor:
        lock_out_deletions(cursor)
        upsert_users(cursor, [UserRecord(user_id=owner, display_name="Ada", genres=("jazz",))], {owner: 0.0})
        lists = [
            PlaylistRecord(playlist_id=one, name="P", track_ids=("b", "a", "b"), owner_id=owner, public=one == "p2")
            for one in playlist_ids
        ]
        upsert_playlists(cursor, lists, dict.fromkeys(playlist_ids, 0.0), dict.fromkeys(playlist_ids, 1))


def test_everything_of_one_user_and_nothing_of_another(worker: Worker, own_database: Database) -> None:
    with own_database.transaction() as cursor:
        upsert_tracks(cursor, [CatalogueTrack(track_id="t1", name="Song", artists=("Abc", "Def"))])
    write_profile(own_database, "p1", "p2")
    write_profile(own_database, "p3", owner=NEIGHBOUR)
    key = KeyStore(own_database).create("phone", frozenset({"read"}), None, USER)
    for owner in (USER, NEIGHBOUR, None):
        imported(own_database, owner)
    mine = [event("play", seconds=2), event("impression", "t2"), event("dislike", seconds=1)]
    blocks = [
        said("block", track_id="t2", days=9),
        said("block_artist", artist="Some One"),
        said("unblock_artist", 1, artist="X"),
    ]
    worker.write(batch_at(0, *mine, *blocks, event("play", user_id=NEIGHBOUR)))
    found = gathered(ExportStore(own_database).parts(USER))
    (user,) = found["user"]
    assert (user["user_id"], user["display_name"], user["genres"], user["events"]) == (USER, "Ada", ["jazz"], 6)
    assert {one["event_id"] for one in found["events"]} == {str(one.event_id) for one in (*mine, *blocks)}
    newest = found["events"][-1]
    assert (newest["type"], newest["track_id"], newest["name"], newest["artists"]) == ("play", "t1", "Song", ["Abc", "Def"])
    times = [str(one["occurred_at"]) for one in found["events"]]
    assert times == sorted(times)
    (track,) = found["tracks"]
    assert (track["track_id"], track["plays"], track["skips"], track["stance"]) == ("t1", 1, 0, "disliked")
    assert [(one["track_id"], one["artist"], one["active"], one["until"] is not None) for one in found["blocks"]] == [
        (None, "Some One", True, False),
        (None, "X", False, False),
        ("t2", None, True, True),
    ]
    assert [(one["playlist_id"], one["public"], one["track_ids"]) for one in found["playlists"]] == [
        ("p1", False, ["b", "a", "b"]),
        ("p2", True, ["b", "a", "b"]),
    ]
    (begun,) = found["imports"]
    assert (begun["source"], begun["label"], begun["status"], begun["read"]) == ("listenbrainz", "listens.zip", "done", 7)
    (shown,) = found["keys"]
    assert str(shown["prefix"]) in key
    assert key not in str(found)


def imported(database: Database, listener: str | None) -> None:
    jobs = IngestJobStore(database, kept=10)
    job = jobs.begin(JobKey("listenbrainz", "f", listener), "listens.zip", "segue ingest history listens.zip", restart=False)
    jobs.save(msgspec.structs.replace(job, status="done", counts=Counts(read=7)))


ODD = "Ünï‮\u200b 🎷 'q' \"x\" \\ ,;=1+1\t"


def test_parquet_files_say_what_json_says(worker: Worker, own_database: Database) -> None:
    with own_database.transaction() as cursor:
        upsert_tracks(cursor, [CatalogueTrack(track_id="t1", name=ODD, artists=(ODD, "B"))])
        upsert_users(cursor, [UserRecord(user_id="nobody")], {"nobody": 0.0})
    write_profile(own_database, "p1", "p2")
    KeyStore(own_database).create(ODD, frozenset({"read"}), None, USER)
    worker.write(
        batch_at(
            0, event("play"), event("skip", "t2"), said("block_artist", artist=ODD.strip()), said("block", track_id="t2", days=9)
        )
    )
    store = ExportStore(own_database)
    for user_id, events in ((USER, 4), ("nobody", 0)):
        found = rows_of(b"".join(archive(store.parts(user_id), FORMAT)))
        assert found == rows_in(b"".join(document(store.parts(user_id))))
        assert len(found["events"]) == events


def test_it_is_of_the_moment_in_which_it_began(worker: Worker, own_database: Database) -> None:
    write_profile(own_database, "p1")
    first = event()
    worker.write(batch_at(0, first))
    parts = ExportStore(own_database).parts(USER)
    assert next(parts)[0] == "user"
    worker.write(batch_at(1, event(), event("skip", "t2")))
    write_profile(own_database, "p2")
    with own_database.transaction() as cursor:
        delete_users(cursor, [USER])
    found = gathered(parts)
    assert [one["event_id"] for one in found["events"]] == [str(first.event_id)]
    assert [one["playlist_id"] for one in found["playlists"]] == ["p1"]
    with pytest.raises(NotFound):
        next(ExportStore(own_database).parts(USER))


def test_no_part_grows_with_the_history(worker: Worker, own_database: Database) -> None:
    worker.write(batch_at(0, event()))
    more = 3 * PART_ROWS
    with own_database.transaction() as cursor:
        cursor.execute(
            """insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, kafka_partition, type)
               select gen_random_uuid(), user_no, track_no, 1, %s - n * interval '1 minute', 1, 0, 0
               from listens, generate_series(1, %s) n""",
            (NOW - timedelta(days=1), more),
        )
    sizes = [len(rows) for section, rows in ExportStore(own_database).parts(USER) if section == "events"]
    assert sizes == [PART_ROWS, PART_ROWS, PART_ROWS, 1]


def test_one_that_is_given_up_holds_no_connection(worker: Worker, own_database: Database, settings: Settings) -> None:
    worker.write(batch_at(0, event()))
    narrow = Database(settings.require_postgres(), schema=own_database.schema, max_connections=1)
    store = ExportStore(narrow)
    for _ in range(3):
        parts = store.parts(USER)
        next(parts)
        next(parts)
        parts.close()
    assert list(gathered(store.parts(USER))) == ["user", "events", "tracks"]
    narrow.close()
