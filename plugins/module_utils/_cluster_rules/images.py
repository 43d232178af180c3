# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over what images make of their environment, and over the variables that Kubernetes adds to it.

For every Service with a cluster IP in a pod's namespace the kubelet sets ``<NAME>_PORT=tcp://...`` and its like, unless
``enableServiceLinks`` is false. Variables that the manifest sets win.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images, _settings
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Service, Workload
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, a_service, changed, objects, rule

_RENAME = "set enableServiceLinks: false in the pods; or rename the Service, make it headless, or set {} to an empty value"
_KRAFT_ONLY_SINCE = (3, 0)
_UNEXPANDED = re.compile(r"\$\([A-Za-z_][A-Za-z0-9_.-]*\)")


def _linked(planned: Planned, variable: str, workload: Workload, environment: t.Mapping[str, str]) -> Service | None:
    """The Service that makes the kubelet set a variable in the pods of a workload."""
    if not workload.service_links or variable in environment:
        return None
    for service in planned.services:
        if service.namespace == workload.namespace and _images.linked(service.name) == variable and _has_cluster_ip(service):
            return service
    return None


def _has_cluster_ip(service: Service) -> bool:
    return not service.headless and service.type != "ExternalName"


def _links(planned: Planned, variable: str, wanted: t.Callable[[Workload, tuple[int, int]], bool]) -> t.Iterator[Problem]:
    """The workloads into which a Service's name brings a variable that hurts there."""
    seen: set[int] = set()
    for server in planned.servers:
        workload = server.workload
        if id(workload) in seen or not wanted(workload, server.release.minor):
            continue
        seen.add(id(workload))
        service = _linked(planned, variable, workload, server.environment)
        if service is not None:
            there = "is there, and " if service.exists else ""
            message = f"{service.where} {there}gives the pods of {workload.where} the variable {variable}=tcp://..."
            yield Problem(workload.where, message, _RENAME.format(variable))


def _exits(workload: Workload, minor: tuple[int, int]) -> bool:
    raw = workload.family.maps_everything and minor < _KRAFT_ONLY_SINCE
    return workload.component == "kafka" and (workload.family.refuses_port or raw)


def _ignores(workload: Workload, minor: tuple[int, int]) -> bool:
    return workload.component == "kafka" and workload.family.maps_everything and minor >= _KRAFT_ONLY_SINCE


def _service_example(name: str, of: str = "zookeeper") -> Example:
    ports = "selector: {app: x}, ports: [{port: 9999}]"
    return Example(of, wrong=objects(a_service(name, ports)), right=objects(a_service(name, f"clusterIP: None, {ports}")))


@rule(
    "ENV-KAFKA-PORT",
    "error",
    "start",
    "Confluent's script exits: 'port is deprecated. Please use KAFKA_ADVERTISED_LISTENERS instead.'; Kafka up to 2.8 exits: "
    "'Invalid value tcp://... for configuration port'. It happens at the next restart after the Service was made.",
    example=_service_example("kafka"),
)
def kafka_port(planned: Planned) -> t.Iterator[Problem]:
    """No Service called ``kafka`` gives brokers a KAFKA_PORT."""
    yield from _links(planned, "KAFKA_PORT", _exits)


@rule(
    "ENV-KAFKA-PORT",
    "warning",
    "runtime",
    "Kafka from 3.0 on does not know the key port and ignores it; tools that read the same variables may not.",
    example=_service_example("kafka", "kraft"),
)
def kafka_port_ignored(planned: Planned) -> t.Iterator[Problem]:
    """No Service called ``kafka`` brings an unknown key into the configuration."""
    yield from _links(planned, "KAFKA_PORT", _ignores)


@rule(
    "ENV-KAFKA-ADVERTISED-PORT",
    "error",
    "start",
    "Confluent's script exits: 'advertised.port is deprecated.'; Kafka up to 2.8 exits: 'Invalid value tcp://...'.",
    example=_service_example("kafka-advertised"),
)
def kafka_advertised_port(planned: Planned) -> t.Iterator[Problem]:
    """No Service called ``kafka-advertised`` gives brokers a KAFKA_ADVERTISED_PORT."""
    yield from _links(planned, "KAFKA_ADVERTISED_PORT", _exits)


@rule(
    "ENV-KAFKA-ADVERTISED-PORT",
    "warning",
    "runtime",
    "Kafka from 3.0 on does not know the key advertised.port and ignores it.",
    example=_service_example("kafka-advertised", "kraft"),
)
def kafka_advertised_port_ignored(planned: Planned) -> t.Iterator[Problem]:
    """No Service called ``kafka-advertised`` brings an unknown key into the configuration."""
    yield from _links(planned, "KAFKA_ADVERTISED_PORT", _ignores)


@rule(
    "ENV-KAFKA-JMX-PORT",
    "error",
    "start",
    "The script takes tcp://... for the port of JMX, and the JVM exits.",
    example=_service_example("kafka-jmx"),
)
def kafka_jmx_port(planned: Planned) -> t.Iterator[Problem]:
    """No Service called ``kafka-jmx`` gives a KAFKA_JMX_PORT to images that read it."""
    yield from _links(planned, "KAFKA_JMX_PORT", lambda workload, _minor: workload.family.jmx_variable == "KAFKA_JMX_PORT")


def _registry_example(links: str) -> str:
    ports = a_service("schema-registry", "selector: {app: x}, ports: [{port: 8081}]")
    pods = changed("schema-registry", container="image: 'confluentinc/cp-schema-registry:7.9.0'", kind="Deployment")
    return objects(ports, pods.replace("template: {spec: {", f"template: {{spec: {{enableServiceLinks: {links}, "))


@rule(
    "ENV-COMPONENT-PORT",
    "error",
    "start",
    "The script of the image exits: the variable is a setting that was removed, such as 'PORT is deprecated. Please use SCHEMA_REGISTRY_LISTENERS instead.'",
    example=Example("zookeeper", wrong=_registry_example("true"), right=_registry_example("false")),
)
def component_port(planned: Planned) -> t.Iterator[Problem]:
    """Confluent's other components do not share the name of their Service with a variable of theirs."""
    for component, prefix in _images.COMPONENTS.items():

        def wanted(workload: Workload, _minor: tuple[int, int], component: str = component) -> bool:
            return workload.component == component

        yield from _links(planned, f"{prefix}_PORT", wanted)


_ZOOKEEPER_CLIENT = a_service("zookeeper-client", "selector: {app: zk}, ports: [{port: 2181}]")


@rule(
    "ENV-ZOOKEEPER-CLIENT-PORT",
    "error",
    "start",
    "The script writes tcp://... into zoo.cfg, and ZooKeeper exits: NumberFormatException.",
    instead_of=("ZOO-NO-CLIENT-PORT",),
    example=Example("zookeeper", wrong=objects(_ZOOKEEPER_CLIENT, changed("zk", "ZOOKEEPER_CLIENT_PORT")), right=objects(_ZOOKEEPER_CLIENT)),
)
def zookeeper_port(planned: Planned) -> t.Iterator[Problem]:
    """No Service's name gives ZooKeeper servers a ZOOKEEPER_CLIENT_PORT or its like."""
    for variable in ("ZOOKEEPER_CLIENT_PORT", "ZOOKEEPER_SECURE_CLIENT_PORT", "ZOOKEEPER_ADMIN_SERVER_PORT"):
        yield from _links(planned, variable, lambda workload, _minor: workload.family is _images.CONFLUENT_ZOOKEEPER)


def _two_listeners(port: int) -> str:
    """Brokers that leave it to the script what to listen on."""
    return objects(
        changed(
            "kafka",
            "KAFKA_LISTENERS",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=INT:PLAINTEXT,EXT:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME=INT",
            f"KAFKA_ADVERTISED_LISTENERS=INT://$(POD_NAME).kafka-hs:9092,EXT://$(POD_NAME).example.com:{port}",
        )
    )


def _named(name: str) -> str:
    """Brokers with one listener of this name, which is PLAINTEXT."""
    return objects(
        changed(
            "kafka",
            f"KAFKA_LISTENERS={name}://:9092",
            f"KAFKA_ADVERTISED_LISTENERS={name}://$(POD_NAME).kafka-hs.demo.svc.cluster.local:9092",
            f"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP={name}:PLAINTEXT",
            f"KAFKA_INTER_BROKER_LISTENER_NAME={name}",
        )
    )


@rule(
    "CP-DERIVED-LISTENERS",
    "error",
    "config",
    "Without KAFKA_LISTENERS the script binds the ADVERTISED ports: two listeners with one port, or a node port inside of the pod.",
    instead_of=("LSN-DUP-PORT",),
    example=Example("zookeeper", wrong=_two_listeners(9092), right=_two_listeners(9094)),
)
def derived_listeners(planned: Planned) -> t.Iterator[Problem]:
    """Where an image derives listeners from the advertised ones, their ports differ and are ports of the pod."""
    for server in planned.kafka:
        derived = _settings.derived_listeners(server.environment, server.workload.family)
        ports = [entry.rpartition(":")[2] for entry in derived.split(",") if entry]
        # Some charts let the node port be the port of the pod, too.
        node_ports = {
            port.node_port
            for service in (planned.selecting(server) if ports else ())
            for port in service.ports
            if port.node_port and planned.target(server, port) != port.node_port
        }
        twice = sorted({port for port in ports if ports.count(port) > 1})
        nodes = sorted(port for port in ports if port.isdecimal() and len(port) < 6 and int(port) in node_ports)
        if twice or nodes:
            what = f"two listeners would be bound to port {twice[0]}" if twice else f"a listener would be bound to the node port {nodes[0]} inside of the pod"
            yield Problem(server.where("listeners"), f"KAFKA_LISTENERS is not set, and {what}", "set KAFKA_LISTENERS", (server.pod,))


@rule(
    "IMAGE-ADV-CONTROLLER",
    "error",
    "start",
    "The script exits: 'KAFKA_ADVERTISED_LISTENERS is not supported on a KRaft controller.', even where Kafka allows it (3.9 and later).",
    instead_of=("ADV-CONTROLLER",),
    example=Example(
        "kraft", wrong=objects(changed("ctl", "KAFKA_ADVERTISED_LISTENERS=CONTROLLER://ctl-$(ORDINAL).ctl-hs.demo.svc.cluster.local:9093")), right="[]"
    ),
)
def advertising_controller(planned: Planned) -> t.Iterator[Problem]:
    """Scripts of images do not take KAFKA_ADVERTISED_LISTENERS for a controller."""
    for server in planned.controllers:
        variables, family = server.environment, server.workload.family
        scripted = family in (_images.APACHE, _images.CONFLUENT)
        if scripted and variables.get("KAFKA_PROCESS_ROLES") == "controller" and variables.get("KAFKA_ADVERTISED_LISTENERS"):
            fix = "remove KAFKA_ADVERTISED_LISTENERS from the controllers; Kafka advertises the pod's own name"
            yield Problem(server.where("advertised.listeners"), f"{family.name} refuses it for process.roles=controller", fix, (server.pod,))


@rule(
    "CLUSTER-ID-DEFAULT",
    "warning",
    "runtime",
    f"Every cluster started that way has the id {_images.DEFAULT_CLUSTER_ID}: a node with a disk or an address of another one joins without a complaint.",
    example=Example("kraft", wrong=objects(changed("kafka", "CLUSTER_ID")), right="[]"),
)
def default_cluster_id(planned: Planned) -> t.Iterator[Problem]:
    """A cluster has an id of its own, and not that of the image."""
    for server in planned.kafka:
        id_of_the_image = server.environment.get("CLUSTER_ID", "") in ("", _images.DEFAULT_CLUSTER_ID)
        if server.workload.family is _images.APACHE and not server.uses_zookeeper and id_of_the_image:
            fix = "set CLUSTER_ID to what `kafka-storage.sh random-uuid` prints, once, on all nodes"
            yield Problem(server.workload.where, f"CLUSTER_ID is not set, and {server.workload.family.name} has a constant", fix)


@rule(
    "CLUSTER-ID-DIFFERS",
    "error",
    "start",
    "Nodes with another id cannot join: 'Invalid cluster.id', INCONSISTENT_CLUSTER_ID; each group is a cluster of its own.",
    example=Example(
        "kraft", wrong=objects(changed("kafka", "CLUSTER_ID=AAAAAAAAAAAAAAAAAAAAAA")), right=objects(changed("kafka", "CLUSTER_ID=W2Eq9rMnQ5uXkV7cY1sTgA"))
    ),
)
def cluster_id_differs(planned: Planned) -> t.Iterator[Problem]:
    """All nodes of a cluster have one cluster id."""
    ids: dict[str, str] = {}
    for server in planned.kafka:
        given = server.cluster_id or (_images.DEFAULT_CLUSTER_ID if server.workload.family is _images.APACHE else "")
        if given and given != "?" and not server.uses_zookeeper:
            ids.setdefault(given, server.workload.where)
    if len(ids) > 1:
        yield Problem(", ".join(dict.fromkeys(ids.values())), f"the nodes have {len(ids)} cluster ids: {', '.join(list(ids)[:5])}", "set one CLUSTER_ID on all")


@rule(
    "CLUSTER-ID-RANDOM",
    "warning",
    "start",
    "Each start has another id: 'Invalid cluster.id in: ... Expected X, but read Y' at the first restart, and nodes that never find each other before.",
    example=Example(
        "kraft",
        wrong=objects(changed("ctl", container="command: [sh, -c, 'CLUSTER_ID=$(kafka-storage.sh random-uuid) exec /etc/kafka/docker/run']")),
        right=objects(changed("ctl", container="command: [sh, -c, 'exec /etc/kafka/docker/run']")),
    ),
)
def random_cluster_id(planned: Planned) -> t.Iterator[Problem]:
    """A cluster id is made once, and not by the pod."""
    for workload in planned.workloads:
        if "random-uuid" in workload.script:
            yield Problem(workload.where, "its command makes a new cluster id at each start", "make the id once and write it into the manifest of all nodes")


@rule(
    "IMAGE-DEFAULT-FILE",
    "error",
    "runtime",
    "The image runs with its own file: node 1, alone in its quorum, advertised as localhost, with its data in /tmp.",
    instead_of=("ADV-LOOPBACK", "LOGDIR-TMP", "VOT-HOST-SYNTAX"),
    example=Example(
        "kraft",
        wrong=objects(changed("other", container="image: 'apache/kafka:4.1.1'")),
        right=objects(changed("other", "KAFKA_PROCESS_ROLES=broker", container="image: 'apache/kafka:4.1.1'")),
    ),
)
def default_file(planned: Planned) -> t.Iterator[Problem]:
    """``apache/kafka`` is given a configuration."""
    for server in planned.kafka:
        mounted = any(mount.path == "/mnt/shared/config" for mount in server.workload.mounts)
        if server.workload.family is _images.APACHE and dict(server.properties) == _images.DEFAULT_FILE and not mounted:
            yield Problem(
                server.workload.where, "no variable KAFKA_... is set, and no file is mounted", "set process.roles, listeners and the rest", (server.pod,)
            )


@rule(
    "IMAGE-TLS-BY-NAME",
    "error",
    "start",
    "The script exits: 'KAFKA_SSL_KEYSTORE_FILENAME environment variable not set'. It looks at the listener's name, not at its security protocol.",
    example=Example("zookeeper", wrong=_named("MYSSL"), right=_named("MINE")),
)
def tls_by_name(planned: Planned) -> t.Iterator[Problem]:
    """Listeners whose names end in SSL have their key store where the image's script looks for it."""
    for server in planned.kafka:
        scripted = server.workload.family in (_images.APACHE, _images.CONFLUENT)
        if scripted and "SSL://" in server.environment.get("KAFKA_ADVERTISED_LISTENERS", "") and not server.environment.get("KAFKA_SSL_KEYSTORE_FILENAME"):
            fix = "set KAFKA_SSL_KEYSTORE_FILENAME and its credentials, or give the listener a name that does not end in SSL"
            yield Problem(server.where("advertised.listeners"), "a listener's name ends in SSL, and KAFKA_SSL_KEYSTORE_FILENAME is not set", fix)


@rule(
    "ENV-NOT-EXPANDED",
    "error",
    "config",
    "The text $(...) itself reaches Kafka: the kubelet only puts in variables that stand before, in the same container.",
    instead_of=("LSN-PARSE", "ID-NOT-INT"),
    example=Example(
        "zookeeper",
        wrong=objects(changed("kafka", "KAFKA_BROKER_RACK=rack-$(RACK)")),
        right=objects(changed("kafka", "RACK=a", "KAFKA_BROKER_RACK=rack-$(RACK)")),
    ),
)
def not_expanded(planned: Planned) -> t.Iterator[Problem]:
    """Variables are set before they are used in another one."""
    for server in planned.servers:
        for variable, value in server.environment.items():
            found = _UNEXPANDED.search(value)
            if found and (_images.property_of(variable, server.workload.family) or variable.startswith("ZOO")):
                fix = f"put {found[0][2:-1]} in front of it, in the same container"
                yield Problem(f"{server.workload.where} ({variable})", f"{found[0]} is not set before {variable}", fix, (server.pod,))
