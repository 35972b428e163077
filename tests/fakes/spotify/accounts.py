"""The accounts service: PKCE, refreshing and client credentials."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.fakes.spotify.reply import Reply

SCOPES = "user-library-read playlist-read-private playlist-read-collaborative user-top-read user-read-recently-played"


@dataclass
class Accounts:
    """`grants`: what was asked for, in order; access tokens live until `expire`."""

    client_id: str = "0123456789abcdef0123456789abcdef"
    client_secret: str = "s3cr3t-of-the-application"
    grants: list[str] = field(default_factory=list)
    declines: bool = False
    """Whether the person says no."""
    _access: dict[str, str] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _count: int = 0

    def expire(self) -> None:
        """No access token that was given out is taken any more."""
        self._access.clear()

    def revoke(self) -> None:
        """No refresh token either."""
        self.expire()
        self._refresh.clear()

    def grant_of(self, authorization: str) -> str | None:
        """`person` or `application`, None for a token that is not valid."""
        return self._access.get(authorization.removeprefix("Bearer "))

    def log_in(self) -> dict[str, object]:
        """A person's token as spotipy caches it."""
        token = self._token("person") | {"refresh_token": self._new_refresh_token()}
        return token | {"expires_at": 32_503_680_000}

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], form: Mapping[str, str]) -> Reply:
        """What a request gets."""
        if path == "authorize":
            return self._authorize(query)
        if path != "api/token":
            return Reply(404, "Not Found")
        self.grants.append(form.get("grant_type", ""))
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form)
            case "refresh_token":
                return self._refreshed(form)
            case "client_credentials":
                return self._application(headers)
        return _error("unsupported_grant_type")

    def _authorize(self, query: Mapping[str, str]) -> Reply:
        if query.get("client_id") != self.client_id:
            return Reply(400, "INVALID_CLIENT: Invalid client")
        code = self._next("code")
        self._codes[code] = (query["code_challenge"], query["redirect_uri"])
        said = {"error": "access_denied"} if self.declines else {"code": code}
        return Reply(302, "", {"Location": f"{query['redirect_uri']}?{urlencode(said | {'state': query['state']})}"})

    def _exchange(self, form: Mapping[str, str]) -> Reply:
        challenge, redirect_uri = self._codes.pop(form["code"], ("", ""))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if form["client_id"] != self.client_id or proof != challenge or form["redirect_uri"] != redirect_uri:
            return _error("invalid_grant")
        return Reply(200, self._token("person") | {"refresh_token": self._new_refresh_token()})

    def _refreshed(self, form: Mapping[str, str]) -> Reply:
        # Spotify gives no new refresh token with PKCE any more.
        return Reply(200, self._token("person")) if form["refresh_token"] in self._refresh else _error("invalid_grant")

    def _application(self, headers: Mapping[str, str]) -> Reply:
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if headers.get("Authorization") != f"Basic {expected}":
            return _error("invalid_client")
        return Reply(200, self._token("application"))

    def _token(self, grant: str) -> dict[str, object]:
        token = self._next("access")
        self._access[token] = grant
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": SCOPES if grant == "person" else ""}

    def _new_refresh_token(self) -> str:
        token = self._next("refresh")
        self._refresh.add(token)
        return token

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-t0ken-{self._count:04d}-{'x' * 40}"


def _error(name: str) -> Reply:
    return Reply(400, {"error": name, "error_description": f"{name} of the made-up Spotify"})
