"""How Streamlit is set up: offline, for this machine, with colours that everybody can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.addresses import is_loopback
from segue.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERY = "*"
SCHEMES = ("https", "http")
LIGHT = {"primaryColor": "#0b5cad", "backgroundColor": "#ffffff", "secondaryBackgroundColor": "#f1f3f7", "textColor": "#12151c"}
DARK = {"primaryColor": "#a5cdf8", "backgroundColor": "#101319", "secondaryBackgroundColor": "#1c212b", "textColor": "#f2f4f8"}


def streamlit_options(settings: Settings) -> dict[str, Any]:
    """Streamlit's options by the names of its flags. Nothing is fetched from or told to other machines."""
    return {
        "browser_gatherUsageStats": False,
        "client_showErrorDetails": "none",
        "client_showErrorLinks": False,
        "client_toolbarMode": "viewer",
        "logger_hideWelcomeMessage": True,
        "server_address": settings.ui_host,
        "server_allowedHosts": allowed_hosts(settings),
        "server_corsAllowedOrigins": [f"{scheme}://{name}" for name in named_hosts(settings) for scheme in SCHEMES],
        "server_fileWatcherType": "none",
        "server_headless": True,
        "server_port": settings.ui_port,
        "theme_headingFontSizes": ["2rem", "1.4rem", "1.2rem"],
        # Without it, Streamlit asks a server on the internet for the address of this machine.
        "browser_serverAddress": _shown_host(settings.ui_host),
    } | {f"theme_{theme}_{name}": colour for theme, colours in _THEMES.items() for name, colour in colours.items()}


def allowed_hosts(settings: Settings) -> list[str]:
    """Names in the Host header of a browser: others are pages that made their own name point here (DNS rebinding)."""
    named = named_hosts(settings)
    # An open room without names is reached by the machine's addresses; the Origin of a browser is looked at all the same.
    return [EVERY] if settings.ui_open and not named else [*LOOPBACK, *named]


def named_hosts(settings: Settings) -> list[str]:
    """The names of SEGUE_UI_ALLOWED_HOSTS."""
    return [one.strip() for one in settings.ui_allowed_hosts.split(",") if one.strip()]


def address_of(settings: Settings) -> str:
    """Where a browser on this machine finds the room."""
    return f"http://{_shown_host(settings.ui_host)}:{settings.ui_port}"


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host and is_loopback(host) else host


_THEMES: Mapping[str, Mapping[str, str]] = {"light": LIGHT, "dark": DARK}
