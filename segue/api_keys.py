"""Keys of the HTTP API: what they look like, what they allow, and the digest that is stored in their place.

    segue_1f0c9a7be324_m3vQ…          name `segue`, a public prefix of 48 bits, a secret of 256 bits

A key is random, so one sha256 of it is as safe at rest as a slow password hash and costs a microsecond at every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Self, get_args

import msgspec

from segue.errors import InvalidInput
from segue.events import Time, check_id

Scope = Literal["read", "events", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_KEY = re.compile(r"segue_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_AGE = re.compile(r"([1-9][0-9]{0,4})([hd])")
MAX_NAME = 100


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the key itself is shown once and kept nowhere. Times with a zone."""

    prefix: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    user_id: str | None = None
    """The listener whose own data it opens and nothing else; None: the key of a program that speaks for every listener."""

    def allows(self, scope: Scope) -> bool:
        """Whether its scopes cover this one; `admin` covers all."""
        return scope in self.scopes or "admin" in self.scopes

    def refusal(self, now: datetime) -> Literal["revoked", "expired"] | None:
        """Why it opens nothing any more; None while it does."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else None


class KeyShown(msgspec.Struct, frozen=True):
    """What is known of a key; `listener`: whose own data it opens, null for a program's."""

    prefix: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    state: Literal["valid", "revoked", "expired"]
    listener: str | None = None

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> Self:
        """At a time."""
        scopes = tuple(sorted(key.scopes))
        state = key.refusal(now) or "valid"
        return cls(key.prefix, key.name, scopes, key.created_at, key.expires_at, key.revoked_at, state, key.user_id)


def new_key() -> str:
    """A key of 256 random bits behind its prefix."""
    return f"segue_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str | None:
    """The public part of a key; None for a text that is no key of this service."""
    found = _KEY.fullmatch(key)
    return found.group(1) if found else None


def digest_of(key: str) -> bytes:
    """What is stored of a key: its sha256."""
    return hashlib.sha256(key.encode()).digest()


def is_of(digest: bytes, key: str) -> bool:
    """Whether this digest is the key's, in constant time."""
    return hmac.compare_digest(digest, digest_of(key))


def read_scopes(names: Sequence[str]) -> frozenset[Scope]:
    """Scopes by name, several in one text apart by commas. Raises InvalidInput."""
    asked = {part.strip() for name in names for part in name.split(",") if part.strip()}
    unknown = asked - set(SCOPES)
    if unknown or not asked:
        raise InvalidInput(f"scopes are {', '.join(SCOPES)}; not {', '.join(sorted(unknown)) or 'none at all'}", "invalid_scope")
    return frozenset(scope for scope in SCOPES if scope in asked)


def check_listener(user_id: str, scopes: frozenset[Scope]) -> str:
    """The listener of a key with these scopes. Raises InvalidInput."""
    check_id("listener", user_id)
    if "admin" in scopes:
        raise InvalidInput("a listener's key opens their own data only: its scopes are read and events", "invalid_scope")
    return user_id


def read_expiry(text: str, now: datetime) -> datetime:
    """`90d`, `12h`, or a time with a zone as ISO 8601. Raises InvalidInput."""
    age = _AGE.fullmatch(text)
    if age:
        return now + timedelta(hours=int(age.group(1)) * (24 if age.group(2) == "d" else 1))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no expiry: say 90d, 12h or 2027-01-31T00:00:00Z", "invalid_expiry") from None
    if at.tzinfo is None or at <= now:
        raise InvalidInput(f"{text!r} must lie ahead and name its time zone, such as 2027-01-31T00:00:00Z", "invalid_expiry")
    return at


def check_name(name: str) -> str:
    """The name without surrounding space. Raises InvalidInput."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"a key's name has 1 to {MAX_NAME} printable characters: say who uses it", "invalid_name")
    return name
