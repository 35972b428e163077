"""`segue serve`: the HTTP service."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import typer
import uvicorn
from threadpoolctl import threadpool_limits

from api.app import create_app
from api.bootstrap import build_services
from segue.errors import ConfigurationError
from segue.logs import configure_logging
from segue.settings import Settings, load_settings

GRACE_S = 10
KEEP_ALIVE_S = 30


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default SEGUE_API_HOST, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default SEGUE_API_PORT, 8000.")] = None,
) -> None:
    """Answer recommendations over HTTP until stopped."""
    settings = load_settings()
    address = host or settings.api_host
    require_safe(settings, address)
    configure_logging(settings.log_level)
    app = create_app(build_services(settings))
    # Answers are scored side by side; BLAS threads below them would only contend.
    threadpool_limits(limits=1, user_api="blas")
    uvicorn.run(
        app,
        host=address,
        port=settings.api_port if port is None else port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def require_safe(settings: Settings, host: str) -> None:
    """Raises ConfigurationError for an address that other machines reach while nobody is asked who they are."""
    if settings.api_keys_required or settings.api_open or _is_loopback(host):
        return
    raise ConfigurationError(
        f"{host or 'the empty address'} can be reached from other machines, and the API asks nobody for a key. Make one with "
        "`segue keys create --name … --scopes read,events` and set SEGUE_API_KEYS_REQUIRED=true; or listen on 127.0.0.1; or set "
        "SEGUE_API_OPEN=true where all who can reach it may read and write everything (a container behind a proxy that asks)"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
