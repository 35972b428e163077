"""What a person reads when the API could not answer: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from segue.client.errors import (
    ApiAccessDenied,
    ApiDefect,
    ApiError,
    ApiInvalidInput,
    ApiRateLimited,
    ApiUnreachable,
)
from segue.errors import KafkaUnavailable, NotFound, PostgresUnavailable, SegueError, Unavailable

UNAUTHORISED = 401


@dataclass(frozen=True)
class Failure:
    """`may_pass`: trying again may help."""

    title: str
    advice: str
    may_pass: bool = False


def failure_of(error: SegueError) -> Failure:
    """The words for an error of the client."""
    match error:
        case ApiUnreachable():
            advice = (
                "Start it with `segue up` (`segue status` says whether it runs), or point SEGUE_API_URL to it; then try again."
            )
            return Failure("The API does not answer", advice, may_pass=True)
        case ApiAccessDenied():
            return _denied(error)
        case ApiRateLimited():
            wait = f"{error.retry_after_s:.0f} s" if error.retry_after_s else "a moment"
            return Failure("Too many questions", f"Wait {wait}, then try again.", may_pass=True)
        case ApiError(code="empty_catalogue"):
            advice = "Bring tracks in with `segue ingest catalogue`, or start with `segue up --demo`; then try again."
            return Failure("The catalogue is empty", advice, may_pass=True)
        case ApiInvalidInput():
            return Failure("The API refused this", _reasons(error))
        case ApiDefect():
            return Failure(
                "The API failed on this", f"Its log says why, under the request id {error.request_id or 'it printed'}."
            )
        case KafkaUnavailable():
            return Failure("Kafka is away", "Nothing that you do now can be kept. Answers go on; try again soon.", may_pass=True)
        case PostgresUnavailable():
            return Failure("Postgres is away", "This page needs it; recommendations go on. Try again soon.", may_pass=True)
        case NotFound():
            return Failure("Not known", str(error))
        case Unavailable():
            return Failure("Not available now", f"{error}. Try again soon.", may_pass=True)
        case _:
            return Failure("That did not work", str(error))


def _denied(error: ApiAccessDenied) -> Failure:
    where = "Give one that does in the side bar, under “Key”."
    if error.status == UNAUTHORISED:
        return Failure("The API asks who you are", f"{_sentence(str(error))} {where}", may_pass=True)
    return Failure("Your key does not open this", f"{_sentence(str(error))} {where}")


def _reasons(error: ApiInvalidInput) -> str:
    return " ".join(_sentence(f"{wrong.field}: {wrong.reason}") for wrong in error.fields) or _sentence(str(error))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
