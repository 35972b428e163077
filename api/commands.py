"""`segue serve`: the HTTP service."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.bootstrap import build_services
from segue.errors import ConfigurationError
from segue.logs import configure_logging
from segue.settings import load_settings

GRACE_S = 10
KEEP_ALIVE_S = 30


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default SEGUE_API_HOST, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default SEGUE_API_PORT, 8000.")] = None,
    allow_remote: Annotated[bool, typer.Option(help="Listen on an address that other machines reach.")] = False,
) -> None:
    """Answer recommendations over HTTP until stopped."""
    settings = load_settings()
    address = host or settings.api_host
    if not allow_remote:
        require_loopback(address)
    configure_logging(settings.log_level)
    app = create_app(build_services(settings))
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


def require_loopback(host: str) -> None:
    """Raises ConfigurationError for an address that other machines reach."""
    if not _is_loopback(host):
        raise ConfigurationError(
            f"{host} can be reached from other machines, and the API asks nobody who they are: put a proxy that does in front of "
            "127.0.0.1, or pass --allow-remote where the network is trusted (a container, a private network)"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
