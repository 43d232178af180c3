# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The road to Kafka: a connected admin client, directly or through a tunnel. Private to the collection.

Everything has a time limit, connection errors are tried again within it, and errors name the cluster, the node, the
operation and what Kafka said.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import ssl
import tempfile
import threading
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_client, _kafka_tunnel

CONTROLLER = "controller"
"""As the node of a request: whoever is the controller now."""

PAUSE = 0.2
"""Seconds between two attempts to connect."""

FIRST_ATTEMPT = 3.0
"""Seconds for the first attempt to connect; each further one has twice as long."""


class RoadError(Exception):
    """Something went wrong on the way to Kafka, or Kafka refused a whole request. Never contains a secret."""


class Forbidden(RoadError):
    """The API server does not let this user through: trying again does not help."""


class Unsupported(RoadError):
    """The brokers do not know the request, or have no use for it."""


class Interrupted(RoadError):
    """The connection broke while a change was under way; nobody knows yet whether it was made."""


@dataclasses.dataclass(frozen=True)
class Security:
    """How to speak to the brokers. Certificates and keys are PEM text."""

    protocol: str = "PLAINTEXT"
    ca: str = ""
    certificate: str = ""
    key: str = dataclasses.field(default="", repr=False)
    check_hostname: bool = True
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)

    def options(self) -> dict[str, t.Any]:
        """The same as options of kafka-python."""
        found: dict[str, t.Any] = {"security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            found["ssl_context"] = self._context()
        if self.protocol.startswith("SASL"):
            found.update(sasl_mechanism=self.mechanism, sasl_plain_username=self.username, sasl_plain_password=self.password)
        return found

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self.ca or None)
        except ssl.SSLError as error:
            raise RoadError(f"ssl_ca is not a PEM certificate: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self.check_hostname
        if self.certificate:
            with _private_file(f"{self.certificate.strip()}\n{self.key.strip()}\n") as path:
                try:
                    context.load_cert_chain(path)
                except ssl.SSLError as error:
                    raise RoadError(f"ssl_certificate and ssl_key are not a PEM certificate and its key: {error}") from None
        return context


@contextlib.contextmanager
def _private_file(text: str) -> t.Iterator[str]:
    """A file that only this user can read; OpenSSL loads client certificates from files alone."""
    # The file is created with mode 0600.
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            yield file.name
        finally:
            os.unlink(file.name)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where a cluster is. ``timeout``: seconds for everything together. ``cluster_id``: what it must be, where given."""

    cluster: str
    bootstrap_servers: tuple[str, ...]
    security: Security = Security()
    timeout: float = 60
    cluster_id: str = ""


HOPELESS = ("SaslAuthenticationFailed", "UnsupportedSaslMechanism", "[SSL: ", "Invalid frame length")
"""What kafka-python logs about failures that come back at every attempt."""


HUNG_UP = "socket disconnected"


class _LastWords(logging.Handler):
    """Remembers the last warnings of kafka-python, which tells some reasons only to its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("kafka.net"):
            self.words = [*self.words[-9:], record.getMessage()]

    def hopeless(self) -> bool:
        """Whether trying again cannot help."""
        hung_up = sum(HUNG_UP in words for words in self.words)
        return hung_up >= 3 or any(mark in words for words in self.words for mark in HOPELESS)

    def reason(self) -> str:
        """Why the last connection failed; what cannot mend itself counts more than what came of it."""
        # Of reasons of one kind the last one counts.
        ranked = sorted(self.words, key=lambda words: (any(mark in words for mark in HOPELESS), HUNG_UP in words))
        for words in reversed(ranked):
            _before, found, reason = words.partition("failed: ")
            if found and not words.startswith("Bootstrap failed"):
                # Kafka's answer to a wrong password is lost in the library when the connection closes with it.
                hint = ": wrong sasl_username, sasl_password or sasl_mechanism, or another security_protocol" if HUNG_UP in reason else ""
                return reason.partition(" (backoff")[0] + hint
        return ""


class Road:
    """A connection to a cluster; use as a context manager.

    ``tunnel``: where given, every connection goes through it, and the brokers' own advertised addresses need not be
    reachable, nor resolvable, from here.
    """

    def __init__(self, settings: Settings, tunnel: _kafka_tunnel.Tunnel | None = None) -> None:
        self.settings = settings
        self._tunnel = tunnel
        self._deadline = time.monotonic() + settings.timeout
        self._words = _LastWords()
        self._cleanup = contextlib.ExitStack()
        self._admin: t.Any = None
        self._manager: t.Any = None
        self._controller = -1
        self.cluster_id = ""

    @property
    def admin(self) -> t.Any:
        """The connected ``KafkaAdminClient``, for calls that need no more than its public API."""
        return self._admin

    def __enter__(self) -> Road:
        with contextlib.ExitStack() as undo:
            self._enter(undo)
            self._cleanup = undo.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def _enter(self, undo: contextlib.ExitStack) -> None:
        log = logging.getLogger("kafka")
        log.addHandler(self._words)
        undo.callback(log.removeHandler, self._words)
        # Inside of Ansible it would go into Ansible's own log file, requests with salted passwords included.
        undo.callback(setattr, log, "propagate", log.propagate)
        log.propagate = False
        options = self.settings.security.options()
        if self._tunnel:
            options["proxy_url"] = undo.enter_context(self._tunnel).url
        self._admin = self._connect(undo, options)
        # The one private part: the admin client has calls neither for quotas nor for a chosen node.
        self._manager = self._admin._manager
        self.cluster_id = self._metadata("read the cluster's id").cluster_id or ""

    def _connect(self, undo: contextlib.ExitStack, options: dict[str, t.Any]) -> t.Any:
        """A connected admin client. What cannot mend itself, such as a wrong password, fails at once."""
        servers = ", ".join(self.settings.bootstrap_servers)
        limit = FIRST_ATTEMPT
        while True:
            limit = min(limit, max(PAUSE, self._left()))
            with contextlib.ExitStack() as attempt:
                try:
                    admin = _kafka_client.KafkaAdminClient(
                        bootstrap_servers=list(self.settings.bootstrap_servers),
                        client_id="kafkaops",
                        bootstrap_timeout_ms=int(limit * 1000),
                        request_timeout_ms=int(self.settings.timeout * 1000),
                        reconnect_backoff_max_ms=1000,
                        kafka_client=lambda **configs: self._client(attempt, configs),
                        **options,
                    )
                except _kafka_client.errors.KafkaError as error:
                    if self._tunnel and self._tunnel.forbidden:
                        raise Forbidden(f"{self._who()}: connect, at {servers}: {self._tunnel.forbidden}") from None
                    if self._words.hopeless() or self._left() <= PAUSE or not error.retriable:
                        raise RoadError(self._failed("connect", servers, error)) from None
                    limit *= 2
                except (ValueError, UnicodeError, OSError) as error:
                    raise RoadError(f"{self._who()}: connect, at {servers}: {error}") from None
                else:
                    attempt.callback(admin.close)
                    undo.push(attempt.pop_all())
                    return admin

    def _client(self, undo: contextlib.ExitStack, configs: t.Mapping[str, t.Any]) -> t.Any:
        # The admin client loses hold of its own client, with a thread and sockets, where it cannot connect.
        client = _kafka_client.KafkaNetClient(**configs)
        # A TLS handshake, for one, has no time limit in the library: stopping its loop ends whatever waits.
        watchdog = threading.Timer(max(0.0, self._left()) + 1, client._net.stop)
        watchdog.daemon = True
        watchdog.start()
        undo.callback(client.close)
        undo.callback(watchdog.join)
        undo.callback(watchdog.cancel)
        return client

    def require_cluster(self) -> None:
        """Refuse to go on where this is another cluster than the one expected."""
        wanted = self.settings.cluster_id
        if wanted and wanted != self.cluster_id:
            raise RoadError(
                f"{self._who()}: {', '.join(self.settings.bootstrap_servers)} leads to the cluster with id {self.cluster_id!r}, "
                f"and cluster_id says {wanted!r}. Nothing was changed. Mend: correct bootstrap_servers, or cluster_id where the cluster was made anew."
            )

    def brokers(self) -> dict[int, str]:
        """Id and rack (or nothing) of each broker that is alive."""
        return {broker.node_id: broker.rack or "" for broker in self._metadata("list the brokers").brokers}

    def send(self, operation: str, request: t.Callable[[], t.Any], node: int | str | None = None, *, writes: bool = False) -> t.Any:
        """The answer to a request; ``request`` makes a new one for each attempt.

        ``node``: a broker's id, :data:`CONTROLLER`, or any broker. Connection errors are tried again until the time is
        over. ``writes``: it changes something; where the connection breaks after it was sent, ``Interrupted`` is raised.
        """
        while True:
            if self._left() <= 0:
                raise RoadError(f"{self._who()}: {operation}: not tried, since the time of {self.settings.timeout:g} s is over")
            try:
                answer = self._run(request(), self._controller_id() if node == CONTROLLER else node)
            except _kafka_client.errors.IncompatibleBrokerVersion:
                raise Unsupported(f"{self._who()}: {operation}: this release of Kafka does not have it") from None
            except _kafka_client.errors.KafkaError as error:
                where = self._node_name(node)
                if not (error.retriable or isinstance(error, _kafka_client.errors.UnknownBrokerIdError)) or self._left() <= PAUSE:
                    raise RoadError(self._failed(operation, where, error)) from None
                self._controller = -1
                # Only these two say for certain that nothing was sent.
                if writes and not isinstance(error, (_kafka_client.errors.NodeNotReadyError, _kafka_client.errors.UnknownBrokerIdError)):
                    raise Interrupted(self._failed(operation, where, error)) from None
            else:
                if node != CONTROLLER or not _says_not_controller(answer):
                    return answer
                if self._left() <= PAUSE:
                    raise RoadError(f"{self._who()}: {operation}: no controller was found within {self.settings.timeout:g} s")
                self._controller = -1
            time.sleep(PAUSE)

    def call(self, operation: str, function: t.Callable[[], t.Any]) -> t.Any:
        """The answer of a reading call of :attr:`admin`; connection errors are tried again until the time is over."""
        while True:
            try:
                return function()
            except _kafka_client.errors.IncompatibleBrokerVersion:
                raise Unsupported(f"{self._who()}: {operation}: this release of Kafka does not have it") from None
            except _kafka_client.errors.KafkaError as error:
                if not error.retriable or self._left() <= PAUSE:
                    raise RoadError(self._failed(operation, "any broker", error)) from None
            time.sleep(PAUSE)

    def time_left(self) -> float:
        """Seconds until the time is over, at least 0."""
        return max(0.0, self._left())

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _run(self, request: t.Any, node: int | str | None) -> t.Any:
        return self._manager.run(self._manager.send, request, node, max(1.0, self._left() * 1000))

    def _controller_id(self) -> int:
        if self._controller < 0:
            answer = self._run(_kafka_client.metadata.MetadataRequest(topics=[]), None)
            self._controller = answer.controller_id
            if self._controller < 0:
                raise _kafka_client.errors.NodeNotReadyError("no controller is elected")
        return self._controller

    def _metadata(self, operation: str) -> t.Any:
        return self.send(operation, functools.partial(_kafka_client.metadata.MetadataRequest, topics=[]))

    def _who(self) -> str:
        return f"cluster {self.settings.cluster}"

    def _node_name(self, node: int | str | None) -> str:
        if node == CONTROLLER:
            return f"broker {self._controller} (controller)" if self._controller >= 0 else "the controller"
        return "any broker" if node is None else f"broker {node}"

    def _failed(self, operation: str, where: str, error: Exception) -> str:
        parts = [f"{self._who()}: {operation}, at {where}: {error}"]
        reasons = list(dict.fromkeys([self._words.reason(), *(self._tunnel.failures.values() if self._tunnel else ())]))
        parts += [f"the last reason was: {reason}" for reason in reasons if reason and reason not in parts[0]]
        if self._left() <= PAUSE:
            parts.append(f"gave up after {self.settings.timeout:g} s")
        return "; ".join(parts)


def _says_not_controller(answer: t.Any) -> bool:
    code = _kafka_client.errors.NotControllerError.errno
    groups = [[answer], *(getattr(answer, name, None) or () for name in ("topics", "results", "responses", "entries"))]
    return any(getattr(each, "error_code", 0) == code for group in groups for each in group)


def refusal(code: int, message: str | None) -> str:
    """What Kafka said about one item, or nothing where it agreed."""
    if not code:
        return ""
    name = _kafka_client.errors.for_code(code).__name__
    return f"{name}: {message}" if message else name
