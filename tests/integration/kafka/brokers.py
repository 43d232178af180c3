# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Real Kafka clusters on loopback, from the jars that Maven caches; each process ends by its id.

Every broker has four listeners: PLAIN (super user ``User:ANONYMOUS``), SASL (SCRAM), TLS (a client certificate is
required) and, in KRaft, CONTROLLER. An authorizer is on.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import typing as t
import uuid

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_road
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_routes import Address, BrokerPod, Routes, Target
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_tunnel import Tunnel
from ansible_collections.kafkaops.kubernetes.tests.oracle import jars
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
ADMIN, ADMIN_PASSWORD = "operator", "operator-secret"
START_LIMIT = 120
JVM = ("-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
LOG4J2 = """<Configuration status="warn"><Appenders><Console name="c"><PatternLayout pattern="%d %p %m (%c)%n"/></Console></Appenders>
<Loggers><Root level="warn"><AppenderRef ref="c"/></Root></Loggers></Configuration>
"""
LOG4J1 = """log4j.rootLogger=WARN, c
log4j.appender.c=org.apache.log4j.ConsoleAppender
log4j.appender.c.layout=org.apache.log4j.PatternLayout
log4j.appender.c.layout.ConversionPattern=%d %p %m (%c)%n
"""


_PORTS = iter(random.SystemRandom().sample(range(10000, 30000), 2000))


def free_port() -> int:
    """A port that nobody listens on now, and that no connection from here is given as its own end.

    Below the kernel's range for those: a client that tries a broker that is down, again and again, would at some time
    be connected to itself, and the broker would find its port taken.
    """
    for port in _PORTS:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise RuntimeError("no port is free")


@dataclasses.dataclass(frozen=True)
class Certificates:
    """A CA, and what it signed: PEM text."""

    ca: str
    server: str
    server_key: str
    client: str
    client_key: str


def certificates() -> Certificates:
    """A CA, a server certificate for 127.0.0.1 and localhost, and a client certificate ``CN=client``."""
    ca_key, ca = _certificate("ca", None, None)
    server_key, server = _certificate("localhost", ca, ca_key)
    client_key, client = _certificate("client", ca, ca_key)
    return Certificates(_pem(ca), _pem(server), _pem_key(server_key), _pem(client), _pem_key(client_key))


def _certificate(name: str, issuer: x509.Certificate | None, issuer_key: Key | None) -> tuple[Key, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    usage = x509.KeyUsage(True, False, False, False, False, issuer is None, issuer is None, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), False)
    )
    return key, builder.sign(issuer_key or key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pem_key(key: Key) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


class Cluster:
    """Brokers of one release; ``mode``: ``kraft`` or ``zookeeper``; ``more``: properties of the listener SASL beside its own, or instead;
    ``jvm``: options. Use as a context manager."""

    def __init__(
        self,
        directory: pathlib.Path,
        release: str,
        mode: str = "kraft",
        brokers: int = 1,
        heap: str = "192m",
        more: t.Mapping[str, str] | None = None,
        jvm: t.Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.release = release
        self.mode = mode
        self.ids = list(range(1, brokers + 1))
        self.heap = heap
        self.more = {f"listener.name.sasl.{key}": value for key, value in (more or {}).items()}
        self.jvm = jvm
        self.ports = {broker: {name: free_port() for name in ("PLAIN", "SASL", "TLS", "CONTROLLER")} for broker in self.ids}
        self.zookeeper_port = free_port()
        self.cluster_id = str(uuid.uuid4()).replace("-", "")[:22]
        self.certificates = certificates()
        self._classpath = jars.kafka_tools_classpath(release)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "log4j2.xml").write_text(LOG4J2, encoding="utf-8")
        (directory / "log4j.properties").write_text(LOG4J1, encoding="utf-8")

    def __enter__(self) -> Cluster:
        try:
            if self.mode == "zookeeper":
                self._zookeeper()
            for broker in self.ids:
                self._format(broker)
                self.start(broker)
            for broker in self.ids:
                self.wait(broker)
            self._make_operator()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for process in reversed(self._processes.values()):
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()

    def address(self, listener: str = "PLAIN", broker: int = 1) -> str:
        """``host:port`` of a listener of a broker."""
        return f"127.0.0.1:{self.ports[broker][listener]}"

    def settings(self, **options: t.Any) -> _kafka_road.Settings:
        """How to reach this cluster as its super user."""
        return _kafka_road.Settings(cluster=f"test-{self.release}", bootstrap_servers=tuple(self.address(broker=each) for each in self.ids), **options)

    def start(self, broker: int) -> None:
        """Start a broker's process."""
        self._launch(broker, "kafka.Kafka", str(self._file(broker)), heap=self.heap)

    def grow(self) -> int:
        """One broker more; its id."""
        broker = max(self.ids) + 1
        self.ports[broker] = {name: free_port() for name in ("PLAIN", "SASL", "TLS", "CONTROLLER")}
        self.ids.append(broker)
        self._format(broker)
        self.start(broker)
        self.wait(broker)
        return broker

    def stop(self, broker: int, *, cleanly: bool = False) -> None:
        """End a broker's process: as the kernel would, or ``cleanly`` and with ZooKeeper as Kubernetes does; else it could not come back
        until its session ends."""
        process = self._processes.pop(broker)
        process.send_signal(signal.SIGTERM if cleanly or self.mode == "zookeeper" else signal.SIGKILL)
        process.wait()

    def wait(self, broker: int) -> None:
        """Until a broker serves."""
        deadline = time.monotonic() + START_LIMIT
        while True:
            if self._processes[broker].poll() is not None:
                raise RuntimeError(f"broker {broker} of {self.release} died:\n{self.log(broker)}")
            try:
                settings = _kafka_road.Settings("test", (self.address(broker=broker),), timeout=5)
                with _kafka_road.Road(settings) as road:
                    if broker in road.brokers():
                        return
            except _kafka_road.RoadError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"broker {broker} of {self.release} does not serve: {error}\n{self.log(broker)}") from None
            time.sleep(0.2)

    def log(self, broker: int) -> str:
        """The end of a process's log."""
        return (self.directory / f"{broker}.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def tool(self, main: str, *arguments: str, stdin: str = "") -> str:
        """What one of Kafka's own command line tools says, for example ``org.apache.kafka.tools.TopicCommand``."""
        connection = ("--bootstrap-server", self.address())
        done = subprocess.run(self._java(main, "256m", *connection, *arguments), capture_output=True, text=True, check=False, input=stdin)
        if done.returncode:
            raise RuntimeError(f"{main} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _java(self, main: str, heap: str, *arguments: str) -> list[str]:
        logging = (f"-Dlog4j2.configurationFile={self.directory}/log4j2.xml", f"-Dlog4j.configuration=file:{self.directory}/log4j.properties")
        return [jars.java(), *JVM, *self.jvm, f"-Xmx{heap}", *logging, "-cp", self._classpath, main, *arguments]

    def _launch(self, number: int, main: str, *arguments: str, heap: str) -> None:
        with (self.directory / f"{number}.log").open("ab") as log:
            self._processes[number] = subprocess.Popen(self._java(main, heap, *arguments), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _file(self, broker: int) -> pathlib.Path:
        return self.directory / f"{broker}.properties"

    def _zookeeper(self) -> None:
        file = self.directory / "zoo.cfg"
        data = self.directory / "zookeeper"
        file.write_text(
            f"dataDir={data}\nclientPort={self.zookeeper_port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=ruok\n",
            encoding="utf-8",
        )
        self._launch(0, "org.apache.zookeeper.server.quorum.QuorumPeerMain", str(file), heap="64m")
        deadline = time.monotonic() + START_LIMIT
        while self._ruok() != b"imok":
            if time.monotonic() > deadline or self._processes[0].poll() is not None:
                raise RuntimeError(f"ZooKeeper does not serve:\n{self.log(0)}")
            time.sleep(0.1)

    def _ruok(self) -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", self.zookeeper_port), 1) as connection:
                connection.sendall(b"ruok")
                return connection.recv(4)
        except OSError:
            return b""

    def _format(self, broker: int) -> None:
        self._file(broker).write_text("".join(f"{key}={value}\n" for key, value in self._properties(broker).items()), encoding="utf-8")
        if self.mode == "kraft":
            command = self._java("kafka.tools.StorageTool", "128m", "format", "-t", self.cluster_id, "-c", str(self._file(broker)))
            subprocess.run(command, check=True, capture_output=True)

    def _properties(self, broker: int) -> dict[str, str]:
        ports = self.ports[broker]
        listeners = [f"{name}://127.0.0.1:{ports[name]}" for name in ("PLAIN", "SASL", "TLS")]
        pem = self.certificates
        found = {
            "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": "PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAIN",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256",
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "listener.name.tls.ssl.client.auth": "required",
            "listener.name.tls.ssl.keystore.type": "PEM",
            "listener.name.tls.ssl.keystore.certificate.chain": _one_line(pem.server),
            "listener.name.tls.ssl.keystore.key": _one_line(pem.server_key),
            "listener.name.tls.ssl.truststore.type": "PEM",
            "listener.name.tls.ssl.truststore.certificates": _one_line(pem.ca),
            "super.users": f"User:ANONYMOUS;User:{ADMIN};User:CN=client",
            "log.dirs": str(self.directory / f"data-{broker}"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "3",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "4194304",
            "delete.topic.enable": "true",
        }
        if self.mode == "kraft":
            first = self.ids[0]
            roles = "broker,controller" if broker == first else "broker"
            if broker == first:
                listeners.append(f"CONTROLLER://127.0.0.1:{ports['CONTROLLER']}")
            found.update(
                {
                    "process.roles": roles,
                    "node.id": str(broker),
                    "controller.quorum.voters": f"{first}@127.0.0.1:{self.ports[first]['CONTROLLER']}",
                    "controller.listener.names": "CONTROLLER",
                    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                }
            )
        else:
            found.update(
                {
                    "broker.id": str(broker),
                    "zookeeper.connect": f"127.0.0.1:{self.zookeeper_port}",
                    "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
                }
            )
            # A broker that is killed leaves its node in ZooKeeper for as long as its session lasts.
            found["zookeeper.session.timeout.ms"] = "6000"
        found["listeners"] = ",".join(listeners)
        return {**found, **self.more}

    def _make_operator(self) -> None:
        change = f"SCRAM-SHA-512=[iterations=4096,password={ADMIN_PASSWORD}]"
        self.tool("kafka.admin.ConfigCommand", "--alter", "--entity-type", "users", "--entity-name", ADMIN, "--add-config", change)


class Direct:
    """A port-forward that ends on this machine: what Kubernetes does, without Kubernetes."""

    def __init__(self, target: Target) -> None:
        self.socket = socket.create_connection(("127.0.0.1", target.port), 5)

    def error(self) -> str:
        return ""

    def close(self) -> None:
        self.socket.close()


def tunnel(cluster: Cluster, opened: list[Target], opener: t.Callable[[Target], t.Any] = Direct) -> Tunnel:
    """A tunnel whose table has the brokers' advertised addresses, as node ports are in it."""
    pods = tuple(BrokerPod(f"kafka-{broker}-0", f"kafka-{broker}", True) for broker in cluster.ids)
    addresses = [Address("127.0.0.1", port, f"kafka-{broker}", port) for broker in cluster.ids for port in cluster.ports[broker].values()]
    routes = Routes("kafka", "default", pods, tuple(addresses))

    def noted(target: Target) -> t.Any:
        opened.append(target)
        return opener(target)

    return Tunnel(routes.targets, noted, 5)


def _one_line(pem: str) -> str:
    # The properties format joins lines that end with a backslash.
    return pem.strip().replace("\n", "\\n")


def threads_and_files() -> tuple[set[str], set[str]]:
    """Names of this process's threads and what its file descriptors are."""
    import threading

    names = {thread.name for thread in threading.enumerate()}
    files = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            files.add(f"{descriptor} {os.readlink(f'/proc/self/fd/{descriptor}')}")
        except OSError:
            continue
    return names, files
