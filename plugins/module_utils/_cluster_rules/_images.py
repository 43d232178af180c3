# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What well-known images of Kafka and ZooKeeper make of their environment. Private to the collection.

Facts from the images' own start scripts and Dockerfiles.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Release

LATEST = 99
"""The patch of a release of which only the minor is known."""


@dataclasses.dataclass(frozen=True)
class Family:
    """Images with one kind of start script.

    ``prefix``: of the variables that become properties, empty where a file has them. ``doubled``: whether ``__`` stands
    for an underscore and ``___`` for a dash; else every underscore is a dot. ``volumes``: paths that the image declares
    as VOLUME. ``log_dirs``: what the script sets where nothing else does.
    """

    name: str
    prefix: str = ""
    doubled: bool = False
    volumes: tuple[str, ...] = ()
    log_dirs: str = ""
    derives_listeners: bool = False
    refuses_port: bool = False
    maps_everything: bool = False
    jmx_variable: str = ""


FILE = Family("file")
CONFLUENT = Family(
    "confluentinc/cp-kafka",
    prefix="KAFKA_",
    doubled=True,
    volumes=("/var/lib/kafka/data", "/etc/kafka/secrets"),
    log_dirs="/var/lib/kafka/data",
    derives_listeners=True,
    refuses_port=True,
    jmx_variable="KAFKA_JMX_PORT",
)
APACHE = Family(
    "apache/kafka",
    prefix="KAFKA_",
    doubled=True,
    volumes=("/var/lib/kafka/data", "/etc/kafka/secrets", "/mnt/shared/config"),
    derives_listeners=True,
    maps_everything=True,
    jmx_variable="KAFKA_JMX_PORT",
)
BITNAMI = Family("bitnami/kafka", prefix="KAFKA_CFG_", log_dirs="/bitnami/kafka/data")
RAW = Family("an image that turns every KAFKA_ variable into a property", prefix="KAFKA_", maps_everything=True)
WURSTMEISTER = dataclasses.replace(RAW, name="wurstmeister/kafka", volumes=("/kafka",), log_dirs="/kafka/kafka-logs")

CONFLUENT_ZOOKEEPER = Family(
    "confluentinc/cp-zookeeper",
    prefix="ZOOKEEPER_",
    volumes=("/var/lib/zookeeper/data", "/var/lib/zookeeper/log", "/etc/zookeeper/secrets"),
    jmx_variable="KAFKA_JMX_PORT",
)
ZOOKEEPER = Family("zookeeper", prefix="ZOO_", volumes=("/data", "/datalog", "/logs"))
BITNAMI_ZOOKEEPER = Family("bitnami/zookeeper", prefix="ZOO_")
CONFLUENT_OTHER = Family("confluentinc/cp-")

COMPONENTS = {
    "schema-registry": "SCHEMA_REGISTRY",
    "kafka-rest": "KAFKA_REST",
    "kafka-connect": "CONNECT",
    "kafka-connect-base": "CONNECT",
    "server-connect": "CONNECT",
    "server-connect-base": "CONNECT",
    "ksqldb-server": "KSQL",
    "enterprise-control-center": "CONTROL_CENTER",
}
"""Other images of Confluent whose scripts exit where ``<PREFIX>_PORT`` is set."""

NOT_PROPERTIES = frozenset(
    (
        "KAFKA_GC_LOG_OPTS",
        "KAFKA_HEAP_OPTS",
        "KAFKA_HOME",
        "KAFKA_JMX_HOSTNAME",
        "KAFKA_JMX_OPTS",
        "KAFKA_JMX_PORT",
        "KAFKA_JVM_PERFORMANCE_OPTS",
        "KAFKA_LOG4J_LOGGERS",
        "KAFKA_LOG4J_OPTS",
        "KAFKA_LOG4J_ROOT_LOGLEVEL",
        "KAFKA_OPTS",
        "KAFKA_TOOLS_LOG4J_LOGLEVEL",
        "KAFKA_VERSION",
        "KAFKA_SSL_KEYSTORE_FILENAME",
        "KAFKA_SSL_KEYSTORE_CREDENTIALS",
        "KAFKA_SSL_KEY_CREDENTIALS",
        "KAFKA_SSL_TRUSTSTORE_FILENAME",
        "KAFKA_SSL_TRUSTSTORE_CREDENTIALS",
    )
)
"""Variables that scripts and JVM read themselves."""

DEFAULT_CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
"""What ``apache/kafka`` takes where ``CLUSTER_ID`` is not set, wherever it runs."""

DEFAULT_FILE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@localhost:9093",
    "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "inter.broker.listener.name": "PLAINTEXT",
    "advertised.listeners": "PLAINTEXT://localhost:9092",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "/tmp/kraft-combined-logs",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}
"""What ``apache/kafka`` runs with where no ``KAFKA_`` variable and no file is given."""

_NAME = re.compile(r"(?:.*/)?([^/:@]+)(?::([^@]*))?(?:@.*)?")
_OWNER = re.compile(r"(?:.*/)?([^/]+)/[^/]+")


class Image(t.NamedTuple):
    """``component`` is empty for an image that is not known; ``release`` None where its tag names none."""

    component: str
    family: Family
    release: Release | None


def identify(image: str) -> Image:
    """What an image runs."""
    found = _NAME.fullmatch(image)
    if not found:
        return Image("", FILE, None)
    name, tag = found[1], found[2] or ""
    owner_found = _OWNER.fullmatch(image.partition("@")[0].rpartition(":")[0] if tag else image.partition("@")[0])
    owner = owner_found[1] if owner_found else ""
    if name.startswith("cp-"):
        return _confluent(name[3:], tag)
    if name in ("kafka", "kafka-native") and owner == "apache":
        return Image("kafka", APACHE, _release.parse(tag))
    if name == "kafka" and owner.startswith("bitnami"):
        return Image("kafka", BITNAMI, _release.parse(tag))
    if name == "kafka" and owner == "wurstmeister":
        return Image("kafka", WURSTMEISTER, _release.parse(tag.rpartition("-")[2]))
    if name == "zookeeper":
        family = BITNAMI_ZOOKEEPER if owner.startswith("bitnami") else ZOOKEEPER
        return Image("zookeeper", family, _release.parse(tag))
    return Image("", FILE, None)


def _confluent(name: str, tag: str) -> Image:
    platform = _release.parse(tag)
    kafka = None
    if platform is not None:
        major, minor = platform.minor
        kafka = {5: (2, minor), 6: (2, 6 + minor), 7: (3, minor), 8: (4, minor)}.get(major)
    release = Release(kafka, LATEST) if kafka else None
    if name in ("kafka", "server", "enterprise-kafka"):
        return Image("kafka", CONFLUENT, release)
    if name == "zookeeper":
        return Image("zookeeper", CONFLUENT_ZOOKEEPER, zookeeper_of(release) if release else None)
    return Image(name if name in COMPONENTS else "", CONFLUENT_OTHER, release)


ZOOKEEPERS = {
    (2, 4): "3.5.6",
    (2, 5): "3.5.7",
    (2, 6): "3.5.8",
    (2, 7): "3.5.8",
    (2, 8): "3.5.9",
    **{(3, minor): "3.6.4" for minor in range(6)},
}
"""The ZooKeeper that a Kafka minor brings (its own dependency list), before 3.0 its first patch; 3.8.4 since 3.6."""


def zookeeper_of(kafka: Release) -> Release:
    """The ZooKeeper that a Kafka release brings."""
    found = _release.parse(ZOOKEEPERS.get(kafka.minor, "3.8.4"))
    return found or Release((3, 8), LATEST)


def property_of(variable: str, family: Family) -> str:
    """The property that a variable becomes, or empty."""
    if not family.prefix or not variable.startswith(family.prefix) or variable in NOT_PROPERTIES:
        return ""
    text = variable[len(family.prefix) :].lower()
    if not family.doubled:
        return text.replace("_", ".")
    return text.replace("___", "\0").replace("__", "\1").replace("_", ".").replace("\0", "-").replace("\1", "_")


def linked(service_name: str) -> str:
    """The one of the variables made from a Service's name that images take for their own: ``kafka`` gives KAFKA_PORT."""
    return service_name.upper().replace("-", "_") + "_PORT"
