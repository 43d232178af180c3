# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""One ZooKeeper server's ``zoo.cfg`` as ``QuorumPeerConfig`` reads it, 3.5 to 3.9."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor

INTEGERS = (
    "autopurge.purgeInterval",
    "autopurge.snapRetainCount",
    "clientPort",
    "electionAlg",
    "initLimit",
    "maxClientCnxns",
    "maxSessionTimeout",
    "minSessionTimeout",
    "quorum.cnxn.threads.size",
    "secureClientPort",
    "syncLimit",
    "tickTime",
)
INTEGERS_36 = ("clientPortListenBacklog", "connectToLearnerMasterLimit", "multiAddress.reachabilityCheckTimeoutMs", "observerMasterPort")
LONGS = ("jvm.pause.info-threshold.ms", "jvm.pause.sleep.time.ms", "jvm.pause.warn-threshold.ms")
BOOLEANS = (
    "jvm.pause.monitor",
    "localSessionsEnabled",
    "localSessionsUpgradingEnabled",
    "portUnification",
    "quorum.auth.enableSasl",
    "quorum.auth.learnerRequireSasl",
    "quorum.auth.serverRequireSasl",
    "quorumListenOnAllIPs",
    "sslQuorum",
    "sslQuorumReloadCertFiles",
    "syncEnabled",
)
BOOLEANS_36 = ("multiAddress.enabled", "multiAddress.reachabilityCheckEnabled")
ALWAYS_STRICT = ("reconfigEnabled", "standaloneEnabled")
TEXTS = (
    "clientPortAddress",
    "dataDir",
    "dataLogDir",
    "dynamicConfigFile",
    "metricsProvider.className",
    "oraclePath",
    "peerType",
    "secureClientPortAddress",
)
PASSED_ON = (
    "4lw.commands.whitelist",
    "admin.enableServer",
    "admin.serverPort",
    "authProvider.sasl",
    "electionPortBindRetry",
    "extendedTypesEnabled",
    "forceSync",
    "globalOutstandingLimit",
    "jute.maxbuffer",
    "preAllocSize",
    "serverCnxnFactory",
    "skipACL",
    "snapCount",
    "snapshot.trust.empty",
)
"""Keys that work as the Java system property they become."""


class ServerError(ValueError):
    """A ``server.N`` line that is refused; the text says why."""


class Member(t.NamedTuple):
    """One ``server.N`` line. ``client``: host and port behind the semicolon, or None."""

    id: int
    host: str
    quorum_port: int
    election_port: int
    observer: bool
    client: tuple[str, int] | None


class Server:
    """``entries`` and ``properties`` as Java loads them, ``myid``: the content of the file, None if there is none."""

    def __init__(self, text: str, myid: str | None, minor: Minor) -> None:
        """Never raises."""
        self.entries = _properties.read(text)
        self.properties = {entry.key: entry.value for entry in self.entries}
        self._trimmed = {_java.trim(key): _java.trim(value) for key, value in self.properties.items()}
        self.myid = myid
        self.minor = minor

    def has(self, key: str) -> bool:
        """Whether a key is set."""
        return key in self._trimmed

    def get(self, key: str) -> str | None:
        """The text of a key; both are trimmed, but for those of the members."""
        return self._trimmed.get(key)

    def integer(self, key: str, default: int | None = None) -> int | None:
        """The number of a key; the default if it is not set or no number (which is another finding)."""
        value = self.get(key)
        number = None if value is None else _java.integer(value, "INT")
        return default if number is None else number

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean; anything but true is false."""
        value = self.get(key)
        return default if value is None else value.lower() == "true"

    @property
    def integers(self) -> tuple[str, ...]:
        """The keys that must be an int."""
        return (*INTEGERS, *(INTEGERS_36 if self.minor >= (3, 6) else ()))

    @property
    def strict_booleans(self) -> tuple[str, ...]:
        """The keys that must be true or false; until 3.6 most of them take any text for false."""
        if self.minor < (3, 7):
            return ALWAYS_STRICT
        return (*ALWAYS_STRICT, *BOOLEANS, *BOOLEANS_36)

    @property
    def known(self) -> frozenset[str]:
        """All keys that mean something."""
        return frozenset((*INTEGERS, *INTEGERS_36, *LONGS, *BOOLEANS, *BOOLEANS_36, *ALWAYS_STRICT, *TEXTS, *PASSED_ON))

    @property
    def dynamic(self) -> bool:
        """Whether the members are in a file of their own, which is not here."""
        return self.has("dynamicConfigFile")

    @functools.cached_property
    def lines(self) -> dict[str, Member | str]:
        """Every ``server.N`` key: the member, or why it is refused."""
        result: dict[str, Member | str] = {}
        for key, value in self.properties.items():
            if key.startswith("server."):
                try:
                    result[key] = parse_member(key[len("server.") :], value, self.minor)
                except ServerError as error:
                    result[key] = str(error)
        return result

    @functools.cached_property
    def members(self) -> dict[int, Member]:
        """The members by id; of several with one id (``server.1`` and ``server.01``) the last one."""
        return {line.id: line for line in self.lines.values() if isinstance(line, Member)}

    @property
    def voters(self) -> list[Member]:
        """The members that are no observers, one per id."""
        return self._kind(observer=False)

    @property
    def observers(self) -> list[Member]:
        """The observers, one per id. ``QuorumMaj`` keeps two maps, so that an id can be in both."""
        return self._kind(observer=True)

    def _kind(self, observer: bool) -> list[Member]:
        members = (line for line in self.lines.values() if isinstance(line, Member) and line.observer == observer)
        return list({member.id: member for member in members}.values())

    @property
    def standalone_enabled(self) -> bool:
        """``standaloneEnabled``, default true."""
        return self.flag("standaloneEnabled", True)

    @property
    def distributed(self) -> bool:
        """``isDistributed``: a quorum, not a single server."""
        return not self.dynamic and (not self.standalone_enabled or len(self.voters) > 1)

    @functools.cached_property
    def id(self) -> int | None:
        """The number in myid."""
        return None if self.myid is None else _java.integer(first_line(self.myid), "LONG")


def first_line(text: str) -> str:
    """``BufferedReader.readLine``."""
    return text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")[0]


def parse_member(number: str, text: str, minor: Minor) -> Member:
    """``QuorumServer``: ``host:port:port[:type][;[host:]port]``; raises ServerError."""
    sid = _java.integer(number, "LONG")
    if sid is None:
        raise ServerError(f"{number!r} is no number")
    parts = _java.split(text, ";")
    addresses = _java.split(parts[0], "|") if parts and minor >= (3, 6) else parts[:1]
    client = _client(parts[1]) if len(parts) == 2 else None
    if not parts or not addresses:
        raise ServerError("does not have the form host:port:port[:type][;[host:]port]")
    if len(addresses) > 1:
        raise ServerError("has several addresses, which must be enabled by a system property of the JVM")
    fields = _fields(addresses[0], minor)
    if len(parts) > 2 or not 3 <= len(fields) <= 4:
        raise ServerError("does not have the form host:port:port[:type][;[host:]port]")
    quorum_port, election_port = _port(fields[1]), _port(fields[2])
    if quorum_port == election_port:
        raise ServerError("has the same port for the quorum and for elections")
    role = fields[3].lower() if len(fields) == 4 else "participant"
    if minor >= (3, 6):
        role = _java.trim(role)
    if role not in ("observer", "participant"):
        raise ServerError(f"has the type {fields[3]!r}, which is neither participant nor observer")
    return Member(sid, fields[0], quorum_port, election_port, role == "observer", client)


def _client(text: str) -> tuple[str, int]:
    fields = _fields(text, (3, 9))
    if not 1 <= len(fields) <= 2:
        raise ServerError("does not have the form host:port:port[:type][;[host:]port]")
    return fields[0] if len(fields) == 2 else "0.0.0.0", _port(fields[-1])


def _port(text: str) -> int:
    port = _java.integer(text, "INT")
    if port is None:
        raise ServerError(f"has the port {text!r}, which is no number")
    if not 0 <= port <= 65535:
        raise ServerError(f"has the port {port}, which does not exist")
    return port


def _fields(text: str, minor: Minor) -> list[str]:
    """``ConfigUtils.getHostAndPort``."""
    if not text.startswith("["):
        return _java.split(text, ":")
    closing = "]" if minor >= (3, 6) else "]:"
    end = text.find(closing)
    if end < 0:
        raise ServerError(f"has no {closing}")
    if end + 2 == len(text) and minor >= (3, 6):
        raise ServerError("has no port behind the colon")
    if end + 2 < len(text) or minor < (3, 6):
        return [text[1:end], *_java.split(text[end + 2 :], ":")]
    return [text.replace("[", "").replace("]", "")]
