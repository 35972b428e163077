"""ASGI middleware before the routes: who asks, and how often. The routes decide by the caller whether they answer."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.callers import Anybody, Caller, KeyHolder, Listener, unauthorised
from api.access.key_ring import KeyRing
from api.access.rates import Decision, Rates
from api.access.tokens import Tokens
from api.problems import Problem, unavailable
from segue.api_keys import ApiKey, prefix_of
from segue.errors import PostgresUnavailable

_SCHEMES = {"bearer", "token"}
"""`Token` is what ListenBrainz clients say."""
UNLIMITED = {"/healthz"}
"""Costs nothing, and an orchestrator that gets no answer restarts the process."""
MAX_CREDENTIAL = 4_096


@dataclass(frozen=True)
class Claim:
    """What a request's headers say of its sender, before any lookup."""

    key: str | None = None
    listener: Listener | None = None
    refused: Problem | None = None


class Identities:
    """Tells callers apart by key or token. Without `required`, nobody is asked and anybody may ask everything."""

    def __init__(self, ring: KeyRing, tokens: Tokens, required: bool) -> None:
        self._ring, self._tokens, self.required = ring, tokens, required

    def claim(self, headers: Headers) -> Claim:
        """Whom a request claims to come from; a token is verified here, a key is not yet."""
        if not self.required:
            return Claim()
        try:
            credential = _credential(headers)
            if credential is None:
                return Claim()
            if prefix_of(credential) is not None:
                return Claim(key=credential)
            if credential.count(".") == 2 and len(credential) <= MAX_CREDENTIAL:
                return Claim(listener=self._tokens.read(credential))
        except Problem as problem:
            return Claim(refused=problem)
        return Claim(refused=unauthorised("unknown_key", "this is neither a key nor a token of this service"))

    def remembered(self, claim: Claim) -> ApiKey | None:
        """The key of a claim, if this process has seen it."""
        return self._ring.remembered(claim.key) if claim.key is not None else None

    async def caller(self, claim: Claim) -> Caller:
        """Who it is; what opens nothing is kept as the reason, since public routes answer anyway."""
        try:
            if claim.key is not None:
                return _holder(_valid(await self._ring.find(claim.key)))
            if claim.listener is not None:
                _valid(await self._ring.by_prefix(claim.listener.issuer))
                return claim.listener
        except Problem as problem:
            return Anybody(refused=problem)
        except PostgresUnavailable as error:
            return Anybody(refused=unavailable(error))
        return Anybody(may_ask=not self.required, refused=claim.refused)


class Admission:
    """ASGI middleware; puts the caller into the request's state, or answers 429."""

    def __init__(self, app: ASGIApp, identities: Identities, rates: Rates) -> None:
        self._app, self._identities, self._rates = app, identities, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        claim = self._identities.claim(Headers(scope=scope))
        decision = None if scope["path"] in UNLIMITED else await self._counted(claim, scope)
        scope.setdefault("state", {})["rate"] = decision
        answer = _Answer(scope, send, decision)
        if decision is not None and not decision.allowed:
            await decision.problem().response(str(scope["state"].get("request_id", "")))(scope, receive, answer.send)
            return
        scope["state"]["caller"] = await self._identities.caller(claim)
        await self._app(scope, receive, answer.send)

    async def _counted(self, claim: Claim, scope: Scope) -> Decision | None:
        """By key or listener where they are known, else by address: a lookup costs a query, so guessing is limited too."""
        key = self._identities.remembered(claim)
        listener = claim.listener.user_id if claim.listener is not None else key.user_id if key is not None else None
        if listener is not None:
            return await self._rates.of_listener(listener)
        if key is not None:
            return await self._rates.of_key(key.prefix)
        address = scope["client"][0] if scope.get("client") else ""
        if not self._identities.required and _is_own(address):
            return None
        return await self._rates.of_address(_network(address))


class _Answer:
    """Adds the rate to an answer's headers, and keeps back that of a route which forgot to look whose data it is."""

    def __init__(self, scope: Scope, send: Send, decision: Decision | None) -> None:
        self._scope, self._send = scope, send
        self._headers = decision.headers() if decision is not None else {}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] < 400 and self._scope["state"].get("owner_checked") is False:
                raise AssertionError(f"{self._scope['path']} answered without check_owner")
            MutableHeaders(scope=message).update(self._headers)
        await self._send(message)


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


def _holder(key: ApiKey) -> KeyHolder | Listener:
    return KeyHolder(key) if key.user_id is None else Listener(key.user_id, key.scopes - {"admin"}, key.prefix)


def _is_own(address: str) -> bool:
    """Whether it is this machine's; empty for a socket file."""
    return not address or (_parsed(address) or ipaddress.ip_address("192.0.2.1")).is_loopback


def _network(address: str) -> str:
    """An IPv6 client has a whole /64 to choose addresses from, so that is what is counted."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
