"""Who sent a request: anybody, a key, or one listener by token."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from api.problems import Problem
from segue.api_keys import ApiKey, Scope


@dataclass(frozen=True)
class Anybody:
    """Nobody known. `may_ask`: the service asks for no keys. `refused`: why the key or token that came opens nothing."""

    may_ask: bool = False
    refused: Problem | None = None


@dataclass(frozen=True)
class KeyHolder:
    """Somebody with a valid key."""

    key: ApiKey


@dataclass(frozen=True)
class Listener:
    """A listener with a valid token or a key of their own, for their own data only; `issuer` is the prefix of the key that
    issued the token, or of that key.
    """

    user_id: str
    scopes: frozenset[Scope]
    issuer: str


Caller = Anybody | KeyHolder | Listener

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="segue"'}


def unauthorised(code: str, detail: str) -> Problem:
    """The 401 problem of a request whose sender is not known."""
    return Problem(401, code, detail, headers=CHALLENGE)


def caller_of(request: Request) -> Caller:
    """Who sent this request, as admission found."""
    found = request.scope["state"]["caller"]
    assert isinstance(found, Caller)  # noqa: S101 - admission stands before every route
    return found


def check_owner(request: Request, *user_ids: str) -> None:
    """Raises Problem 403 when a listener's token asks or writes for somebody else. Every route of an own body calls it."""
    caller = caller_of(request)
    if isinstance(caller, Listener):
        request.scope["state"]["owner_checked"] = True
        if any(user_id != caller.user_id for user_id in user_ids):
            raise Problem(403, "not_your_data", "this token is for one listener's own data, and the request names somebody else")
