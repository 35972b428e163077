"""`segue serve` and where it listens."""

from __future__ import annotations

import pytest

from api.commands import require_safe
from segue.errors import ConfigurationError
from segue.settings import Settings

REMOTE = ["0.0.0.0", "::", "192.168.1.5", "example.org", ""]  # noqa: S104 - addresses to be refused


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_may_listen_to_itself(host: str) -> None:
    require_safe(Settings(), host)


@pytest.mark.parametrize("host", REMOTE)
def test_other_addresses_need_keys_or_a_deliberate_word(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"segue keys create.*SEGUE_API_KEYS_REQUIRED=true.*SEGUE_API_OPEN=true"):
        require_safe(Settings(), host)


@pytest.mark.parametrize("host", REMOTE)
@pytest.mark.parametrize("settings", [Settings(api_keys_required=True), Settings(api_open=True)])
def test_with_either_they_are_served(settings: Settings, host: str) -> None:
    require_safe(settings, host)
