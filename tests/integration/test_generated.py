"""Lists that Segue puts together: kept through real Kafka, a processor and Postgres, and no lesson for the trainer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import pytest

from segue.events import CatalogueTrack, PlaylistRecord, encode
from segue.settings import Settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.playlists import PlaylistStore, upsert_playlists
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
            assert read.headers["etag"] == f'"{made.json()["saved"]["version"]}"'
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
