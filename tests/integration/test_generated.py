"""Lists that Segue puts together: kept through real Kafka, a processor and Postgres, and no lesson for the trainer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import pytest

from segue.events import OWN_SOURCE, CatalogueTrack, PlaylistRecord, encode
from segue.settings import Settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.playlists import PlaylistStore, playlist_mbid, upsert_playlists
from segue.stores.postgres.training import TrainingStore
from segue.topics import CATALOGUE
from tests.integration.conftest import api
from tests.publishing import publish_raw

pytestmark = pytest.mark.stack


@pytest.mark.usefixtures("processor")
def test_a_generated_list_that_is_saved_is_read_back(
    settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    mark = uuid.uuid4().hex[:8]
    genre, owner, playlist_id = f"genre-{mark}", f"ann-{mark}", f"list-{mark}"
    published = [f"{mark}-{number}" for number in range(6)]
    for number, track_id in enumerate(published):
        track = CatalogueTrack(
            track_id=track_id, name=f"Song {number}", artists=(f"Artist {number}",), genres=(genre,), duration_ms=200_000,
            popularity=90 - number,
        )  # fmt: skip
        publish_raw(settings, [encode(track)], track_id.encode(), CATALOGUE)

    def stored() -> bool:
        named = (change.track for change in CatalogueStore(database).changes_since(None) if change.track)
        return {track.track_id for track in named} >= set(published)

    wait_until(stored, 30, "the tracks in Postgres")
    prompt = {
        "user_id": owner, "seeds": {"genres": [genre]}, "filters": {"genres": [genre]}, "duration_ms": 800_000, "title": "Made",
        "save": True, "playlist_id": playlist_id,
    }  # fmt: skip

    async def act() -> list[str]:
        async with api(settings) as client:
            made = await client.post("/playlists/generate", json=prompt)
            assert (made.status_code, made.json()["saved"]["applied"]) == (201, True), made.text
            read = await client.get(f"/playlists/{playlist_id}")
            assert read.json()["version"] == made.json()["saved"]["version"]
            assert (read.json()["owner_id"], read.json()["name"], read.json()["public"]) == (owner, "Made", False)
            track_ids = [track["track_id"] for track in read.json()["tracks"]]
            assert track_ids == [item["track_id"] for item in made.json()["items"]]
            again = await client.post("/playlists/generate", json=prompt)
            assert (again.status_code, again.json()["saved"]) == (200, made.json()["saved"])
            return track_ids

    track_ids = asyncio.run(act())
    assert len(track_ids) == 4
    assert set(track_ids) < set(published)
    found = PlaylistStore(database).get(playlist_id)
    assert found is not None
    assert (list(found.track_ids), found.source) == (track_ids, "segue:generated")


def test_models_do_not_learn_from_lists_of_segue_s_own_making(own_database: Database) -> None:
    sources = {"mine": "api", "spotify": "spotify", "generated": "segue:generated", "weekly": "segue:weekly-jams"}
    records = [
        PlaylistRecord(playlist_id=name, name=name, track_ids=("a", "b", name), source=source) for name, source in sources.items()
    ]
    with own_database.transaction() as cursor:
        upsert_playlists(cursor, records, dict.fromkeys(sources, 0.0), dict.fromkeys(sources, 1))
        cursor.execute("select track_no from tracks where track_id in ('generated', 'weekly')")
        unlearnt = {number for (number,) in cursor}
    training = TrainingStore(own_database)
    data = training.read(0.1)
    assert len(set(data.playlist_no.tolist())) == training.sizes()["playlists"] == 2
    assert not unlearnt & set(data.playlist_track_no.tolist())


def test_players_find_playlists_by_a_uuid_and_listings_have_pages(own_database: Database) -> None:
    names = {"mine": "api", "weekly": f"{OWN_SOURCE}weekly-jams/2026-11-23", 'söng; "x"': None}
    records = [
        PlaylistRecord(playlist_id=name, name=name, track_ids=("b", "a"), owner_id="ann", source=source or "unknown")
        for name, source in names.items()
    ]
    with own_database.transaction() as cursor:
        upsert_playlists(cursor, records, dict.fromkeys(names, 0.0), dict.fromkeys(names, 1))
        cursor.execute("update playlists set source = null where playlist_id not in ('mine', 'weekly')")
    store = PlaylistStore(own_database)
    for name in names:
        found = store.by_mbid(playlist_mbid(name))
        assert found == store.get(name) is not None
    assert store.by_mbid(str(uuid.uuid4())) is None
    prefix = f"{OWN_SOURCE}weekly-"
    weekly, count = store.listed("ann", prefix, 10, with_prefix=True)
    assert ([(one.playlist_id, one.source) for one in weekly], count) == ([("weekly", names["weekly"])], 1)
    others = [store.listed("ann", prefix, 1, offset, with_prefix=False) for offset in range(3)]
    # The greatest number is the newest: they were stored in the order of their ids.
    assert [[one.playlist_id for one in page] for page, _ in others] == [['söng; "x"'], ["mine"], []]
    assert {total for _, total in others} == {2}
    assert store.listed("bob", prefix, 10, with_prefix=True) == ([], 0)
