"""Clients that hold, fill or flood connections of a real server: they are refused while others are answered."""

from __future__ import annotations

import gzip
import json
import resource
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from api.connections import SPARE_FILES, allowed_connections
from tests.unit.api.conftest import SETTINGS, World, listening

QUICK = SETTINGS.model_copy(
    update={
        "api_head_timeout_s": 0.4,
        "api_body_timeout_s": 0.4,
        "api_write_timeout_s": 0.4,
        "api_max_connections": 300,
        "api_max_head_bytes": 2_048,
        "api_max_url_bytes": 2_048,
    }
)
PATIENT = SETTINGS.model_copy(
    update={"api_head_timeout_s": 60.0, "api_body_timeout_s": 60.0, "api_request_timeout_s": 60.0, "api_max_connections": 50}
)
"""For what is not a matter of time: on a busy machine that of QUICK is over before a hundred connections are made."""
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
DEADLINE_S = 15.0


class Served:
    """A server on a port of its own."""

    def __init__(self, port: int, world: World) -> None:
        self.port, self.world = port, world

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def answers_others(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=DEADLINE_S, trust_env=False).status_code == 200

    def ended(self, reason: str) -> float:
        return self.world.metrics.registry.get_sample_value("segue_api_connections_ended_total", {"reason": reason}) or 0.0


@pytest.fixture
def served(world: World, wait_until: Callable[..., None]) -> Iterator[Served]:
    world.settings = QUICK
    with listening(world, wait_until) as base_url:
        yield Served(int(base_url.rpartition(":")[2]), world)


def everything(connection: socket.socket) -> bytes:
    """What comes until the server closes; a reset is an end too."""
    found = b""
    try:
        while chunk := connection.recv(65_536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


def code_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), str(json.loads(body)["code"])


@contextmanager
def dripping(connections: list[socket.socket]) -> Iterator[None]:
    """A byte of a header to each connection, again and again."""
    stopped = threading.Event()

    def drip() -> None:
        while not stopped.wait(0.02):
            for connection in connections:
                try:
                    connection.send(b"x")
                except OSError:
                    continue

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(DEADLINE_S)


def test_slow_heads_are_ended_while_others_are_answered(served: Served, wait_until: Callable[..., None]) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(served.connect()) for _ in range(50)]
        for connection in connections:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        with dripping(connections):
            assert served.answers_others()
            wait_until(lambda: served.ended("head_timeout") == 50, DEADLINE_S, "the end of all slow heads")
        assert served.answers_others()


def test_a_slow_head_is_told_why(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert code_of(everything(connection)) == (408, "head_timeout")


def test_who_says_nothing_is_ended(served: Served) -> None:
    with served.connect() as connection:
        assert everything(connection) == b""
    assert served.ended("silent") == 1


def test_a_kept_connection_may_pause_longer_than_a_head_may_take(served: Served) -> None:
    with served.connect() as connection:
        for _ in range(2):
            connection.sendall(GET)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            assert select.select([connection], [], [], 3 * QUICK.api_head_timeout_s)[0] == []


def test_the_next_slow_head_of_a_kept_connection_is_ended_too(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(GET)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HT")
        assert code_of(everything(connection)) == (408, "head_timeout")


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(GET + b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = everything(connection)
        assert found.index(b"HTTP/1.1 200") < found.index(b"HTTP/1.1 404")


@pytest.mark.parametrize("framing", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_slow_body_is_ended(served: Served, framing: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(POST + framing)
        assert served.answers_others()
        assert code_of(everything(connection)) == (408, "body_timeout")


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_gigabyte_is_refused_early(served: Served, framing: bytes) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    sent = 0
    with served.connect() as connection:
        connection.sendall(POST + framing)
        try:
            while sent < 1_000_000_000:
                sent += connection.send(chunk)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert served.answers_others()
    assert sent < 50_000_000
    assert 'status="413"' in served.world.metrics.exposition().decode()


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 3_000 + b"\r\n\r\n", (431, "head_too_large")),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 500 + b"\r\n", (431, "head_too_large")),
        (b"GET /" + b"x" * 3_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414, "url_too_long")),
        (POST + b"X-Big: " + b"x" * 3_000 + b"\r\nContent-Length: 2\r\n\r\n{}", (431, "head_too_large")),
    ],
)
def test_heads_and_urls_are_bounded(served: Served, request_bytes: bytes, expected: tuple[int, str]) -> None:
    with served.connect() as connection:
        connection.sendall(request_bytes)
        assert code_of(everything(connection)) == expected


def test_an_endless_header_is_refused_while_it_comes(served: Served) -> None:
    sent = 0
    with served.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Big: ")
        try:
            while sent < 1_000_000_000:
                sent += connection.send(b"x" * 65_536)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 50_000_000
    assert served.ended("head_too_large") == 1


def test_a_large_body_in_one_piece_with_its_head_is_no_large_head(served: Served) -> None:
    body = b'{"type": "play", "user_id": "ann", "track_id": "t1"}' + b" " * 9_000
    with served.connect() as connection:
        connection.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert everything(connection).startswith(b"HTTP/1.1 202")


def test_an_answer_that_nobody_reads_is_given_up(served: Served, wait_until: Callable[..., None]) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(DEADLINE_S)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        assert served.answers_others()
        wait_until(lambda: served.ended("unread_answer") == 1, DEADLINE_S, "the end of the connection")


def test_a_flood_of_idle_connections_pushes_out_only_idle_ones(served: Served, wait_until: Callable[..., None]) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, soft - QUICK.api_max_connections - 500)
    with ExitStack() as stack:
        working = stack.enter_context(served.connect())
        working.sendall(POST + b"Content-Length: 52\r\n\r\n")
        for number in range(count):
            stack.enter_context(served.connect())
            if number % 1_000 == 0:
                assert served.answers_others()
        assert served.answers_others()
        ended = served.ended("too_many") + served.ended("silent")
        assert ended >= count - QUICK.api_max_connections
    print(f"{count} idle connections")


def test_a_request_under_way_is_not_pushed_out(world: World, wait_until: Callable[..., None]) -> None:
    world.settings = PATIENT
    body = b'{"type": "play", "user_id": "ann", "track_id": "t1"}'
    asked = POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with listening(world, wait_until) as base_url, ExitStack() as stack:
        served = Served(int(base_url.rpartition(":")[2]), world)
        working = stack.enter_context(served.connect())
        working.sendall(asked)
        # Told when its body is read: before that it may be one of the idle.
        assert working.recv(65_536).startswith(b"HTTP/1.1 100 ")
        for _ in range(2 * PATIENT.api_max_connections):
            stack.enter_context(served.connect())
        wait_until(lambda: served.ended("too_many") == PATIENT.api_max_connections + 1, DEADLINE_S, "the end of the oldest ones")
        working.sendall(body)
        assert everything(working).startswith(b"HTTP/1.1 202")


def test_deep_json_is_refused(served: Served) -> None:
    for body in (b"[" * 9_000, b'{"a":' * 1_500 + b"1" + b"}" * 1_500):
        answer = httpx.post(
            f"http://127.0.0.1:{served.port}/events", content=body, headers={"content-type": "application/json"}, trust_env=False
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "json_too_deep")


def test_a_compressed_body_is_not_unfolded(served: Served) -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = httpx.post(f"http://127.0.0.1:{served.port}/events", content=bomb, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")


def test_a_process_leaves_itself_files_for_its_servers() -> None:
    assert allowed_connections(1_000, lambda: 20_000) == 1_000
    assert allowed_connections(1_000, lambda: 1_024) == 1_024 - SPARE_FILES
    assert allowed_connections(1_000, lambda: 100) == 1
