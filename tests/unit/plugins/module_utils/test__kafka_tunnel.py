# SPDX-License-Identifier: GPL-3.0-or-later
"""The SOCKS server, spoken to byte by byte; behind it a real TCP server on loopback."""

from __future__ import annotations

import collections.abc
import os
import socket
import struct
import threading
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_routes import Target
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_tunnel import Tunnel

HELLO = b"\x05\x01\x00"


def connect_to(host: str, port: int, command: int = 1) -> bytes:
    return struct.pack("!BBBBB", 5, command, 0, 3, len(host)) + host.encode() + struct.pack("!H", port)


class Direct:
    """A forward to a port of this machine."""

    opened: t.ClassVar[list[Direct]] = []

    def __init__(self, port: int, error: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.closed = False
        self._error = error
        Direct.opened.append(self)

    def error(self) -> str:
        return self._error

    def close(self) -> None:
        self.closed = True
        self.socket.close()


@pytest.fixture
def echo() -> collections.abc.Iterator[int]:
    """The port of a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _peer = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def tunnel(echo: int, timeout: float = 5) -> Tunnel:
    return Tunnel(lambda host, port: [Target("pod", port)] if host == "known" else [], lambda target: Direct(echo), timeout)


def client(server: Tunnel) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), 5)


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def talk(server: Tunnel, request: bytes) -> tuple[socket.socket, int]:
    """A connection after a request, and the code of the answer."""
    connection = client(server)
    connection.sendall(HELLO)
    assert exactly(connection, 2) == b"\x05\x00"
    connection.sendall(request)
    answer = exactly(connection, 10)
    return connection, answer[1] if answer else -1


def test_bytes_go_both_ways_on_several_connections_at_once(echo: int) -> None:
    with tunnel(echo) as server:
        connections = [talk(server, connect_to("known", 9092)) for _number in range(5)]
        for number, (connection, code) in enumerate(connections):
            assert code == 0
            data = bytes([number]) * 300000
            sender = threading.Thread(target=connection.sendall, args=(data,))
            sender.start()
            assert exactly(connection, len(data)) == data
            sender.join()
        for connection, _code in connections:
            connection.close()
        # And once more: it reconnects.
        connection, code = talk(server, connect_to("known", 9092))
        assert code == 0
        connection.close()


REFUSED: list[tuple[bytes, int]] = [
    (connect_to("unknown", 9092), 2),
    (connect_to("example.com", 443), 2),
    (connect_to("known", 9092, command=2), 7),
    (b"\x05\x01\x00\x09", 8),
    (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", 2),
    (b"\x05\x01\x00\x04" + b"\x00" * 15 + b"\x01\x00\x50", 2),
]


@pytest.mark.parametrize(("request_", "code"), REFUSED)
def test_what_is_refused(echo: int, request_: bytes, code: int) -> None:
    with tunnel(echo) as server:
        connection, answer = talk(server, request_)
        with connection:
            assert answer == code
            assert connection.recv(1) == b"", "and the connection is closed"


@pytest.mark.parametrize("hello", [b"\x05\x01\x02", b"\x04\x01\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_clients_of_another_kind_are_sent_away(echo: int, hello: bytes) -> None:
    with tunnel(echo) as server, client(server) as connection:
        connection.sendall(hello)
        try:
            said = exactly(connection, 10)
        except ConnectionResetError:
            said = b""
        assert said in (b"\x05\xff", b"")


def test_a_client_that_says_nothing_is_sent_away(echo: int) -> None:
    with tunnel(echo, timeout=0.2) as server, client(server) as connection:
        assert connection.recv(1) == b""


def test_the_next_pod_is_tried_and_the_reasons_are_kept(echo: int) -> None:
    def opener(target: Target) -> Direct:
        if target.pod == "dead":
            raise OSError("port-forward: pod is not running")
        return Direct(echo)

    with Tunnel(lambda host, port: [Target(pod, port) for pod in host.split("-")], opener, 5) as server:
        connection, code = talk(server, connect_to("dead-alive", 9092))
        connection.close()
        assert code == 0
        connection, code = talk(server, connect_to("dead-dead", 9092))
        connection.close()
        assert code == 4
        assert server.failures == {"dead-dead:9092": "; ".join(["pod dead, port 9092: port-forward: pod is not running"] * 2)}


def test_routes_that_cannot_be_read_are_told(echo: int) -> None:
    def targets(host: str, port: int) -> list[Target]:
        raise OSError("list pods: Forbidden")

    with Tunnel(targets, lambda target: Direct(echo), 5) as server:
        connection, code = talk(server, connect_to("known", 9092))
        connection.close()
        assert code == 1
        assert server.failures == {"known:9092": "known:9092: where it leads cannot be found out: list pods: Forbidden"}


def test_what_no_second_attempt_mends_is_told(echo: int) -> None:
    def opener(target: Target) -> Direct:
        raise PermissionError("get and create pods/portforward: Forbidden") if target.port == 9093 else OSError("pod is not running")

    with Tunnel(lambda host, port: [Target("pod", port)], opener, 5) as server:
        for port, forbidden in ((9092, ""), (9093, "get and create pods/portforward: Forbidden")):
            connection, _code = talk(server, connect_to("known", port))
            connection.close()
            assert server.forbidden == forbidden


def test_a_pod_that_closes_with_an_error_is_told(echo: int) -> None:
    with Tunnel(lambda host, port: [Target("pod", port)], lambda target: Direct(echo, "connection refused in the pod"), 5) as server:
        connection, _code = talk(server, connect_to("known", 9092))
        with connection:
            Direct.opened[-1].socket.shutdown(socket.SHUT_RDWR)
            assert connection.recv(1) == b""
        assert server.failures == {"known:9092": "connection refused in the pod"}


def test_an_opener_that_hangs_holds_up_nobody_else(echo: int) -> None:
    release = threading.Event()

    def opener(target: Target) -> Direct:
        if target.port == 1:
            release.wait(30)
        return Direct(echo)

    with Tunnel(lambda host, port: [Target("pod", port)], opener, 0.3) as server:
        hanging = client(server)
        hanging.sendall(HELLO + connect_to("known", 1))
        connection, code = talk(server, connect_to("known", 2))
        connection.close()
        assert code == 0
        assert exactly(hanging, 12)[3] == 4
        assert "no connection within 0.3 s" in server.failures["known:1"]
        hanging.close()
        release.set()
    assert all(forward.closed for forward in Direct.opened), "even one that came too late"


def test_nothing_is_left(echo: int) -> None:
    def state() -> tuple[set[str], int]:
        return {thread.name for thread in threading.enumerate() if "kafkaops" in thread.name}, len(os.listdir("/proc/self/fd"))

    before = state()
    with tunnel(echo) as server:
        idle, code = talk(server, connect_to("known", 9092))
        half, _code = client(server), None
        assert code == 0
    # Those that are open when the tunnel closes are closed by it.
    assert idle.recv(1) == b""
    assert half.recv(1) == b""
    idle.close()
    half.close()
    assert all(forward.closed for forward in Direct.opened)
    assert state()[0] == before[0] == set()
    # The echo server's end of the connection closes when it reads the end.
    deadline = threading.Event()
    for _attempt in range(50):
        if state()[1] <= before[1]:
            break
        deadline.wait(0.1)
    assert state()[1] <= before[1]
