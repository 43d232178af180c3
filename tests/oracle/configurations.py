# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Random configurations that mix sensible and broken values over all subjects of the rules.

Every configuration starts from one that works and gets a few changes, so that most of them are decided by the rules
behind the first ones, and not by a missing id. All randomness comes from the generator that is passed in.
"""

from __future__ import annotations

import random
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import Key, keys
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import BASES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor, parse
from ansible_collections.kafkaops.kubernetes.tests.oracle import oddities

Properties = dict[str, str]

NAMES = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT", "INTERNAL", "EXTERNAL", "CONTROLLER", "C2", "internal", "", "A B", "İNT")
HOSTS = (
    "", "", "0.0.0.0", "localhost", "127.0.0.1", "10.0.0.1", "kafka-0.kafka.ns.svc.cluster.local", "[::1]", "[::]", "::1", "[fd00::1]",
    "[fe80::1%eth0]", "kafka_0", "*", "a b", "${HOST}", "0", "..", "[::1", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "::ffff:1.2.3.4", "h/x", "ü",
)  # fmt: skip
PORTS = ("9092", "9092", "9093", "9094", "9095", "0", "-1", "70000", "2147483647", "2147483648", "+9092", "x", "", "٩٠٩٢")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL", "plaintext", "Sasl_Ssl", "PLAIN", "TRACE", "")
COMMAS = (",", ",", ",", ", ", " ,", ",\n", ",,", ";")
NUMBERS = ("-2", "-1", "0", "1", "2", "3", "5", "100", "500", "1000", "6000", "30000", "45000", "60000", "2147483647", "2147483648", "9223372036854775807",
           "9223372036854775808", " 7 ", "+7", "7.0", "7f", "1e3", "NaN", "Infinity", "0x1p3", "-0", "٣", "seven", "", "true")  # fmt: skip
BOOLEANS = ("true", "false", "TRUE", " False ", "yes", "1", "", "tru")
VERSIONS = ("0.8.0", "0.9.0", "0.10", "0.10.0", "0.10.0-IV0", "0.10.0-IV1", "0.11.0", "1.0", "2.0", "2.1", "2.4", "2.4.1", "2.4.", "2.8", "3.0-IV0",
            "3.0", "3.3", "3.4-IV0", "3.4", "3.6", "3.7-IV1", "3.7-IV2", "3.7", "3.8", "3.9", "4.0", "4.0-IV0", "4.1", "latest", "")  # fmt: skip
MECHANISMS = ("GSSAPI", "PLAIN", "SCRAM-SHA-512", "plain", "OAUTHBEARER", "")
VOTERS = (
    "1@localhost:9093", "2@localhost:9093", "100@127.0.0.1:9093", "3000@[::1]:9093", "1@0.0.0.0:9093", "2@0.0.0.0:0", "-1@localhost:9093",
    "x@localhost:9093", "1@localhost", "1@localhost:70000", "1@localhost:x", "1@CONTROLLER://localhost:9093", "1@$(POD):9093", "1@a@b:9093",
    "1@localhost:9093@", "1@:9093", "1@[::1:9093", "1@::1:9093", "1@kafka_0:9093", "", "1@ localhost:9093", "+1@localhost:9093",
    "1@localhost:99999999999",
)  # fmt: skip
SERVERS = ("localhost:9093", "c0:9093", "1@c0:9093", "CONTROLLER://c0:9093", "c0", "c0:70000", "[::1]:9093", "", "c_0:9093", "$(POD).k:9093")
IDS = ("0", "1", "1", "2", "100", "1000", "1001", "-1", "-2", "2147483648", "kafka-0", "", " 1 ", "1.0", "٣")
ROLES = ("broker", "controller", "broker,controller", "controller,broker", "broker, controller", "Broker", "broker,broker", "", "broker,", "worker")
DIRECTORIES = ("/a", "/a,/b", "/a,/a", "/a,", ",", "", "/a , /b", "a")
ADDRESSES = ("127.0.0.1:5", "127.0.0.1:5,::1:6", "h#:5", "h", "h:x", "", "h:5,", "[::1]:5", ",h:5", "h:2147483648")
CLASSES = (
    "", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", "org.apache.kafka.common.security.auth.KafkaPrincipalBuilder",
    "org.apache.kafka.common.security.plain.internals.PlainServerCallbackHandler", "org.apache.kafka.server.policy.CreateTopicPolicy",
    "org.apache.kafka.common.security.ssl.DefaultSslEngineFactory", "org.apache.kafka.no.Such",
)  # fmt: skip
AUTHORIZERS = ("", "kafka.security.authorizer.AclAuthorizer", "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "kafka.security.Nothing")
ASSIGNORS = ("uniform", "range", "uniform,range", "simple", "", "org.apache.kafka.coordinator.group.assignor.RangeAssignor", "nothing", "uniform,")
PROTOCOL_LISTS = (
    "classic",
    "classic,consumer",
    "consumer",
    "",
    "classic,share",
    "classic,unknown",
    "CLASSIC",
    "classic,",
    "classic,classic",
    "classic,streams",
)
NOT_OWN = ("no.such.key", "advertised_listeners", "log.retention.hour")


class Generator:
    """Makes configurations for one release, one after the other."""

    def __init__(self, kafka_version: str, random_source: random.Random) -> None:
        """``kafka_version``: for example ``3.9.2``."""
        release = parse(kafka_version)
        if release is None:
            raise ValueError(kafka_version)
        self.minor: Minor = release.minor
        self.random = random_source
        self.keys = [key for key in keys(self.minor).values() if not key.name.startswith("config.providers")]
        self.numbers = [key for key in self.keys if key.kind in ("INT", "LONG", "SHORT", "DOUBLE")]
        self.limits = [key for key in self.numbers if key.name.startswith(("group.", "replica.", "log.", "queued.", "socket.", "connection", "max.conn"))]

    def configurations(self, count: int) -> t.Iterator[Properties]:
        """That many configurations."""
        for _index in range(count):
            yield self.one()

    def sweep(self) -> t.Iterator[Properties]:
        """Every key of the release with every kind of value, on its own."""
        for key in self.keys:
            values = {*NUMBERS, *BOOLEANS} if key.kind in ("BOOLEAN", "INT", "LONG", "SHORT", "DOUBLE") else set()
            values |= {self.value(key) for _index in range(12)} | {"", "x", "a,,b"}
            for value in sorted(values):
                yield {**self._base(self.pick(self._bases())), key.name: value}

    def one(self) -> Properties:
        """A base, and between none and six changes to it."""
        properties = self._base(self.pick(self._bases()))
        changes: list[t.Callable[[Properties], None]] = [
            self._listeners, self._listeners, self._advertised, self._map, self._inter_broker, self._names, self._voters, self._id, self._roles,
            self._remove,
            self._sasl, self._number, self._number, self._limit, self._limit, self._any, self._rare, self._version,
            self._directories, self._prefixed, self._zookeeper,
        ]  # fmt: skip
        for change in self.random.choices(changes, k=self.pick((0, 1, 1, 2, 2, 3, 4, 6))):
            change(properties)
        for odd in self.random.choices(oddities.ALL, k=self.pick((0, 0, 0, 1, 1, 1, 2, 3))):
            odd(self, properties)
        return properties

    def _base(self, name: str) -> Properties:
        properties = dict(BASES[name])
        voters = properties.get("controller.quorum.voters")
        if voters and self.minor <= (3, 7):
            # These releases resolve the hosts of voters while they read them.
            properties["controller.quorum.voters"] = f"{voters.partition('@')[0]}@127.0.0.1:9093"
        return properties

    def _bases(self) -> list[str]:
        zookeeper = ["zookeeper"] if self.minor <= (3, 9) else []
        migration = ["migration"] if (3, 4) <= self.minor <= (3, 9) else []
        kraft = ["broker", "controller", "combined"] if self.minor >= (2, 8) else []
        return zookeeper * 2 + migration + kraft

    def pick(self, values: t.Sequence[t.Any]) -> t.Any:
        """One of them."""
        return self.random.choice(values)

    def _mostly(self, good: t.Sequence[str], all_values: t.Sequence[str]) -> str:
        return str(self.pick(good) if self.random.random() < 0.8 else self.pick(all_values))

    def _list(self, make: t.Callable[[], str], most: int = 3) -> str:
        items = [make() for _index in range(self.random.randint(0 if self.random.random() < 0.1 else 1, most))]
        text = "".join(item + (self._mostly((",",), COMMAS) if index < len(items) - 1 else "") for index, item in enumerate(items))
        return text + ("," if self.random.random() < 0.03 else "")

    def _endpoint(self) -> str:
        name = self._mostly(NAMES[:8], NAMES)
        return f"{name}://{self._mostly(HOSTS[:9], HOSTS)}:{self._mostly(PORTS[:5], PORTS)}"

    def _listeners(self, properties: Properties) -> None:
        properties["listeners"] = self._list(self._endpoint)
        if self.random.random() < 0.5:
            self._advertise_same(properties)

    def _advertise_same(self, properties: Properties) -> None:
        properties["advertised.listeners"] = properties["listeners"].replace("0.0.0.0", "h") if self.random.random() < 0.8 else self._list(self._endpoint)

    def _advertised(self, properties: Properties) -> None:
        key = (
            "advertised.listeners"
            if self.minor >= (3, 0) or self.random.random() < 0.8
            else self.pick(("advertised.host.name", "advertised.port", "host.name", "port"))
        )
        if key == "advertised.listeners":
            properties[key] = self._list(self._endpoint)
        else:
            properties.pop(self.pick(("listeners", "advertised.listeners")), None)
            properties[key] = self.pick(("0.0.0.0", "h", "", "127.0.0.1") if key.endswith("name") else PORTS)

    def _map(self, properties: Properties) -> None:
        def entry() -> str:
            return f"{self._mostly(NAMES[:8], NAMES)}{self._mostly((':',), (':', ' : ', '', '='))}{self._mostly(PROTOCOLS[:4], PROTOCOLS)}"

        text = self._list(entry, 5)
        if self.random.random() < 0.6:
            text = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT," + text
        properties["listener.security.protocol.map"] = text

    def _inter_broker(self, properties: Properties) -> None:
        if self.random.random() < 0.6:
            properties["inter.broker.listener.name"] = self._mostly(NAMES[:8], NAMES)
        if self.random.random() < 0.4:
            properties["security.inter.broker.protocol"] = self._mostly(PROTOCOLS[:4], PROTOCOLS)
        if self.minor <= (3, 9) and self.random.random() < 0.3:
            properties["control.plane.listener.name"] = self._mostly(NAMES[:8], NAMES)
        if self.random.random() < 0.2:
            properties["early.start.listeners"] = self._list(lambda: self._mostly(NAMES[:8], NAMES), 2)

    def _names(self, properties: Properties) -> None:
        properties["controller.listener.names"] = self._list(lambda: self._mostly(("CONTROLLER", "C2", "PLAINTEXT", "SSL"), (*NAMES, "controller")), 2)

    def _voters(self, properties: Properties) -> None:
        if self.random.random() < 0.7:
            properties["controller.quorum.voters"] = self._list(lambda: self._mostly(VOTERS[:4], VOTERS))
        else:
            properties.pop("controller.quorum.voters", None)
        if self.random.random() < 0.5:
            properties["controller.quorum.bootstrap.servers"] = self._list(lambda: self._mostly(SERVERS[:2], SERVERS), 2)
        if self.random.random() < 0.1:
            properties["controller.quorum.auto.join.enable"] = self.pick(("true", "false"))

    def _id(self, properties: Properties) -> None:
        properties[self.pick(("broker.id", "node.id"))] = self._mostly(IDS[:5], IDS)
        if self.random.random() < 0.2:
            properties["broker.id.generation.enable"] = self.pick(BOOLEANS)
        if self.random.random() < 0.1:
            properties["reserved.broker.max.id"] = self.pick(NUMBERS)

    def _roles(self, properties: Properties) -> None:
        if self.minor >= (2, 8):
            properties["process.roles"] = self._mostly(ROLES[:5], ROLES)

    def _remove(self, properties: Properties) -> None:
        if properties:
            del properties[self.pick(sorted(properties))]

    def _sasl(self, properties: Properties) -> None:
        properties["sasl.enabled.mechanisms"] = self._list(lambda: self._mostly(MECHANISMS[:3], MECHANISMS), 2)
        properties["sasl.mechanism.inter.broker.protocol"] = self._mostly(MECHANISMS[:3], MECHANISMS)
        if self.random.random() < 0.5:
            protocol = self.pick(("SASL_PLAINTEXT", "SASL_SSL"))
            properties.pop("inter.broker.listener.name", None)
            properties["security.inter.broker.protocol"] = protocol
            properties["listeners"] = properties["advertised.listeners"] = f"{protocol}://h:9092"

    def _prefixed(self, properties: Properties) -> None:
        listener = self.pick(("plaintext", "sasl_plaintext", "sasl_ssl", "internal", "INTERNAL"))
        key: Key = self.pick([key for key in self.keys if key.name.startswith(("sasl.", "ssl.", "connections.", "num.network"))])
        properties[f"listener.name.{listener}.{key.name}"] = self.value(key)

    def _number(self, properties: Properties) -> None:
        key = self.pick(self.numbers)
        properties[key.name] = self.value(key)

    def _limit(self, properties: Properties) -> None:
        key = self.pick(self.limits)
        properties[key.name] = self.value(key)

    def _any(self, properties: Properties) -> None:
        key = self.pick(self.keys)
        properties[key.name] = self.value(key)

    def _version(self, properties: Properties) -> None:
        properties["inter.broker.protocol.version"] = self.pick(VERSIONS)
        if self.random.random() < 0.3:
            properties["log.message.format.version"] = self.pick(VERSIONS)
        if self.random.random() < 0.2:
            properties["offsets.topic.compression.codec"] = self.pick(("0", "4", "5", "-1"))

    def _directories(self, properties: Properties) -> None:
        properties[self.pick(("log.dirs", "log.dirs", "log.dir"))] = self.pick(DIRECTORIES)
        if self.random.random() < 0.3:
            properties["remote.log.storage.system.enable"] = "true"
        if self.random.random() < 0.3:
            properties["cordoned.log.dirs"] = self.pick(("*", "/a", "/b", "*,/a", "", "/a,", "/var/lib/kafka/data"))

    def _zookeeper(self, properties: Properties) -> None:
        if self.minor <= (3, 9):
            properties["zookeeper.connect"] = self.pick(("zk:2181", "", ",", "zk:2181/a,zk2/a", "$(X)"))
            if self.random.random() < 0.4:
                properties["zookeeper.metadata.migration.enable"] = self.pick(BOOLEANS[:3])

    def _rare(self, properties: Properties) -> None:
        rare: dict[str, t.Sequence[str]] = {
            "authorizer.class.name": AUTHORIZERS,
            "compression.type": ("gzip", "GZIP", "zstd", "producer", "none", ""),
            "group.consumer.assignors": ASSIGNORS,
            "group.coordinator.rebalance.protocols": PROTOCOL_LISTS,
            "group.share.assignors": ASSIGNORS,
            "max.connections.per.ip": ("0", "1", "-1"),
            "max.connections.per.ip.overrides": ADDRESSES,
            "principal.builder.class": CLASSES,
            "create.topic.policy.class.name": CLASSES,
            "log.retention.minutes": NUMBERS[:6],
            "log.retention.ms": NUMBERS[:6],
            "log.cleaner.threads": ("0", "1", "200"),
            **dict.fromkeys(NOT_OWN, ("x",)),
        }
        key = self.pick(sorted(rare))
        properties[key] = self.pick(rare[key])

    def value(self, key: Key) -> str:
        """A value for a key, right or wrong."""
        if key.kind == "BOOLEAN":
            return self._mostly(BOOLEANS[:4], BOOLEANS)
        if key.kind in ("INT", "LONG", "SHORT", "DOUBLE"):
            return self._mostly(NUMBERS[3:12], NUMBERS)
        if key.kind == "CLASS":
            return str(self.pick(CLASSES))
        _kind, _colon, words = key.check.partition(":")
        if words and words != "*":
            word = str(self.pick(words.split("|")))
            return self._mostly((word,), (word, word.lower(), word.upper(), "", "abc", f"{word},{word}", f"{word},"))
        if "listener" in key.name:
            return str(self.pick(NAMES))
        if key.check in ("voters", "bootstrap"):
            return self._list(lambda: self._mostly(VOTERS[:4], VOTERS))
        if key.check == "version":
            return str(self.pick(VERSIONS))
        if key.name.endswith("rebalance.protocols"):
            return str(self.pick(PROTOCOL_LISTS))
        if key.name.endswith("assignors"):
            return str(self.pick(ASSIGNORS))
        if key.name == "authorizer.class.name":
            return str(self.pick(AUTHORIZERS))
        if key.name == "max.connections.per.ip.overrides":
            return str(self.pick(ADDRESSES))
        return str(self.pick(("", "x", "a,b", " a , b ", "a,,b", "a,", "/tmp")))
