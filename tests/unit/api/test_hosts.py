"""Names under which the service may be asked."""

from __future__ import annotations

import pytest

from api.hosts import allowed_hosts, name_of
from segue.settings import Settings
from tests.unit.api.conftest import SETTINGS, World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200), ("127.0.0.1", 200), ("127.8.9.1:80", 200), ("[::1]:8000", 200), ("api.localhost", 200),
        ("LOCALHOST.", 200), ("evil.example", 421), ("evil.example:8000", 421), ("10.0.0.5", 421),
        ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421), ("[::2]", 421), ("", 421), ("[", 421), ("\u00e9", 421),
    ],
)  # fmt: skip
async def test_without_keys_only_this_machine_may_be_named(world: World, host: str, status: int) -> None:
    world.settings = SETTINGS.model_copy(update={"api_allowed_hosts": ""})
    async with world.serving() as client:
        answer = await client.get("/genres", headers=[(b"host", host.encode("latin-1"))])
        assert answer.status_code == status
        if status == 421:
            assert answer.json()["code"] == "unknown_host"
            assert "SEGUE_API_ALLOWED_HOSTS" in answer.json()["detail"]
            assert answer.headers["x-request-id"] == answer.json()["request_id"]


async def test_named_hosts_hold_with_keys_too(world: World) -> None:
    world.settings = SETTINGS.model_copy(update={"api_allowed_hosts": "Radio.example , segue.test", "api_keys_required": True})
    async with world.serving() as client:
        assert (await client.get("/healthz", headers={"Host": "radio.example:443"})).status_code == 200
        assert (await client.get("/healthz", headers={"Host": "evil.example"})).status_code == 421


def test_who_asks_for_keys_or_is_open_is_known_under_every_name() -> None:
    assert allowed_hosts(Settings()) == frozenset()
    for open_to_all in ({"api_keys_required": True}, {"api_open": True}, {"api_allowed_hosts": "a.example,*"}):
        assert allowed_hosts(Settings().model_copy(update=open_to_all)) is None


def test_the_name_is_what_stands_before_the_port() -> None:
    assert [name_of(host) for host in ("[::1]:80", "A.b.:1", "x", "")] == ["::1", "a.b", "x", ""]
