"""Listeners' tokens: JSON Web Tokens (RFC 7519) signed with HS256, for one listener's own data and a limited time.

The algorithm is ours, not the token's: `none` and every other one is refused. `kid` chooses among the secrets, so that a new one
can be put in front while tokens of the old one live out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from api.access.callers import Listener, unauthorised
from api.problems import Problem
from segue.api_keys import SCOPES, ApiKey, Scope
from segue.errors import ConfigurationError, InvalidEvent
from segue.events import check_id

ALGORITHM = "HS256"
ISSUER = "segue"
AUDIENCE = "segue-api"
LEEWAY_S = 5
"""How far the clocks of two API processes may differ."""
MIN_SECRET = 32
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "scope", "key"]
_KID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Issued:
    """A token and when it ends."""

    token: str
    expires_at: datetime


class Tokens:
    """Issues with the first secret, accepts all of them. Without secrets there are no tokens."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = dict(secrets)

    @classmethod
    def from_setting(cls, text: str | None) -> Tokens:
        """From `id:secret[,id:secret]`. Raises ConfigurationError, which never quotes a secret."""
        secrets: dict[str, str] = {}
        for number, part in enumerate((text or "").split(",") if text else [], 1):
            kid, _, secret = part.strip().partition(":")
            if not _KID.fullmatch(kid) or len(secret) < MIN_SECRET or kid in secrets:
                raise ConfigurationError(
                    f"SEGUE_API_TOKEN_KEYS: entry {number} is not id:secret with an id of its own and a secret of at least "
                    f"{MIN_SECRET} characters: `segue keys token-secret` makes one"
                )
            secrets[kid] = secret
        return cls(secrets)

    def issue(self, user_id: str, issuer: ApiKey, life_s: int) -> Issued:
        """A token for a listener, with no more rights than its issuer has. Raises Problem 409 without a signing secret."""
        if not self._secrets:
            raise Problem(409, "tokens_not_configured", "this service signs no tokens: set SEGUE_API_TOKEN_KEYS")
        now = datetime.now(UTC).replace(microsecond=0)
        ends = now + timedelta(seconds=life_s)
        if issuer.expires_at is not None:
            ends = min(ends, issuer.expires_at.replace(microsecond=0))
        scopes = [scope for scope in ("read", "events") if issuer.allows(scope)]
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "iat": now, "exp": ends, "scope": " ".join(scopes),
            "key": issuer.prefix,
        }  # fmt: skip
        kid, secret = next(iter(self._secrets.items()))
        return Issued(jwt.encode(claims, secret, ALGORITHM, headers={"kid": kid}), ends)

    def read(self, token: str) -> Listener:
        """The listener of a token. Raises Problem 401; whether the issuing key still holds is the caller's question."""
        try:
            secret = self._secrets.get(str(jwt.get_unverified_header(token).get("kid")), "")
            if not secret:
                raise unauthorised("invalid_token", "this token was signed with a secret that is not in use: ask for a new one")
            claims = jwt.decode(
                token, secret, [ALGORITHM], audience=AUDIENCE, issuer=ISSUER, leeway=LEEWAY_S, options={"require": _REQUIRED}
            )
            check_id("sub", claims["sub"])
        except jwt.ExpiredSignatureError:
            raise unauthorised("expired_token", "this token has expired: ask for a new one") from None
        except (jwt.InvalidTokenError, InvalidEvent):
            raise unauthorised("invalid_token", "this is no token of this service: ask POST /tokens for one") from None
        return Listener(claims["sub"], _scopes(str(claims["scope"])), str(claims["key"]))


def _scopes(text: str) -> frozenset[Scope]:
    named = text.split()
    return frozenset(scope for scope in SCOPES if scope in named and scope != "admin")
