"""`segue serve` and where it listens."""

from __future__ import annotations

import pytest

from api.commands import require_loopback
from segue.errors import ConfigurationError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_may_listen_to_itself(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104
def test_other_addresses_need_a_deliberate_word(host: str) -> None:
    with pytest.raises(ConfigurationError, match="--allow-remote"):
        require_loopback(host)
