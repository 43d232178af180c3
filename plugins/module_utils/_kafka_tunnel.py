# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""A SOCKS5 server on loopback whose connections end in pods. Private to the collection.

RFC 1928, the CONNECT command without authentication. It serves loopback only, and only those hosts that its routes
know; everything else is refused, so that it is no proxy to anywhere else.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ipaddress
import socket
import struct
import threading
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_routes import Target

VERSION, NO_AUTHENTICATION, NOT_ACCEPTABLE, CONNECT = 5, 0, 0xFF, 1
SUCCEEDED, FAILURE, NOT_ALLOWED, UNREACHABLE, NO_SUCH_COMMAND, NO_SUCH_ADDRESS_TYPE = 0, 1, 2, 4, 7, 8
IPV4, NAME, IPV6 = 1, 3, 4
PARALLEL = 16
"""How many forwards may be in the making at once."""

TURNS = 5
"""Turns of the event loop that accepting or closing a connection takes, with room to spare."""


class Forward(t.Protocol):
    """An open connection to a port of a pod."""

    @property
    def socket(self) -> socket.socket:
        """What goes into it comes out of the pod's port."""

    def error(self) -> str:
        """What the other end said when it closed the connection, or nothing."""

    def close(self) -> None:
        """Close it and all that belongs to it."""


Opener = t.Callable[[Target], Forward]
"""Opens a connection to a port of a pod within its own time limit, or raises ``OSError``."""


class Refused(Exception):
    """A request that is answered with a SOCKS error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Tunnel:
    """The server, in a thread of its own; use as a context manager.

    ``targets``: the pods to try for a host and port, none where it must not be reached; may raise ``OSError``. ``timeout``: seconds for the
    handshake of a client and for each forward. ``url`` is for clients; ``failures`` has the reason of the last
    failure by ``host:port``. ``forbidden``: why trying again cannot help, empty unless a ``PermissionError`` was raised.
    """

    def __init__(self, targets: t.Callable[[str, int], list[Target]], opener: Opener, timeout: float = 10) -> None:
        self._targets = targets
        self._opener = opener
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="kafkaops-tunnel", daemon=True)
        self._workers = concurrent.futures.ThreadPoolExecutor(PARALLEL, thread_name_prefix="kafkaops-forward")
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.failures: dict[str, str] = {}
        self.forbidden = ""

    @property
    def url(self) -> str:
        """The server for a client that lets the proxy resolve names."""
        return f"socks5h://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Tunnel:
        self._thread.start()
        self._serving.wait()
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        # What is still opening ends by its own time limit.
        self._workers.shutdown(wait=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._client, sock=self._listening)
        self._serving.set()
        await self._stop.wait()
        # A connection that was just accepted takes some turns to become one of the tasks, and is lost to Python 3.11
        # where the server closes before.
        self._loop.remove_reader(self._listening)
        await self._turns()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._turns()  # transports close in the turn after that in which they were told to

    async def _turns(self) -> None:
        for _turn in range(TURNS):
            await asyncio.sleep(0)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass  # the client went away or was too slow
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if not peer or not ipaddress.ip_address(peer[0]).is_loopback:
            return
        place = ""
        try:
            host, port = await asyncio.wait_for(self._request(reader, writer), self._timeout)
            place = f"{host}:{port}"
            forward = await self._open(host, port)
        except Refused as refusal:
            if place:
                self.failures[place] = str(refusal)
            writer.write(_reply(refusal.code))
            await writer.drain()
            return
        try:
            writer.write(_reply(SUCCEEDED))
            await self._pump(reader, writer, forward)
            if forward.error():
                self.failures[place] = forward.error()
        finally:
            forward.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
        """Greeting and request of a client; the host and port that it asks for."""
        version, count = await reader.readexactly(2)
        # Whoever speaks another protocol does not send what follows.
        if version != VERSION or NO_AUTHENTICATION not in await reader.readexactly(count):
            writer.write(bytes((VERSION, NOT_ACCEPTABLE)))
            raise ConnectionError("no SOCKS5 client, or one that insists on authentication")
        writer.write(bytes((VERSION, NO_AUTHENTICATION)))
        version, command, _reserved, kind = await reader.readexactly(4)
        if kind == NAME:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii", "replace")
        elif kind in (IPV4, IPV6):
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == IPV4 else 16)))
        else:
            raise Refused(NO_SUCH_ADDRESS_TYPE, f"address type {kind} is unknown")
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        if command != CONNECT:
            raise Refused(NO_SUCH_COMMAND, f"command {command} is not served")
        return host, port

    async def _open(self, host: str, port: int) -> Forward:
        try:
            # It may have to ask the API server.
            targets = await asyncio.wait_for(asyncio.wrap_future(self._workers.submit(self._targets, host, port)), self._timeout)
        except (OSError, asyncio.TimeoutError) as error:
            self._note(error)
            raise Refused(FAILURE, f"{host}:{port}: where it leads cannot be found out: {error or 'no answer in time'}") from None
        if not targets:
            raise Refused(NOT_ALLOWED, f"{host}:{port} is no address of this cluster's brokers that is known here")
        reasons = []
        for target in targets:
            opening = self._workers.submit(self._opener, target)
            try:
                return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(opening)), self._timeout)
            except asyncio.TimeoutError:
                opening.add_done_callback(_close_late)
                reasons.append(f"{target}: no connection within {self._timeout:g} s")
            except asyncio.CancelledError:
                opening.add_done_callback(_close_late)
                raise
            except OSError as error:
                self._note(error)
                reasons.append(f"{target}: {error}")
        raise Refused(UNREACHABLE, "; ".join(reasons))

    def _note(self, error: Exception) -> None:
        if isinstance(error, PermissionError):
            self.forbidden = str(error)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, forward: Forward) -> None:
        """Carry bytes both ways until one side closes."""
        far_reader, far_writer = await asyncio.open_connection(sock=forward.socket)
        both = [asyncio.ensure_future(_copy(reader, far_writer)), asyncio.ensure_future(_copy(far_reader, writer))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            far_writer.transport.abort()
            raise
        finally:
            for each in both:
                each.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        data = await reader.read(1 << 16)
        if not data:
            return
        writer.write(data)
        await writer.drain()


def _close_late(opening: concurrent.futures.Future[Forward]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _reply(code: int) -> bytes:
    # The bound address means nothing to the client of a tunnel.
    return struct.pack("!BBBB4sH", VERSION, code, 0, IPV4, b"\0" * 4, 0)
