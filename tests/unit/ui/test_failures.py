"""What a person reads when the API could not answer."""

from __future__ import annotations

import httpx
import pytest

from segue.client.errors import error_of, unreachable
from segue.errors import SegueError
from tests.unit.ui.conftest import problem
from ui.views.failures import Failure, failure_of


def said(status: int, code: str, detail: str = "because", **headers: str) -> SegueError:
    response = problem(status, code, detail, **headers)
    response.request = httpx.Request("GET", "http://segue.test/x")
    return error_of(response)


@pytest.mark.parametrize(
    ("error", "title", "advice", "may_pass"),
    [
        (unreachable(httpx.ConnectError("refused"), "http://x"), "The API does not answer", "segue up", True),
        (said(401, "no_credentials", "send a key"), "The API asks who you are", "under “Key”", True),
        (said(403, "insufficient_scope", "this needs admin"), "Your key does not open this", "this needs admin. ", False),
        (said(429, "rate_limited", retry_after="7"), "Too many questions", "Wait 7 s", True),
        (said(503, "empty_catalogue"), "The catalogue is empty", "segue ingest catalogue", True),
        (said(503, "kafka_unavailable"), "Kafka is away", "Nothing that you do now can be kept", True),
        (said(503, "postgres_unavailable"), "Postgres is away", "recommendations go on", True),
        (said(503, "not_counted_yet", "it is being counted"), "Not available now", "it is being counted. Try", True),
        (said(404, "not_found", "track 'a' is not there"), "Not known", "track 'a' is not there", False),
        (said(422, "invalid_request", "n: too large"), "The API refused this", "n: too large.", False),
        (said(409, "too_many_blocks", "unblock one"), "That did not work", "unblock one", False),
        (said(500, "internal"), "The API failed on this", "r-17", False),
    ],
)
def test_each_failure_says_what_to_do(error: SegueError, title: str, advice: str, may_pass: bool) -> None:
    failure = failure_of(error)
    assert (failure.title, failure.may_pass) == (title, may_pass)
    assert advice in failure.advice


def test_a_refusal_names_its_fields() -> None:
    fields = [{"field": "energy_min", "reason": "is above energy_max"}, {"field": "n", "reason": "is odd."}]
    response = httpx.Response(422, json={"code": "invalid_request", "detail": "x", "request_id": "r", "errors": fields})
    response.request = httpx.Request("GET", "http://segue.test/x")
    assert failure_of(error_of(response)) == Failure("The API refused this", "energy_min: is above energy_max. n: is odd.")
