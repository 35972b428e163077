"""What is sent again, when, and what is raised in the end: against a service that answers from a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import httpx
import pytest

from segue.client import AsyncSegue, Retries, Segue, sent_event
from segue.client.call import Call
from segue.client.errors import (
    ApiAccessDenied,
    ApiConflict,
    ApiDefect,
    ApiError,
    ApiInvalidInput,
    ApiKafkaUnavailable,
    ApiNotFound,
    ApiRateLimited,
    ApiUnavailable,
    ApiUnreachable,
)
from segue.client.generated import calls
from segue.client.generated.shapes import HealthAnswer, ModelsAnswer
from segue.errors import ConfigurationError, InvalidEvent, InvalidInput, KafkaUnavailable, NotFound, Unavailable

pytestmark = pytest.mark.anyio

OK = httpx.Response(200, json={"status": "ok"})
ACCEPTED = httpx.Response(202, json={"accepted": 1, "rejected": 0, "events": []})
REGISTRY = httpx.Response(200, json={"champion": None, "serving": None, "items": []})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def problem(status: int, code: str, headers: dict[str, str] | None = None) -> httpx.Response:
    document = {"code": code, "detail": "because", "request_id": "r1", "errors": [{"field": "n", "reason": "is odd"}]}
    return httpx.Response(status, json=document, headers=headers)


@dataclass
class Service:
    """Gives one answer, or raises one error, after the other; the last again and again."""

    answers: Sequence[httpx.Response | Exception]
    asked: list[httpx.Request] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, content=found.content, headers=found.headers)

    async def wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)

    def client(self, retries: Retries = Retries()) -> Segue:  # noqa: B008 - frozen
        transport = httpx.MockTransport(self.answer)
        return Segue("http://segue.test", transport=transport, retries=retries, sleep=self.waited_s.append)


def blocking(service: Service, call: Call[object]) -> object:
    with service.client() as client:
        return client.send(call)


HEALTH = calls.healthz()
ROLLBACK = calls.roll_back()
UNKNOWN = httpx.ReadTimeout("slow")
REFUSED = httpx.ConnectError("refused")


@pytest.mark.parametrize("failure", [problem(503, "kafka_unavailable"), problem(502, "bad"), UNKNOWN, REFUSED])
def test_a_question_is_asked_again_until_it_is_answered(failure: httpx.Response | Exception) -> None:
    service = Service([failure, failure, OK])
    assert blocking(service, HEALTH) == HealthAnswer(status="ok")
    assert len(service.asked) == 3
    first, second = service.waited_s
    assert 0.1 <= first <= 0.2
    assert 0.2 <= second <= 0.4


async def test_the_asynchronous_client_does_the_same() -> None:
    service = Service([UNKNOWN, problem(503, "request_timeout", {"Retry-After": "5"}), OK])
    transport = httpx.MockTransport(service.answer)
    async with AsyncSegue("http://segue.test", "segue_key", transport=transport, sleep=service.wait) as client:
        assert await client.healthz() == HealthAnswer(status="ok")
    assert service.waited_s[1] == 5.0
    assert service.asked[2].headers["authorization"] == "Bearer segue_key"


def test_the_last_failure_is_raised() -> None:
    service = Service([problem(503, "kafka_unavailable")])
    with pytest.raises(ApiKafkaUnavailable):
        blocking(service, HEALTH)
    assert len(service.asked) == 4


@pytest.mark.parametrize("failure", [problem(503, "kafka_unavailable"), problem(502, "bad"), UNKNOWN])
def test_what_may_have_happened_is_not_done_twice(failure: httpx.Response | Exception) -> None:
    service = Service([failure, REGISTRY])
    with pytest.raises(Unavailable):
        blocking(service, ROLLBACK)
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("call", "tries"),
    [
        (calls.remove_tracks("mix", position=[0], if_match="*"), 1),
        (calls.remove_tracks("mix", position=[0], if_match=7), 2),
        (calls.remove_tracks("mix", track_id=["t1"]), 2),
        (calls.add_tracks("mix", ["t1"], if_match=7), 1),
    ],
)
def test_a_removal_by_place_is_repeated_only_of_the_version_that_was_seen(call: Call[object], tries: int) -> None:
    service = Service([UNKNOWN, problem(404, "not_found")])
    with pytest.raises((ApiNotFound, ApiUnreachable)):
        blocking(service, call)
    assert len(service.asked) == tries


@pytest.mark.parametrize(("if_match", "sent"), [(7, '"7"'), ("*", "*"), (None, None)])
def test_a_version_is_sent_as_if_match(if_match: int | Literal["*"] | None, sent: str | None) -> None:
    service = Service([problem(404, "not_found")])
    with pytest.raises(ApiNotFound):
        blocking(service, calls.change_playlist("mix", name="x", if_match=if_match))
    assert service.asked[0].headers.get("if-match") == sent


@pytest.mark.parametrize("failure", [REFUSED, problem(429, "rate_limited", {"Retry-After": "1"})])
def test_what_did_not_happen_is_tried_again_whatever_it_is(failure: httpx.Response | Exception) -> None:
    service = Service([failure, REGISTRY])
    assert blocking(service, ROLLBACK) == ModelsAnswer(champion=None, serving=None, items=())


def test_retry_after_is_kept_to() -> None:
    service = Service([problem(429, "rate_limited", {"Retry-After": "7"}), OK])
    blocking(service, HEALTH)
    assert service.waited_s == [7.0]


def test_a_longer_pause_than_allowed_is_the_callers_to_make() -> None:
    service = Service([problem(429, "rate_limited", {"Retry-After": "11"}), OK])
    with pytest.raises(ApiRateLimited) as raised:
        blocking(service, HEALTH)
    assert (raised.value.retry_after_s, service.waited_s) == (11.0, [])


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (problem(400, "malformed_json"), (ApiInvalidInput, InvalidInput)),
        (problem(401, "unknown_key"), (ApiAccessDenied,)),
        (problem(403, "not_your_data"), (ApiAccessDenied,)),
        (problem(404, "not_found"), (ApiNotFound, NotFound)),
        (problem(409, "too_many_blocks"), (ApiConflict,)),
        (problem(422, "invalid_request"), (ApiInvalidInput, InvalidInput)),
        (problem(500, "internal_error"), (ApiDefect,)),
        (problem(503, "kafka_unavailable"), (ApiKafkaUnavailable, KafkaUnavailable, Unavailable)),
        (problem(503, "empty_catalogue"), (ApiUnavailable, Unavailable)),
    ],
)
def test_an_error_is_of_the_tree_and_says_what_the_api_said(answer: httpx.Response, kinds: tuple[type, ...]) -> None:
    with pytest.raises(ApiError, match="because") as raised, Service([answer]).client(Retries(attempts=1)) as client:
        client.healthz()
    error = raised.value
    assert all(isinstance(error, kind) for kind in kinds)
    assert (error.status, error.request_id, error.code) == (answer.status_code, "r1", answer.json()["code"])
    assert [(wrong.field, wrong.reason) for wrong in error.fields] == [("n", "is odd")]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"status": 7}),
        httpx.Response(418, text="teapot"),
        httpx.Response(307, headers={"Location": "http://elsewhere.test"}),
        httpx.Response(500, content=b"\xff\xfe"),
    ],
)
def test_an_answer_of_something_else_is_an_error(answer: httpx.Response) -> None:
    with pytest.raises(ApiError, match=r"http://segue\.test/healthz"):
        blocking(Service([answer]), HEALTH)


def test_no_service_at_all() -> None:
    with pytest.raises(ApiUnreachable, match=r"http://segue\.test.*refused"):
        blocking(Service([REFUSED]), HEALTH)


def test_events_keep_their_ids_when_they_are_sent_again() -> None:
    service = Service([UNKNOWN, problem(503, "kafka_unavailable"), ACCEPTED])
    with service.client() as client:
        client.post_events(sent_event("play", "ada", track_id) for track_id in ("t1", "t2"))
    first, second, third = [request.content for request in service.asked]
    assert first == second == third
    assert first.count(b'"event_id"') == 2


def test_feedback_keeps_its_id_when_it_is_sent_again() -> None:
    answer = {"user_id": "ada", "event_id": "e", "action": "like", "until": None}
    service = Service([UNKNOWN, httpx.Response(202, json=answer)])
    with service.client() as client:
        assert client.give_feedback("ada", "like", track_id="t1").action == "like"
    assert service.asked[0].content == service.asked[1].content
    assert b'"event_id"' in service.asked[0].content


@pytest.mark.parametrize("wrong", [{"user_id": ""}, {"ms_played": -1}])
def test_an_event_that_would_be_refused_is_not_sent(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidEvent):
        sent_event(**({"type": "play", "user_id": "ada", "track_id": "t1"} | wrong))  # type: ignore[arg-type]


def test_no_events_are_not_sent() -> None:
    with pytest.raises(InvalidEvent, match="no events"), Service([OK]).client() as client:
        client.post_events([])


@pytest.mark.parametrize("make", [lambda: Segue("segue.test"), lambda: Segue(""), lambda: Retries(attempts=0)])
def test_a_wrong_setting_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError):
        make()
