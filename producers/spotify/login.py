"""Who asks Spotify: a person who logged in (PKCE), or only the application (client credentials)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec
import requests
from spotipy.cache_handler import CacheHandler, MemoryCacheHandler
from spotipy.exceptions import SpotifyOauthError
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyPKCE

from producers.spotify.private_files import read_private, write_private
from segue.errors import ConfigurationError, LoginNeeded, SegueError, SpotifyUnavailable
from segue.settings import Settings

SCOPES = (
    "user-library-read",
    "playlist-read-private",
    "playlist-read-collaborative",
    "user-top-read",
    "user-read-recently-played",
)
LOGIN_LASTS = timedelta(days=182)
"""Refresh tokens die six months after the authorization, however often they are used."""
WARNED_FROM = timedelta(days=150)

_UNREADABLE = (KeyError, TypeError, AttributeError, ValueError)
"""What spotipy makes of an answer that is not what it expects."""


def spotify_folder(settings: Settings) -> Path:
    """Where everything about Spotify is remembered."""
    return settings.state_dir / "spotify"


class TokenFile(CacheHandler):  # type: ignore[misc]  # spotipy has no types
    """spotipy's cache of tokens: a file with mode 0600, with the time of the authorization, which refreshing does not change."""

    def __init__(self, folder: Path, name: str = "token.json") -> None:
        self.path = folder / name

    def get_cached_token(self) -> dict[str, Any] | None:
        """spotipy's token, or None."""
        raw = read_private(self.path)
        try:
            return None if raw is None else msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise LoginNeeded(f"{self.path} is broken: log in again with `segue ingest auth`") from None

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Keep a token that was fetched or refreshed."""
        known = self.get_cached_token() or {"authorized_at": time.time()}
        kept = {name: known[name] for name in ("authorized_at", "account") if name in known}
        write_private(self.path, msgspec.json.encode(kept | token_info))

    def note_account(self, account: str) -> None:
        """Remember whose login it is, by a digest."""
        write_private(self.path, msgspec.json.encode((self.get_cached_token() or {}) | {"account": account}))

    def account(self) -> str | None:
        """The digest of the account, None if it is not known."""
        found = (self.get_cached_token() or {}).get("account")
        return None if found is None else str(found)

    def forget(self) -> None:
        """Remove the token."""
        self.path.unlink(missing_ok=True)

    def authorized_at(self) -> datetime | None:
        """When the person logged in; None if nobody is."""
        found = (self.get_cached_token() or {}).get("authorized_at")
        return None if found is None else datetime.fromtimestamp(float(found), UTC)

    def warning(self, now: datetime) -> str | None:
        """What to say of a login that ends soon."""
        authorized_at = self.authorized_at()
        if authorized_at is None or now - authorized_at < WARNED_FROM:
            return None
        ends = authorized_at + LOGIN_LASTS
        return f"the login to Spotify ends about {ends:%Y-%m-%d}: run `segue ingest auth` before"


class Login(Protocol):
    """What spotipy asks for the token of each request."""

    account: str
    """Identifies whose data it is, without saying who they are."""
    personal: bool
    """Whether a person's own data can be asked for."""

    def get_access_token(self, **_: object) -> str:
        """A token that is valid now. Raises LoginNeeded, ConfigurationError or SpotifyUnavailable."""
        ...

    def renew(self) -> None:
        """Fetch another token, since Spotify did not take this one. Raises as above."""
        ...


class PersonalLogin:
    """A person's, made by `segue ingest auth`. Never asks anybody anything: without a token it raises."""

    personal = True

    def __init__(self, settings: Settings, http: requests.Session, tokens: TokenFile) -> None:
        self._tokens, self._pkce = tokens, pkce_of(settings, http, tokens)
        self.account = f"{settings.require_spotify_client_id()}/{tokens.account()}"

    def get_access_token(self, **_: object) -> str:
        """See Login."""
        info = self._tokens.get_cached_token()
        # spotipy would ask on the terminal, or wait for a browser, for ever.
        if info is None or not set(SCOPES) <= set(str(info.get("scope", "")).split()):
            raise LoginNeeded("Segue may not read this account at Spotify (yet): log in with `segue ingest auth`")
        return self._fetched(self._pkce.get_access_token)

    def renew(self) -> None:
        """See Login."""
        info = self._tokens.get_cached_token() or {}
        self._fetched(lambda: self._pkce.refresh_access_token(info.get("refresh_token"))["access_token"])

    def _fetched(self, fetch: Callable[[], object]) -> str:
        try:
            return fetched(fetch)
        except LoginNeeded:
            # spotipy would present the dead token again for ever.
            self._tokens.forget()
            raise


class ApplicationLogin:
    """The application's own: only the catalogue can be asked."""

    personal = False

    def __init__(self, settings: Settings, http: requests.Session) -> None:
        secret = settings.spotify_client_secret
        self.account = settings.require_spotify_client_id()
        self._manager = SpotifyClientCredentials(
            client_id=self.account,
            client_secret=secret.get_secret_value() if secret else None,
            requests_session=http,
            requests_timeout=settings.spotify_timeout_s,
            # The default is a file that the flows of different applications share.
            cache_handler=MemoryCacheHandler(),
        )
        self._manager.OAUTH_TOKEN_URL = _accounts(settings, "api/token")

    def get_access_token(self, **_: object) -> str:
        """See Login."""
        return self._fetched(check_cache=True)

    def renew(self) -> None:
        """See Login."""
        self._fetched(check_cache=False)

    def _fetched(self, check_cache: bool) -> str:
        return fetched(lambda: self._manager.get_access_token(as_dict=False, check_cache=check_cache))


def pkce_of(settings: Settings, http: requests.Session, tokens: TokenFile) -> SpotifyPKCE:
    """spotipy's side of a login of a person."""
    pkce = SpotifyPKCE(
        client_id=settings.require_spotify_client_id(),
        redirect_uri=f"http://127.0.0.1:{settings.spotify_redirect_port}/callback",
        scope=list(SCOPES),
        requests_session=http,
        requests_timeout=settings.spotify_timeout_s,
        cache_handler=tokens,
        open_browser=False,
    )
    pkce.OAUTH_TOKEN_URL = _accounts(settings, "api/token")
    pkce.OAUTH_AUTHORIZE_URL = _accounts(settings, "authorize")
    return pkce


def chosen_login(settings: Settings, http: requests.Session) -> Login:
    """The person's login if there is one, else the application's. Raises LoginNeeded or ConfigurationError."""
    tokens = TokenFile(spotify_folder(settings))
    if tokens.get_cached_token() is not None:
        return PersonalLogin(settings, http, tokens)
    if settings.spotify_client_secret:
        return ApplicationLogin(settings, http)
    raise LoginNeeded("nobody is logged in to Spotify: run `segue ingest auth`")


def fetched(fetch: Callable[[], object]) -> str:
    """The token that spotipy fetches. Raises LoginNeeded, ConfigurationError or SpotifyUnavailable."""
    try:
        return str(fetch())
    except SpotifyOauthError as error:
        raise oauth_error(error) from None
    except requests.RequestException as error:
        raise unreachable(error) from None
    except _UNREADABLE:
        raise SpotifyUnavailable("Spotify's accounts service gave an answer that makes no sense: try again later") from None


def oauth_error(error: SpotifyOauthError) -> SegueError:
    """What an error of the accounts service means."""
    match error.error:
        case "invalid_grant":
            return LoginNeeded("the login to Spotify has ended (it lasts six months at most): run `segue ingest auth`")
        case "invalid_client" | "unauthorized_client":
            return ConfigurationError(
                "Spotify does not know this application: check SEGUE_SPOTIFY_CLIENT_ID and SEGUE_SPOTIFY_CLIENT_SECRET"
            )
        case "access_denied":
            return LoginNeeded("the login to Spotify was declined: run `segue ingest auth` and agree")
    return SpotifyUnavailable("Spotify's accounts service refused the login without a known reason: try again later")


def unreachable(error: requests.RequestException) -> SpotifyUnavailable:
    """No answer; the error's own text may quote a URL with parameters."""
    return SpotifyUnavailable(f"Spotify does not answer ({type(error).__name__}): check the network and try again")


def _accounts(settings: Settings, path: str) -> str:
    return f"{settings.spotify_accounts_url.rstrip('/')}/{path}"
