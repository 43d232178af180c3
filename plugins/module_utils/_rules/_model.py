# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""One broker's configuration as Kafka sees it: typed values, listeners, roles, voters.

Everything is worked out when first asked for and then kept. What could not be read raises NotKnown, because there is
already a finding about it and nothing sensible follows from it.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._connect import ConnectString
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._connect import parse as parse_connect
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import (
    PROTOCOLS,
    Bad,
    Endpoint,
    Entry,
    HostPort,
    host_port,
    parse_endpoint,
    valid_host,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import (
    REQUIRED,
    Key,
    Missing,
    Value,
    keys,
    protocol_order,
    protocol_version,
    refusal,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import (
    FIRST_KRAFT,
    LAST_ZOOKEEPER,
    Release,
)

_MANY = 10_000  # nobody has more voters; all of them are looked at once, in parse()
SASL = ("SASL_PLAINTEXT", "SASL_SSL")


class NotKnown(Exception):
    """A value could not be read; some rule has said so."""


class Voter(t.NamedTuple):
    """One entry of controller.quorum.voters. ``ignored``: text that this release skips silently."""

    id: int
    host: str
    port: int
    ignored: str = ""


class MapEntry(t.NamedTuple):
    """One entry of listener.security.protocol.map; ``key`` as written, ``name`` upper-cased."""

    key: str
    name: str
    protocol: str


class Broker:
    """The configuration of one process for one release. ``properties``: what the user wrote, both sides text."""

    def __init__(self, properties: dict[str, str], release: Release) -> None:
        """Parses every single value; never raises."""
        self.release = release
        self.minor = release.minor
        self.written = properties
        self.keys: dict[str, Key] = keys(release.minor)
        self.properties = self._with_synonyms(properties)
        self._values: dict[str, Value] = {}
        self.refused: dict[str, str] = {}
        """Keys that ConfigDef refuses, and why."""
        self._parse()

    def _with_synonyms(self, properties: dict[str, str]) -> dict[str, str]:
        # KafkaConfig.populateSynonyms, from 3.1 on.
        if self.minor < (3, 1):
            return properties
        broker_id, node_id = properties.get("broker.id"), properties.get("node.id")
        if broker_id is None and node_id is not None:
            return {**properties, "broker.id": node_id}
        if broker_id is not None and node_id is None:
            return {**properties, "node.id": broker_id}
        return properties

    def _parse(self) -> None:
        external = self._external_providers()
        for name, text in self.properties.items():
            key = self.keys.get(name)
            if key is None:
                continue
            if external and _is_provided(text, external):
                self._values[name] = None
                self.refused[name] = ""
                continue
            value, reason = self.parse(key, text)
            if reason is None:
                self._values[name] = value
            else:
                self.refused[name] = reason
        for name in _required(self.minor):
            if name not in self.properties:
                self.refused[name] = "is required and missing"

    def parse(self, key: Key, text: str) -> tuple[Value, str | None]:
        """``ConfigDef.parseValue``: the value, or why it is refused."""
        try:
            value = key.parse(text)
        except ValueError as error:
            return None, str(error)
        if key.check in ("voters", "bootstrap", "version"):
            return value, self._refused_specially(key.check, t.cast(t.Any, value))
        if isinstance(value, list) and key.check[:1] == "~":
            value = list(dict.fromkeys(value))
        return value, refusal(key, value)

    def _refused_specially(self, check: str, value: t.Any) -> str | None:
        if check == "version":
            known = protocol_version(value, self.minor) is not None
            return None if known else f"is not a version that Kafka {self.release} knows"
        for entry in value:
            problem = self._voter(entry) if check == "voters" else self._bootstrap(entry)
            if isinstance(problem, Bad):
                return f"{_short(problem.text)} {problem.reason}"
        return None

    def _external_providers(self) -> tuple[str, ...]:
        # AbstractConfig.resolveConfigVariables: ${provider:path:key} comes from outside; nothing can be said about it.
        names = self.properties.get("config.providers")
        return tuple(_java.csv_list(_java.trim(names))) if names else ()

    # Single values

    def knows(self, name: str) -> bool:
        """Whether this release has such a key."""
        return name in self.keys

    def has(self, name: str) -> bool:
        """``originals.containsKey``."""
        return name in self.properties

    def get(self, name: str) -> t.Any:
        """The typed value or default; None for a key that this release does not have; NotKnown if it is refused."""
        if name in self.refused:
            raise NotKnown(name)
        if name in self._values:
            return self._values[name]
        key = self.keys.get(name)
        if key is None or isinstance(key.default, Missing):
            return None
        return key.default

    def integer(self, name: str) -> int:
        """The value of a key that is a number and has a default."""
        value = self.get(name)
        if not isinstance(value, int):
            raise NotKnown(name)
        return value

    # What kind of process

    @functools.cached_property
    def roles(self) -> frozenset[str]:
        """``parseProcessRoles``: empty with ZooKeeper (and, without a complaint, in 4.0 and 4.1)."""
        return frozenset(self.get("process.roles") or ())

    @property
    def zookeeper(self) -> bool:
        """Whether the broker keeps its metadata in ZooKeeper."""
        return self.minor <= LAST_ZOOKEEPER and not self.roles

    @property
    def is_broker(self) -> bool:
        """Whether clients connect to it: a ZooKeeper broker, or one with the broker role."""
        return self.zookeeper or "broker" in self.roles

    @property
    def broker_only(self) -> bool:
        """KRaft, and nothing but a broker."""
        return self.roles == {"broker"}

    @property
    def controller_only(self) -> bool:
        """KRaft, and nothing but a controller."""
        return self.roles == {"controller"}

    @property
    def is_controller(self) -> bool:
        """Whether it has the controller role."""
        return "controller" in self.roles

    @property
    def migrating(self) -> bool:
        """``zookeeper.metadata.migration.enable``, 3.4 to 3.9."""
        return bool(self.get("zookeeper.metadata.migration.enable"))

    @property
    def node_id(self) -> int:
        """The id the process runs with. Until 3.0 a node.id that is not negative wins over broker.id."""
        if self.minor in ((2, 8), (3, 0)):
            node_id = self.integer("node.id")
            return node_id if node_id >= 0 else self.integer("broker.id")
        return self.integer("node.id") if self.minor >= (3, 1) else self.integer("broker.id")

    # Listeners

    @functools.cached_property
    def controller_names(self) -> list[str]:
        """``controllerListenerNames``: never upper-cased; not even trimmed until 4.0."""
        value = self.get("controller.listener.names")
        if isinstance(value, list):
            return value
        if not value:
            # 2.8 and 3.0 split the empty text into one empty name.
            return [] if self.minor >= (3, 1) else [""]
        return _java.csv_list(value) if self.minor >= (4, 1) else _java.split(value, ",")

    @functools.cached_property
    def map_entries(self) -> tuple[MapEntry, ...]:
        """``listener.security.protocol.map`` without what is wrong in it; see map_problems."""
        return self._map[0]

    @functools.cached_property
    def map_problems(self) -> tuple[Bad, ...]:
        """What Kafka refuses in ``listener.security.protocol.map``."""
        return self._map[1]

    @functools.cached_property
    def _map(self) -> tuple[tuple[MapEntry, ...], tuple[Bad, ...]]:
        text = self.get("listener.security.protocol.map") or ""
        entries: dict[str, MapEntry] = {}
        problems: list[Bad] = []
        for item in _java.split_commas(text) if text else []:
            key, colon, value = item.rpartition(":")
            if not colon:
                problems.append(Bad("MAP-SYNTAX", item, "has no colon"))
                continue
            key, value = _java.trim(key), _java.trim(value)
            # Csv.parseCsvMap: a map by the key as written, so the last one of equal keys stays.
            entries[key] = MapEntry(key, _java.upper(key), _java.upper(value))
        names: dict[str, MapEntry] = {}
        for entry in entries.values():
            if self.refuses_blank_names and _java.is_blank(entry.key):
                problems.append(Bad("LSN-NAME-EMPTY", f":{entry.protocol}", "has no listener name"))
            elif entry.protocol not in PROTOCOLS:
                problems.append(Bad("MAP-PROTO", f"{entry.key}:{entry.protocol}", "names no security protocol"))
            elif entry.name in names and self.minor >= (4, 1):
                problems.append(Bad("MAP-DUP-CASE", entry.key, f"is the same listener as {names[entry.name].key}"))
            else:
                names[entry.name] = entry
        return tuple(entries.values()), tuple(problems)

    @property
    def refuses_blank_names(self) -> bool:
        """``ListenerName.normalised`` refuses blank names from 3.6 on."""
        return self.minor >= (3, 6)

    @functools.cached_property
    def protocols(self) -> dict[str, str]:
        """``effectiveListenerSecurityProtocolMap``: security protocol by listener name."""
        if self.map_problems:
            raise NotKnown("listener.security.protocol.map")
        result = {entry.name: entry.protocol for entry in self.map_entries}
        if self.map_is_extended:
            for name in self.controller_names:
                if name != "PLAINTEXT":
                    # new ListenerName(name), not normalised: a lower-case name is added where nobody looks for it.
                    result[name] = "PLAINTEXT"
        return result

    @property
    def map_is_extended(self) -> bool:
        """Whether controller listeners are PLAINTEXT without being in the map."""
        if self.has("listener.security.protocol.map") or self.minor < (3, 1):
            return False
        if self.zookeeper:
            return False
        secure = PROTOCOLS[1:]
        if any(name in secure for name in self.controller_names):
            return False
        return not any(_java.upper(text.partition(":")[0]) in secure for text in self.listener_texts)

    @functools.cached_property
    def listener_texts(self) -> list[str]:
        """The entries of ``listeners`` as written."""
        return self._texts("listeners", self._legacy_listeners())

    def _texts(self, name: str, otherwise: str | None) -> list[str]:
        value = self.get(name)
        if isinstance(value, list):
            return value
        text = otherwise if value is None else value
        return _java.csv_list(text) if text else []

    def _legacy_listeners(self) -> str | None:
        # Until 2.8 host.name and port stand in for listeners.
        if not self.knows("port"):
            return None
        return f"PLAINTEXT://{self.get('host.name')}:{self.integer('port')}"

    @functools.cached_property
    def listener_entries(self) -> list[Entry]:
        """The entries of ``listeners``, good and bad; without regard to the map."""
        return [parse_endpoint(text, self.refuses_blank_names) for text in self.listener_texts]

    @functools.cached_property
    def advertised_entries(self) -> list[Entry] | None:
        """The entries of ``advertised.listeners`` (until 2.8 also of its forerunners); None if nothing is set."""
        if self.get("advertised.listeners") is not None:
            texts = self._texts("advertised.listeners", None)
        elif self.knows("advertised.port") and self._legacy_advertised() is not None:
            texts = [t.cast(str, self._legacy_advertised())]
        else:
            return None
        return [parse_endpoint(text, self.refuses_blank_names) for text in texts]

    def _legacy_advertised(self) -> str | None:
        host, port = self.get("advertised.host.name"), self.get("advertised.port")
        if host is None and port is None:
            return None
        host = self.get("host.name") if host is None else host
        return f"PLAINTEXT://{host}:{self.integer('port') if port is None else port}"

    @functools.cached_property
    def listeners(self) -> list[Endpoint]:
        """``listeners``; NotKnown if Kafka refuses the list."""
        return self._good(self.listener_entries)

    @functools.cached_property
    def advertised(self) -> list[Endpoint] | None:
        """``advertised.listeners``; None if it is not set."""
        return None if self.advertised_entries is None else self._good(self.advertised_entries)

    def _good(self, entries: list[Entry]) -> list[Endpoint]:
        good = [entry for entry in entries if isinstance(entry, Endpoint)]
        names = [entry.name for entry in good]
        protocols = self.protocols
        if len(good) < len(entries) or len(set(names)) < len(names) or any(name not in protocols for name in names):
            raise NotKnown("listeners")
        return good

    @functools.cached_property
    def listener_names(self) -> frozenset[str]:
        """The names in ``listeners``."""
        return frozenset(endpoint.name for endpoint in self.listeners)

    @functools.cached_property
    def controller_listeners(self) -> list[Endpoint]:
        """``controllerListeners``: compared as written."""
        return [endpoint for endpoint in self.listeners if endpoint.name in self.controller_names]

    @functools.cached_property
    def advertised_to_clients(self) -> list[Endpoint]:
        """What the broker gives to clients: ``effectiveAdvertisedListeners``, from 3.9 ``..BrokerListeners``."""
        explicit = self.advertised
        names = self.controller_names if self.minor >= FIRST_KRAFT else []
        if explicit is not None and self.minor < (3, 9):
            return explicit
        endpoints = self.listeners if explicit is None else explicit
        kept = self.control_plane if self.minor == LAST_ZOOKEEPER and self.migrating else None
        return [endpoint for endpoint in endpoints if endpoint.name not in names or endpoint.name == kept]

    @functools.cached_property
    def advertised_controllers(self) -> list[Endpoint]:
        """``effectiveAdvertisedControllerListeners`` (3.9 and later), one per controller listener name."""
        named = set(self.controller_names)
        explicit = {endpoint.name: endpoint for endpoint in self.advertised or () if endpoint.name in named}
        bound = {endpoint.name: endpoint for endpoint in self.controller_listeners}
        replaced = self.release != ((3, 9), 0)
        result = []
        for name in self.controller_names:
            key = _java.upper(name)
            if key in explicit:
                result.append(explicit[key])
            elif key in bound:
                # 0.0.0.0 becomes "ask the machine for its name", but for 3.9.0, which refuses it as advertised.
                endpoint = bound[key]
                result.append(endpoint._replace(host=None) if replaced and endpoint.host == "0.0.0.0" else endpoint)
        return result

    @functools.cached_property
    def inter_broker(self) -> tuple[str, str]:
        """Listener name and security protocol between brokers; NotKnown if Kafka refuses what is set."""
        name = self.get("inter.broker.listener.name")
        if name is None:
            protocol = _java.upper(self.get("security.inter.broker.protocol"))
            if protocol not in PROTOCOLS:
                raise NotKnown("security.inter.broker.protocol")
            return protocol, protocol
        key = _java.upper(name)
        blank = self.refuses_blank_names and _java.is_blank(name)
        if self.has("security.inter.broker.protocol") or blank or key not in self.protocols:
            raise NotKnown("inter.broker.listener.name")
        return key, self.protocols[key]

    @functools.cached_property
    def control_plane(self) -> str | None:
        """``control.plane.listener.name``, upper-cased; None if it is not set."""
        name = self.get("control.plane.listener.name")
        return None if name is None else _java.upper(name)

    @functools.cached_property
    def connect(self) -> ConnectString | None:
        """``zookeeper.connect`` as the client reads it; None if it is not set, or not used."""
        if (self.zookeeper or self.migrating) and self.has("zookeeper.connect"):
            return parse_connect(self.get("zookeeper.connect"))
        return None

    @functools.cached_property
    def connection_overrides(self) -> list[tuple[str | None, str]]:
        """``max.connections.per.ip.overrides``: address (None where there is no colon) and number."""
        text = self.get("max.connections.per.ip.overrides")
        result: dict[str | None, str] = {}
        for item in _java.split_commas(text) if text else []:
            address, colon, number = item.rpartition(":")
            result[_java.trim(address) if colon else None] = _java.trim(number)
        return list(result.items())

    # Voters

    @property
    def strict_addresses(self) -> bool:
        """Which of the two patterns ``Utils.getHost`` has: strict in 3.8, 3.9.0 and from 4.0 on, lax otherwise."""
        return self.minor == (3, 8) or self.minor >= (4, 0) or self.release == ((3, 9), 0)

    def _voter(self, text: str) -> Voter | Bad:
        """``QuorumConfig.parseVoterConnections``."""
        parts = _java.split(text, "@")
        if len(parts) != 2:
            return Bad("VOT-SYNTAX", text, "is not of the form id@host:port")
        number = _java.integer(parts[0], "INT")
        if number is None:
            return Bad("VOT-SYNTAX", text, "has an id that is no number")
        address = self._address(parts[1])
        if isinstance(address, str):
            return Bad("VOT-PORT-RANGE" if "65535" in address else "VOT-SYNTAX", text, address)
        return Voter(number, address.host, address.port or 0, address.ignored)

    def _bootstrap(self, text: str) -> HostPort | Bad:
        """``QuorumConfig.parseBootstrapServer``."""
        address = self._address(text)
        return Bad("BS-SYNTAX", text, address) if isinstance(address, str) else address

    def _address(self, text: str) -> HostPort | str:
        address = host_port(text, self.strict_addresses)
        if address is None or not valid_host(address.host):
            return "has no host and port that can be read"
        if address.port is None:
            return "has a port that is no number"
        if address.port > 65535:
            return "has a port above 65535"
        return address

    @functools.cached_property
    def voter_entries(self) -> list[Voter | Bad]:
        """The entries of ``controller.quorum.voters``, good and bad."""
        text = self.properties.get("controller.quorum.voters")
        key = self.keys.get("controller.quorum.voters")
        if text is None or key is None:
            return []
        value = key.parse(text)
        return [self._voter(entry) for entry in t.cast("list[str]", value)[:_MANY]]

    @functools.cached_property
    def bootstrap_entries(self) -> list[HostPort | Bad]:
        """The entries of ``controller.quorum.bootstrap.servers``, good and bad."""
        text = self.properties.get("controller.quorum.bootstrap.servers")
        key = self.keys.get("controller.quorum.bootstrap.servers")
        if text is None or key is None:
            return []
        return [self._bootstrap(entry) for entry in t.cast("list[str]", key.parse(text))[:_MANY]]

    @functools.cached_property
    def voters(self) -> dict[int, Voter]:
        """The voters by id; of several with one id the last one."""
        self.get("controller.quorum.voters")
        return {entry.id: entry for entry in self.voter_entries if isinstance(entry, Voter)}

    # Inter-broker protocol version

    @functools.cached_property
    def protocol_version(self) -> int:
        """The position of the inter-broker protocol version in time; pinned in KRaft from 3.3 on."""
        if self.minor >= (3, 3) and self.roles:
            return protocol_order()["3.0-IV1"]
        return self.version_of("inter.broker.protocol.version")

    def version_of(self, name: str) -> int:
        """The position of a version-typed key in time."""
        position = protocol_version(self.get(name), self.minor)
        if position is None:
            raise NotKnown(name)
        return position

    # Storage

    @functools.cached_property
    def log_dirs(self) -> list[str]:
        """``logDirs``: log.dirs, or log.dir."""
        value = self.get("log.dirs")
        if value is None:
            value = self.get("log.dir")
        return value if isinstance(value, list) else _java.csv_list(value)


@functools.cache
def _required(minor: tuple[int, int]) -> tuple[str, ...]:
    return tuple(name for name, key in keys(minor).items() if key.default is REQUIRED)


def _is_provided(text: str, providers: tuple[str, ...]) -> bool:
    return any(f"${{{name}:" in text for name in providers)


def _short(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:100]}...")
