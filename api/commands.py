"""`segue serve`: the HTTP service."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.bootstrap import build_services
from api.connections import Limits, allowed_connections, bounded
from api.metrics import Metrics
from segue.addresses import is_loopback
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
    services = build_services(settings)
    app = create_app(services)
    uvicorn.Server(server_config(app, settings, services.metrics, address, settings.api_port if port is None else port)).run()


def server_config(app: FastAPI, settings: Settings, metrics: Metrics, host: str, port: int) -> uvicorn.Config:
    """uvicorn as Segue runs it, with every bound of a connection. Raises ConfigurationError."""
    if (settings.api_tls_certificate is None) != (settings.api_tls_key is None):
        raise ConfigurationError("set both of SEGUE_API_TLS_CERTIFICATE and SEGUE_API_TLS_KEY, or neither")
    limits = Limits(
        connections=allowed_connections(settings.api_max_connections),
        head_timeout_s=settings.api_head_timeout_s,
        write_timeout_s=settings.api_write_timeout_s,
        head_bytes=settings.api_max_head_bytes,
        url_bytes=settings.api_max_url_bytes,
        metrics=metrics,
    )
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=bounded(limits),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.api_trusted_proxies,
        ssl_certfile=settings.api_tls_certificate,
        ssl_keyfile=settings.api_tls_key,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def require_safe(settings: Settings, host: str) -> None:
    """Raises ConfigurationError for an address that other machines reach while nobody is asked who they are."""
    if settings.api_keys_required or settings.api_open or is_loopback(host):
        return
    raise ConfigurationError(
        f"{host or 'the empty address'} can be reached from other machines, and the API asks nobody for a key. Make one with "
        "`segue keys create --name … --scopes read,events` and set SEGUE_API_KEYS_REQUIRED=true; or listen on 127.0.0.1; or set "
        "SEGUE_API_OPEN=true where all who can reach it may read and write everything (a container behind a proxy that asks)"
    )
