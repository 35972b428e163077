"""`segue ui`: the listening room."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from segue.addresses import is_loopback
from segue.errors import ConfigurationError
from segue.logs import configure_logging
from segue.settings import Settings, load_settings
from ui.options import address_of, streamlit_options

ENTRY = Path(__file__).parent / "entry" / "listening_room.py"


def ui(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default SEGUE_UI_HOST, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default SEGUE_UI_PORT, 8501.")] = None,
) -> None:
    """Show the listening room in a browser until stopped; it asks the API at SEGUE_API_URL."""
    settings = load_settings()
    settings = settings.model_copy(update={"ui_host": host or settings.ui_host, "ui_port": port or settings.ui_port})
    require_safe(settings)
    if find_spec("streamlit") is None:
        raise ConfigurationError(
            "the listening room needs Streamlit: install it with `pip install 'segue[ui]'` or `make install`"
        )
    configure_logging(settings.log_level)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    typer.echo(f"listening room at {address_of(settings)}, asking the API at {settings.api_address()}")
    from streamlit.web import bootstrap

    options = streamlit_options(settings)
    bootstrap.load_config_options(options)
    bootstrap.run(str(ENTRY), False, [], options)


def require_safe(settings: Settings) -> None:
    """Raises ConfigurationError for an address that other machines reach: whoever opens the room acts with its key."""
    if settings.ui_open or is_loopback(settings.ui_host):
        return
    raise ConfigurationError(
        f"{settings.ui_host or 'the empty address'} can be reached from other machines, and the listening room asks nobody who "
        "they are: listen on 127.0.0.1 behind a proxy that asks, or set SEGUE_UI_OPEN=true where all who reach it may act in it"
    )
