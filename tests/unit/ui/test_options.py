"""Where the room listens, under which names, and that it stays offline."""

from __future__ import annotations

import os

import pytest
from streamlit import config

from segue.errors import ConfigurationError
from segue.settings import Settings
from ui.commands import require_safe
from ui.options import address_of, allowed_hosts, streamlit_options

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults are meant, whatever runs or is set on this machine."""
    for name in [name for name in os.environ if name.startswith("SEGUE_")]:
        monkeypatch.delenv(name)


def test_streamlit_knows_every_option() -> None:
    known = set(config.get_config_options())
    assert {name.replace("_", ".") for name in streamlit_options(Settings())} <= known


def test_nothing_is_told_to_others_and_no_trace_is_shown() -> None:
    options = streamlit_options(Settings())
    assert (options["browser_gatherUsageStats"], options["client_showErrorDetails"]) == (False, "none")
    assert (options["server_address"], options["server_port"]) == ("127.0.0.1", 8501)


def test_the_key_is_in_no_option_and_not_shown() -> None:
    settings = Settings(ui_key="segue_secret")
    assert "segue_secret" not in repr(settings)
    assert "segue_secret" not in repr(streamlit_options(settings))


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        (Settings(), ["localhost", "127.0.0.1", "::1"]),
        (Settings(ui_allowed_hosts="radio.example, r2"), ["localhost", "127.0.0.1", "::1", "radio.example", "r2"]),
        (Settings(ui_open=True), ["*"]),
        (Settings(ui_open=True, ui_allowed_hosts="radio.example"), ["localhost", "127.0.0.1", "::1", "radio.example"]),
    ],
)
def test_names_of_the_host(settings: Settings, hosts: list[str]) -> None:
    assert allowed_hosts(settings) == hosts


def test_named_hosts_are_origins_too() -> None:
    assert streamlit_options(Settings(ui_allowed_hosts="radio.example"))["server_corsAllowedOrigins"] == [
        "https://radio.example",
        "http://radio.example",
    ]
    assert streamlit_options(Settings())["server_corsAllowedOrigins"] == []


def test_an_address_for_everybody_must_be_wanted() -> None:
    with pytest.raises(ConfigurationError, match="SEGUE_UI_OPEN=true"):
        require_safe(Settings(ui_host=EVERYWHERE))
    require_safe(Settings(ui_host=EVERYWHERE, ui_open=True))
    require_safe(Settings(ui_host="::1"))


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:8501"), (EVERYWHERE, "http://127.0.0.1:8501"), ("::1", "http://[::1]:8501")],
)
def test_the_address_for_people(host: str, address: str) -> None:
    assert address_of(Settings(ui_host=host)) == address


def test_the_api_is_the_one_of_this_machine_unless_named() -> None:
    assert Settings(api_port=8123).api_address() == "http://127.0.0.1:8123"
    assert Settings(api_url="https://segue.example").api_address() == "https://segue.example"
