"""Whose player it is that asks."""

from __future__ import annotations

import re

from fastapi import Request

from api.access.callers import Listener, caller_of, unauthorised
from api.problems import Problem
from segue.api_keys import prefix_of
from segue.errors import InvalidEvent
from segue.events import check_id

NOT_GIVEN = "You need to provide an Authorization header: Token and what `segue keys create --listener …` printed"
OPEN = "this service asks for no keys: in the place of the token goes the listener's name"
_SECRET = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|eyJ.*\..*\..*", re.IGNORECASE)
"""Tokens of listenbrainz.org and JSON Web Tokens: none of them may become the name of a listener, which everybody sees."""


def listener_of(request: Request) -> str:
    """The listener whose token or key came or, where no keys are asked for, whom the token names. Raises Problem 401."""
    caller = caller_of(request)
    if isinstance(caller, Listener):
        return caller.user_id
    return named_in(token_of(request))


def is_own(request: Request, user_id: str) -> bool:
    """Whether the listener whose data it is asks: they are known even before their first event."""
    try:
        return listener_of(request) == user_id
    except Problem:
        return False


def token_of(request: Request) -> str:
    """What stands behind the scheme of the Authorization header. Raises Problem 401 without one."""
    sent = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    _, _, token = sent.partition(b" ")
    if not token.strip():
        raise unauthorised("no_credentials", NOT_GIVEN)
    try:
        return str(token, "utf-8").strip()
    except UnicodeDecodeError:
        return str(token, "latin-1").strip()


def named_in(token: str) -> str:
    """The listener whom a token names where no keys are asked for. Raises Problem 401 for what is or may be a secret."""
    if prefix_of(token) is not None or _SECRET.fullmatch(token):
        raise unauthorised("not_a_name", OPEN)
    try:
        check_id("the token", token)
    except InvalidEvent as error:
        raise unauthorised("not_a_name", f"{OPEN}; {error}") from None
    return token
