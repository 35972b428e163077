"""Tracks, users, health and what every answer has in common."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from segue.ids import UserNo
from segue.stores.postgres.users import User
from tests.unit.api.conftest import World, ids
from tests.unit.api.made import row, state

pytestmark = pytest.mark.anyio

ANN = User(UserNo(1), "ann", "Ann", ("jazz",), 3, None, datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_track(client: httpx.AsyncClient) -> None:
    body = (await client.get("/tracks/t9")).json()
    assert (body["track_id"], body["name"], body["artists"], body["genres"]) == ("t9", "Song j", ["Artist 9"], ["rock"])
    assert (body["mood"], body["year"], body["popularity"], body["features"]["tempo"]) == ("happy", 1989, 91, 109.0)


async def test_a_search_is_no_track_id(client: httpx.AsyncClient) -> None:
    answer = await client.get("/tracks/search", params={"q": "song j"})
    assert answer.status_code == 200
    assert ids(answer) == ["t9"]
    assert (answer.json()["query"], answer.json()["forgiven"]) == ("song j", True)


@pytest.mark.parametrize("query", ["", "?q=", "?q=a&limit=0", "?q=a&limit=101"])
async def test_a_wrong_search_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/tracks/search{query}")).status_code == 422


async def test_a_user_with_top_tracks_of_this_moment(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.users["ann"] = ANN
    world.redis.rows["ann"] = row(1, 2, 3)
    body = (await client.get("/users/ann", params={"top": 2})).json()
    assert (body["display_name"], body["genres"], body["state"]["events"]) == ("Ann", ["jazz"], 3)
    assert [top["track_id"] for top in body["top_tracks"]] == ["t1", "t2"]
    assert (body["top_tracks"][0]["plays"], body["top_tracks"][0]["preference"]) == (1, 1.0)


async def test_a_user_without_events_has_a_profile(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.users["ann"] = ANN
    body = (await client.get("/users/ann")).json()
    assert (body["display_name"], body["state"]["source"], body["top_tracks"]) == ("Ann", "none", [])


async def test_an_unknown_user_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/users/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/users/%00", "/tracks/%20t1", f"/recommend/song/{'x' * 129}"])
async def test_ids_that_cannot_be_are_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_id")


async def test_problems_have_one_form(client: httpx.AsyncClient) -> None:
    answer = await client.get("/tracks/t99", headers={"x-request-id": "my-id"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:segue:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "track 't99' is not in the catalogue: GET /tracks/search?q=… finds ids",
        "request_id": "my-id",
    }


async def test_no_such_route(client: httpx.AsyncClient) -> None:
    answer = await client.get("/recommend/user/ann/extra")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_route")


async def test_a_wrong_method_names_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/events")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")


async def test_allow_names_every_method_of_a_path_and_no_other_paths(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/admin/keys")).headers["allow"] == "GET, POST"
    assert (await client.delete("/models/rollback")).headers["allow"] == "POST"


async def test_answers_are_not_stored_by_browsers(client: httpx.AsyncClient) -> None:
    headers = (await client.post("/recommend/user/", json={"user_id": "ann"})).headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_a_request_id_is_kept_or_made(client: httpx.AsyncClient) -> None:
    assert (await client.get("/", headers={"x-request-id": "abc"})).headers["x-request-id"] == "abc"
    made = (await client.get("/", headers={"x-request-id": "line\tbreak"})).headers["x-request-id"]
    assert len(made) == 36


async def test_a_defect_is_a_problem_without_a_traceback(
    world: World, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Defect(Exception):
        pass

    async def broken(user_id: str) -> None:
        raise Defect("secret detail")

    world.redis.row = broken  # type: ignore[method-assign]
    answer = await client.post("/recommend/user/", json={"user_id": "ann"}, headers={"x-request-id": "r-1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (500, "internal_error", "r-1")
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text
    assert [record.fields["request_id"] for record in caplog.records if record.name == "api.middleware"] == ["r-1"]  # type: ignore[attr-defined]


async def test_the_index_links_to_what_there_is(client: httpx.AsyncClient) -> None:
    links = (await client.get("/")).json()["links"]
    for path in ("docs", "openapi", "health", "ready", "metrics"):
        assert (await client.get(links[path])).status_code == 200


async def test_all_is_well(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["degraded"]) == (200, "ok", [])
    found = answer.json()["dependencies"]
    assert set(found) == {"model", "catalogue", "redis", "postgres", "kafka"}
    assert (found["model"]["version"], found["catalogue"]["tracks"], found["kafka"]["status"]) == ("v1", 16, "ok")


async def test_requests_are_measured_by_route(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.states["ann"] = state(1)
    await client.post("/recommend/user/", json={"user_id": "ann"})
    await client.get("/tracks/t1")
    await client.get("/tracks/t99")
    await client.get("/wp-admin/1")
    await client.post("/events", json={"type": "play", "user_id": "ann", "track_id": "t1"})
    text = (await client.get("/metrics")).text
    for line in (
        'segue_api_requests_total{method="POST",route="/recommend/user/",status="200"} 1.0',
        'segue_api_requests_total{method="GET",route="/tracks/{track_id}",status="200"} 1.0',
        'segue_api_requests_total{method="GET",route="/tracks/{track_id}",status="404"} 1.0',
        'segue_api_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'segue_api_request_seconds_count{method="GET",route="/tracks/{track_id}"} 2.0',
        'segue_api_model_info{version="v1"} 1.0',
        'segue_api_state_source_total{source="postgres"} 1.0',
        'segue_api_events_total{outcome="accepted"} 1.0',
        "segue_api_catalogue_tracks 16.0",
    ):
        assert line in text


async def test_every_reference_of_the_openapi_document_leads_somewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    schemas = answer.json()["components"]["schemas"]
    names = {part.split('"', 1)[0] for part in answer.text.split("#/components/schemas/")[1:]}
    assert {"ListenerQuestion", "ListenerAnswer", "SentEvent"} <= names
    assert names <= set(schemas)
