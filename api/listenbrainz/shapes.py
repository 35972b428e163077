"""The shapes of answers, as https://listenbrainz.readthedocs.io/en/latest/users/json.html has them."""

from __future__ import annotations

from typing import Any

import msgspec

_REF = "#/components/schemas/{model}"


class Done(msgspec.Struct, frozen=True):
    """What was sent is stored."""

    status: str = "ok"


class TokenFound(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose token it is."""

    code: int
    message: str
    valid: bool
    user_name: str | None = None


class ErrorShown(msgspec.Struct, frozen=True):
    """What went wrong; `code` is the status, `problem` the stable name."""

    code: int
    error: str
    problem: str


ANSWERS = (Done, TokenFound, ErrorShown)


def documented(answer: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers this struct, or an error in the words of ListenBrainz."""
    error = {"application/json": {"schema": {"$ref": _REF.format(model=ErrorShown.__name__)}}}
    return {
        200: {
            "description": "Answered.",
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=answer.__name__)}}},
        },
        "4XX": {"description": "The request is wrong; see `error`.", "content": error},
        "503": {"description": "A server is away: send it again later.", "content": error},
    }
