"""Ports are kept when they are free and moved when they are not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from infra.local.ports import LOOPBACK, PortClaims, any_free_port, choose_ports, is_free, is_listening


@pytest.fixture
def claims() -> Iterator[PortClaims]:
    """Claims of one stack."""
    made = PortClaims()
    yield made
    made.release()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen(8)
        yield other.getsockname()[1]


def test_takes_the_preferred_port_when_it_is_free(claims: PortClaims) -> None:
    port = any_free_port()
    assert choose_ports({"kafka": port}, {}, claims) == {"kafka": port}


def test_keeps_the_remembered_port_over_the_preferred_one(claims: PortClaims) -> None:
    remembered, preferred = any_free_port(), any_free_port()
    assert choose_ports({"kafka": preferred}, {"kafka": remembered}, claims) == {"kafka": remembered}


def test_moves_when_somebody_else_listens_there(claims: PortClaims, taken_port: int) -> None:
    chosen = choose_ports({"kafka": taken_port}, {"kafka": taken_port}, claims)
    assert chosen["kafka"] != taken_port
    assert is_free(chosen["kafka"])


def test_two_stacks_that_start_together_do_not_choose_the_same_port(claims: PortClaims) -> None:
    port, other = any_free_port(), PortClaims()
    choose_ports({"kafka": port}, {}, claims)
    assert choose_ports({"kafka": port}, {}, other)["kafka"] != port
    other.release()


def test_a_released_claim_can_be_taken_again(claims: PortClaims) -> None:
    port = any_free_port()
    claims.choose(port)
    claims.release()
    assert claims.choose(port) == port


def test_a_port_with_a_listener_is_seen_as_such(taken_port: int) -> None:
    assert is_listening(taken_port)
    assert not is_free(taken_port)
