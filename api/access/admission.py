"""ASGI middleware before the routes: finds out who asks; the routes decide by that whether they answer."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.callers import Anybody, Caller, KeyHolder, unauthorised
from api.access.key_ring import KeyRing
from api.access.tokens import Tokens
from api.problems import Problem, unavailable
from segue.api_keys import ApiKey, prefix_of
from segue.errors import PostgresUnavailable

_SCHEMES = {"bearer", "token"}
"""`Token` is what ListenBrainz clients say."""


class Identities:
    """Tells callers apart by key or token. Without `required`, nobody is asked and anybody may ask everything."""

    def __init__(self, ring: KeyRing, tokens: Tokens, required: bool) -> None:
        self._ring, self._tokens, self._required = ring, tokens, required

    async def caller(self, headers: Headers) -> Caller:
        """Who sent these headers; a credential that opens nothing is kept as the reason, for public routes answer anyway."""
        if not self._required:
            return Anybody(may_ask=True)
        try:
            credential = _credential(headers)
            return Anybody() if credential is None else await self._identified(credential)
        except Problem as problem:
            return Anybody(refused=problem)
        except PostgresUnavailable as error:
            return Anybody(refused=unavailable(error))

    async def _identified(self, credential: str) -> Caller:
        if prefix_of(credential) is not None:
            return KeyHolder(_valid(await self._ring.find(credential)))
        if credential.count(".") == 2:
            listener = self._tokens.read(credential)
            _valid(await self._ring.by_prefix(listener.issuer))
            return listener
        raise unauthorised("unknown_key", "this is neither a key nor a token of this service")


class Admission:
    """ASGI middleware; puts the caller into the request's state."""

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self._app, self._identities = app, identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["caller"] = await self._identities.caller(Headers(scope=scope))

        async def checked(message: Message) -> None:
            # A route of an own body that forgot to look whose data it is answers nobody.
            if message["type"] == "http.response.start" and message["status"] < 400 and state.get("owner_checked") is False:
                raise AssertionError(f"{scope['path']} answered without check_owner")
            await send(message)

        await self._app(scope, receive, checked)


def _credential(headers: Headers) -> str | None:
    key, authorization = headers.get("x-api-key"), headers.get("authorization")
    if key is not None and authorization is not None:
        raise unauthorised("two_credentials", "send Authorization or X-API-Key, not both")
    if authorization is None:
        return key
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() not in _SCHEMES:
        raise unauthorised("unsupported_scheme", "send Authorization: Bearer … with a key or a token")
    return credential.strip()


def _valid(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise unauthorised("unknown_key", "no such key: `segue keys list` shows those that there are")
    refusal = key.refusal(datetime.now(UTC))
    if refusal is not None:
        raise unauthorised(f"{refusal}_key", f"this key is {refusal}: `segue keys create` makes a new one")
    return key
