# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""One broker's configuration as Kafka sees it: typed values, listeners, roles, voters.

Everything is worked out when first asked for and then kept. What could not be read raises NotKnown, because there is
already a finding about it and nothing sensible follows from it.
"""

from __future__ import annotations

import functools
import re
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
    parse_endpoint,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import (
    REQUIRED,
    Key,
    Missing,
    Value,
    keys_of,
    protocol_order,
    protocol_version,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._lazy import lazy
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import (
    FIRST_KRAFT,
    LAST_ZOOKEEPER,
    Release,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._values import (
    MapEntry,
    Voter,
    bootstrap,
    parse_value,
    protocol_map,
    remembered_value,
    strict_addresses,
    voter,
)

_VARIABLE = re.compile(r"\$\{([^}:]*):[^}]*\}")
_MANY = 10_000  # nobody has more voters; all of them are looked at once, in parse()
SASL = ("SASL_PLAINTEXT", "SASL_SSL")


class NotKnown(Exception):
    """A value could not be read; some rule has said so."""


class Broker:
    """The configuration of one process for one release. ``properties``: what the user wrote, both sides text.

    ``unknown``: further keys that are set to something that is not known here.
    """

    def __init__(self, properties: dict[str, str], release: Release, unknown: frozenset[str] = frozenset()) -> None:
        """Parses every single value; never raises."""
        self.release = release
        self.minor = release.minor
        self.written = properties
        self.unknown = unknown
        self.keys: dict[str, Key] = keys_of(release)
        self.properties = self._with_synonyms(properties)
        self._values: dict[str, Value] = {}
        self.refused: dict[str, str] = {}
        """Keys that ConfigDef refuses, and why."""
        self._parse()
        if unknown:
            same = {"broker.id": "node.id", "node.id": "broker.id"}
            self.refused.update(dict.fromkeys([*unknown, *(same[name] for name in unknown if name in same)], ""))

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
        external = self.providers
        for name, text in self.properties.items():
            key = self.keys.get(name)
            if key is None:
                continue
            if external and _is_provided(text, external):
                self._values[name] = None
                self.refused[name] = ""
                continue
            value, reason = remembered_value(key, text, self.release)
            if reason is None:
                self._values[name] = value
            else:
                self.refused[name] = reason
        for name in _required(self.release):
            if name not in self.properties:
                self.refused[name] = "is required and missing"

    def parse(self, key: Key, text: str) -> tuple[Value, str | None]:
        """``ConfigDef.parseValue``: the value, or why it is refused."""
        return parse_value(key, text, self.release)

    @lazy
    def providers(self) -> dict[str, str]:
        """The class by name of every provider in config.providers that has one; neither is trimmed.

        ``AbstractConfig.instantiateConfigProviders``. A name without a class is skipped there.
        """
        names = _java.split(self.properties.get("config.providers", ""), ",")
        return {name: self.properties[f"config.providers.{name}.class"] for name in names if f"config.providers.{name}.class" in self.properties}

    @lazy
    def unknown_keys(self) -> list[str]:
        """The keys of the user that this release does not have."""
        return [name for name in self.written if name not in self.keys]

    # Single values

    def knows(self, name: str) -> bool:
        """Whether this release has such a key."""
        return name in self.keys

    def has(self, name: str) -> bool:
        """``originals.containsKey``."""
        return name in self.properties or name in self.unknown

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

    @lazy
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

    @lazy
    def prefixed(self) -> list[str]:
        """The keys below ``listener.name.``, which are about one listener."""
        return [name for name in self.written if name.startswith("listener.name.")]

    @lazy
    def controller_names(self) -> list[str]:
        """``controllerListenerNames``: never upper-cased; not even trimmed until 4.0."""
        value = self.get("controller.listener.names")
        if isinstance(value, list):
            return value
        if not value:
            # 2.8 and 3.0 split the empty text into one empty name.
            return [] if self.minor >= (3, 1) else [""]
        return _java.csv_list(value) if self.minor >= (4, 1) else _java.split(value, ",")

    @lazy
    def map_entries(self) -> tuple[MapEntry, ...]:
        """``listener.security.protocol.map`` without what is wrong in it; see map_problems."""
        return self._map[0]

    @lazy
    def map_problems(self) -> tuple[Bad, ...]:
        """What Kafka refuses in ``listener.security.protocol.map``."""
        return self._map[1]

    @lazy
    def _map(self) -> tuple[tuple[MapEntry, ...], tuple[Bad, ...]]:
        return protocol_map(self.get("listener.security.protocol.map") or "", self.refuses_blank_names, self.minor >= (4, 1))

    @property
    def refuses_blank_names(self) -> bool:
        """``ListenerName.normalised`` refuses blank names from 3.6 on."""
        return self.minor >= (3, 6)

    @lazy
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

    @lazy
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

    @lazy
    def listener_entries(self) -> list[Entry]:
        """The entries of ``listeners``, good and bad; without regard to the map."""
        return [parse_endpoint(text, self.refuses_blank_names) for text in self.listener_texts]

    @lazy
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

    @lazy
    def bad_endpoints(self) -> list[tuple[str, Bad]]:
        """The entries of both lists that Kafka refuses, each with the key it stands in."""
        lists = (("listeners", self.listener_entries), ("advertised.listeners", self.advertised_entries or []))
        return [(where, entry) for where, entries in lists for entry in entries if isinstance(entry, Bad)]

    @lazy
    def listeners(self) -> list[Endpoint]:
        """``listeners``; NotKnown if Kafka refuses the list."""
        return self._good(self.listener_entries)

    @lazy
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

    @lazy
    def listener_names(self) -> frozenset[str]:
        """The names in ``listeners``."""
        return frozenset(endpoint.name for endpoint in self.listeners)

    @lazy
    def controller_listeners(self) -> list[Endpoint]:
        """``controllerListeners``: compared as written."""
        return [endpoint for endpoint in self.listeners if endpoint.name in self.controller_names]

    @lazy
    def advertised_to_clients(self) -> list[Endpoint]:
        """What the broker gives to clients: ``effectiveAdvertisedListeners``, from 3.9 ``..BrokerListeners``."""
        explicit = self.advertised
        names = self.controller_names if self.minor >= FIRST_KRAFT else []
        if explicit is not None and self.minor < (3, 9):
            return explicit
        endpoints = self.listeners if explicit is None else explicit
        kept = self.control_plane if self.minor == LAST_ZOOKEEPER and self.migrating else None
        return [endpoint for endpoint in endpoints if endpoint.name not in names or endpoint.name == kept]

    @lazy
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

    @lazy
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

    @lazy
    def control_plane(self) -> str | None:
        """``control.plane.listener.name``, upper-cased; None if it is not set."""
        name = self.get("control.plane.listener.name")
        return None if name is None else _java.upper(name)

    @lazy
    def connect(self) -> ConnectString | None:
        """``zookeeper.connect`` as the client reads it; None if it is not set, or not used."""
        if (self.zookeeper or self.migrating) and self.has("zookeeper.connect"):
            return parse_connect(self.get("zookeeper.connect"))
        return None

    @lazy
    def connection_overrides(self) -> list[tuple[str | None, str]]:
        """``max.connections.per.ip.overrides``: address (None where there is no colon) and number."""
        text = self.get("max.connections.per.ip.overrides")
        result: dict[str | None, str] = {}
        for item in _java.split_commas(text) if text else []:
            address, colon, number = item.rpartition(":")
            result[_java.trim(address) if colon else None] = _java.trim(number)
        return list(result.items())

    # Voters

    @lazy
    def voter_entries(self) -> list[Voter | Bad]:
        """The entries of ``controller.quorum.voters``, good and bad."""
        text = self.properties.get("controller.quorum.voters")
        key = self.keys.get("controller.quorum.voters")
        if text is None or key is None:
            return []
        strict = strict_addresses(self.release)
        return [voter(entry, strict) for entry in t.cast("list[str]", key.parse(text))[:_MANY]]

    @lazy
    def bootstrap_entries(self) -> list[HostPort | Bad]:
        """The entries of ``controller.quorum.bootstrap.servers``, good and bad."""
        text = self.properties.get("controller.quorum.bootstrap.servers")
        key = self.keys.get("controller.quorum.bootstrap.servers")
        if text is None or key is None:
            return []
        strict = strict_addresses(self.release)
        return [bootstrap(entry, strict) for entry in t.cast("list[str]", key.parse(text))[:_MANY]]

    @lazy
    def voters(self) -> dict[int, Voter]:
        """The voters by id; of several with one id the last one."""
        self.get("controller.quorum.voters")
        return {entry.id: entry for entry in self.voter_entries if isinstance(entry, Voter)}

    # Inter-broker protocol version

    @lazy
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

    @lazy
    def log_dirs(self) -> list[str]:
        """``logDirs``: log.dirs, or log.dir."""
        value = self.get("log.dirs")
        if value is None:
            value = self.get("log.dir")
        return value if isinstance(value, list) else _java.csv_list(value)


@functools.cache
def _required(release: Release) -> tuple[str, ...]:
    return tuple(name for name, key in keys_of(release).items() if key.default is REQUIRED)


def _is_provided(text: str, providers: t.Container[str]) -> bool:
    """``AbstractConfig.resolveConfigVariables``: ``${provider:path:key}`` comes from outside; nothing can be said about it."""
    return "${" in text and any(name in providers for name in _VARIABLE.findall(text))
