"""Ports on loopback: the usual ones when they are free, others when not, and the same ones from then on."""

from __future__ import annotations

import socket
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"

PREFERRED_PORTS: Mapping[str, int] = {
    "kafka": 9092,
    "kafka-controller": 19093,
    "postgres": 15432,
    "redis": 16379,
    "api": 8000,
    "ui": 8501,
    "trainer": 9500,
}
FIRST_WORKER_PORT = 9501
"""Metrics of process-1, then one port for each further worker."""


class PortClaims:
    """Ports that this process has chosen, kept from other stacks that start at the same moment.

    A claim is an abstract Unix socket named after the port: it blocks nobody who binds the TCP port and ends with its process.
    """

    def __init__(self) -> None:
        self._claims: dict[int, socket.socket] = {}

    def choose(self, wanted: int | None) -> int:
        """Claim `wanted` if it is free, else any free port."""
        if wanted and self.claim(wanted):
            return wanted
        while True:
            port = any_free_port()
            if self.claim(port):
                return port

    def claim(self, port: int) -> bool:
        """True if nobody listens on the port and no other stack has claimed it."""
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0segue-port-{port}")
        except OSError:
            claim.close()
            return False
        if not is_free(port):
            claim.close()
            return False
        self._claims[port] = claim
        return True

    def release(self) -> None:
        """Give all claims back."""
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()


def choose_ports(names: Mapping[str, int], remembered: Mapping[str, int], claims: PortClaims) -> dict[str, int]:
    """A free port for each name: the remembered one first, then the preferred one (0: any), then any."""
    chosen = {}
    for name, preferred in names.items():
        kept = remembered.get(name)
        chosen[name] = kept if kept and claims.claim(kept) else claims.choose(preferred)
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now; ports in TIME_WAIT count as free, as they do for servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port that the system says is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_listening(port: int, timeout_s: float = 0.2) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(timeout_s)
        return probe.connect_ex((LOOPBACK, port)) == 0
