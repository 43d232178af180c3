# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with Kafka on Kubernetes, as manifests that somebody could have written, each with a near twin that works."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Severity
from unit.rules.patches import nothing_there, patched

Patch = dict[str, t.Any]
NONE: tuple[Patch, ...] = ()
POD_LABEL = "statefulset.kubernetes.io/pod-name"


@dataclasses.dataclass(frozen=True)
class Case:
    """``planned`` merged into a base breaks ``rule`` and nothing else but ``also``; ``twin`` differs in little and works.

    ``spares``: rules that the twin breaks too, since it shares a fault that is not what the case is about.
    """

    name: str
    base: str
    rule: str
    severity: Severity
    planned: tuple[Patch, ...]
    twin: tuple[Patch, ...]
    also: frozenset[str] = frozenset()
    spares: frozenset[str] = frozenset()
    variables: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    stored_ids: t.Mapping[str, int] = dataclasses.field(default_factory=dict)


def service(name: str, port: int = 9092, **spec: t.Any) -> Patch:
    return {"kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": "other"}, "ports": [{"port": port}], **spec}}


def headless(name: str, **spec: t.Any) -> Patch:
    return {"kind": "Service", "metadata": {"name": name}, "spec": {"clusterIP": "None", **spec}}


def one_pod(name: str, port: int = 9092, target: int = 9092, **spec: t.Any) -> Patch:
    """A Service for the pod of its name."""
    return service(name, **{"selector": {POD_LABEL: name}, "ports": [{"port": port, "targetPort": target}], **spec})


def gone(kind: str, name: str) -> Patch:
    return {"kind": kind, "metadata": {"name": name}, "$patch": "delete"}


def workload(
    name: str,
    env: t.Mapping[str, str | None] | None = None,
    *,
    kind: str = "StatefulSet",
    pod: t.Mapping[str, t.Any] | None = None,
    container: t.Mapping[str, t.Any] | None = None,
    labels: t.Mapping[str, str] | None = None,
    **spec: t.Any,
) -> Patch:
    """A change to a workload; a variable of None is taken away."""
    variables = [{"name": key, "$patch": "delete"} if value is None else {"name": key, "value": value} for key, value in (env or {}).items()]
    changed: Patch = {"name": name, **(container or {})}
    if variables:
        changed["env"] = variables
    template: Patch = {"spec": {**(pod or {}), "containers": [changed]}}
    if labels is not None:
        template["metadata"] = {"labels": dict(labels)}
    return {"kind": kind, "metadata": {"name": name}, "spec": {**spec, "template": template}}


def kafka(env: t.Mapping[str, str | None] | None = None, **options: t.Any) -> Patch:
    return workload("kafka", env, **options)


def kafka_image(image: str, env: t.Mapping[str, str | None] | None = None, **options: t.Any) -> Patch:
    return kafka(env, container={"image": image}, **options)


def advertised(value: str, **env: str | None) -> Patch:
    return kafka({"KAFKA_ADVERTISED_LISTENERS": value, **env})


def voters(*entries: str) -> str:
    return ",".join(entry.replace("@", "@ctl-").replace("!", ".ctl-hs.demo.svc.cluster.local") for entry in entries)


CP_5 = "confluentinc/cp-kafka:5.4.0"
ONE: dict[str, str | None] = {
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_DEFAULT_REPLICATION_FACTOR": "1",
    "KAFKA_MIN_INSYNC_REPLICAS": "1",
}
"""What a single broker needs."""


def single(value: str | None = None, **options: t.Any) -> Patch:
    """One broker, and what it advertises."""
    env = {**ONE, **({"KAFKA_ADVERTISED_LISTENERS": value} if value else {}), **options.pop("env", {})}
    return kafka(env, replicas=1, **options)


def registry(links: bool) -> Patch:
    image = {"image": "confluentinc/cp-schema-registry:5.4.0"}
    return workload("schema-registry", kind="Deployment", container=image, pod={"enableServiceLinks": links}, labels={"app": "schema-registry"})


def shop(namespace: str) -> Patch:
    """A client application."""
    found = workload("shop", {"KAFKA_BOOTSTRAP_SERVERS": "kafka-hs.demo:9092"}, kind="Deployment")
    found["metadata"]["namespace"] = namespace
    return found


def deployment(env: t.Mapping[str, str | None], replicas: int = 3) -> tuple[Patch, ...]:
    """The brokers as one Deployment instead of a StatefulSet, on a claim that they share."""
    variables: list[Patch] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    base = {
        "KAFKA_ZOOKEEPER_CONNECT": "zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-2.zk-hs:2181/kafka",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data/logs",
        **env,
    }
    variables += [{"name": name, "value": value} for name, value in base.items()]
    container = {
        "name": "kafka",
        "image": "confluentinc/cp-kafka:7.9.0",
        "env": variables,
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/kafka/data"}],
    }
    pod = {"containers": [container], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "kafka"}}]}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "kafka"}}, "template": {"metadata": {"labels": {"app": "kafka"}}, "spec": pod}}
    return gone("StatefulSet", "kafka"), {"kind": "Deployment", "metadata": {"name": "kafka"}, "spec": spec}


def two_listeners(external: str, port: int = 9094, **env: str | None) -> dict[str, str | None]:
    """An internal listener and one for clients outside, both PLAINTEXT."""
    return {
        "KAFKA_LISTENERS": f"INTERNAL://:9092,EXTERNAL://:{port}",
        "KAFKA_ADVERTISED_LISTENERS": f"INTERNAL://$(POD_NAME).kafka-hs.demo.svc.cluster.local:9092,EXTERNAL://{external}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        **env,
    }


def node_ports(*ports: int) -> list[Patch]:
    return [one_pod(f"kafka-{number}", type="NodePort", ports=[{"port": 9094, "targetPort": 9094, "nodePort": port}]) for number, port in enumerate(ports)]


PER_POD = tuple(one_pod(f"kafka-{number}") for number in range(3))
QUORUM_PROBE = {"readinessProbe": {"exec": {"command": ["kafka-metadata-quorum.sh", "--bootstrap-controller", "localhost:9093", "describe", "--status"]}}}
RUOK = {"readinessProbe": {"exec": {"command": ["sh", "-c", "echo ruok | nc localhost 2181"]}}}
OPEN = {"readinessProbe": {"tcpSocket": {"port": 2181}}}
MIGRATING: dict[str, str | None] = {
    "KAFKA_ZOOKEEPER_METADATA_MIGRATION_ENABLE": "true",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
}
ALL = voters("100@0!:9093", "101@1!:9093", "102@2!:9093")


def both(env: t.Mapping[str, str | None]) -> tuple[Patch, ...]:
    """Controllers and brokers."""
    return workload("ctl", env), kafka(env)


CASES: list[Case] = [
    # --- Services whose names become variables
    Case("kafka, cp image", "zookeeper", "ENV-KAFKA-PORT", "error", (service("kafka"), kafka_image(CP_5)), (service("kafka-clients"), kafka_image(CP_5))),
    Case(
        "kafka, an image that maps every variable, Kafka 2.4",
        "zookeeper",
        "ENV-KAFKA-PORT",
        "error",
        (service("kafka"), kafka_image("registry.example.com/mine/kafka:2.4.1")),
        (service("kafka"), kafka_image("registry.example.com/mine/kafka:2.4.1", pod={"enableServiceLinks": False})),
    ),
    Case("kafka, Kafka 3.0 and later", "kraft", "ENV-KAFKA-PORT", "warning", (service("kafka"),), (headless("kafka"),)),
    Case(
        "kafka-advertised",
        "zookeeper",
        "ENV-KAFKA-ADVERTISED-PORT",
        "error",
        (service("kafka-advertised"), kafka_image(CP_5)),
        (headless("kafka-advertised"), kafka_image(CP_5)),
    ),
    Case(
        "kafka-jmx",
        "zookeeper",
        "ENV-KAFKA-JMX-PORT",
        "error",
        (service("kafka-jmx", 5555),),
        (service("kafka-jmx", 5555), kafka({"KAFKA_JMX_PORT": "5555"}), workload("zk", {"KAFKA_JMX_PORT": "5555"})),
    ),
    Case(
        "schema-registry",
        "zookeeper",
        "ENV-COMPONENT-PORT",
        "error",
        (service("schema-registry", 8081), registry(links=True)),
        (service("schema-registry", 8081), registry(links=False)),
    ),
    Case(
        "zookeeper-client",
        "zookeeper",
        "ENV-ZOOKEEPER-CLIENT-PORT",
        "error",
        (service("zookeeper-client", 2181), workload("zk", {"ZOOKEEPER_CLIENT_PORT": None})),
        (service("zookeeper-client", 2181),),
    ),
    # --- one address for several brokers
    Case(
        "Deployment with ZooKeeper",
        "zookeeper",
        "ADV-SHARED",
        "error",
        deployment({"KAFKA_BROKER_ID": "-1", "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092"}),
        deployment({"KAFKA_BROKER_ID": "-1", "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://$(POD_IP):9092"}),
        also=frozenset(("ID-AUTO",)),
        spares=frozenset(("ID-AUTO",)),
    ),
    Case("StatefulSet with KRaft", "kraft", "ADV-SHARED", "error", (advertised("PLAINTEXT://kafka:9092"),), ()),
    Case(
        "Deployment with one id",
        "zookeeper",
        "ID-SHARED",
        "error",
        deployment({"KAFKA_BROKER_ID": "1", "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://$(POD_IP):9092"}),
        deployment({"KAFKA_BROKER_ID": "1", "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://$(POD_IP):9092", **ONE}, replicas=1),
    ),
    Case(
        "a Service in front of one broker",
        "zookeeper",
        "ADV-LB-SERVICE",
        "info",
        (service("bootstrap", selector={"app": "kafka"}), single("PLAINTEXT://bootstrap:9092")),
        (service("bootstrap", selector={"app": "kafka"}), single()),
    ),
    Case(
        "a Service in front of three",
        "zookeeper",
        "ADV-LB-SERVICE",
        "error",
        (service("bootstrap", selector={"app": "kafka"}), advertised("PLAINTEXT://bootstrap:9092")),
        (service("bootstrap", selector={"app": "kafka"}),),
        # So they also share the address.
        also=frozenset(("ADV-SHARED",)),
    ),
    Case(
        "one node port for all",
        "zookeeper",
        "ADV-SHARED",
        "error",
        (
            service("external", type="NodePort", selector={"app": "kafka"}, ports=[{"port": 9094, "nodePort": 31090}]),
            kafka(two_listeners("node1:31090")),
        ),
        (*node_ports(31090, 31091, 31092), kafka(two_listeners("node1:3109$(ORDINAL)"))),
    ),
    # --- names that nothing has
    Case(
        "another headless Service than the governing one",
        "zookeeper",
        "ADV-DNS-UNKNOWN",
        "error",
        (headless("brokers", selector={"app": "kafka"}), advertised("PLAINTEXT://$(POD_NAME).brokers:9092")),
        (headless("brokers", selector={"app": "kafka"}), advertised("PLAINTEXT://$(POD_NAME).brokers:9092"), kafka(serviceName="brokers")),
    ),
    Case("no governing Service", "zookeeper", "ADV-DNS-UNKNOWN", "error", (gone("Service", "kafka-hs"),), ()),
    Case(
        "a governing Service with a cluster IP",
        "zookeeper",
        "ADV-DNS-UNKNOWN",
        "error",
        (service("brokers", selector={"app": "kafka"}), advertised("PLAINTEXT://$(POD_NAME).brokers:9092"), kafka(serviceName="brokers")),
        (headless("brokers", selector={"app": "kafka"}), advertised("PLAINTEXT://$(POD_NAME).brokers:9092"), kafka(serviceName="brokers")),
    ),
    Case(
        "another namespace",
        "zookeeper",
        "ADV-DNS-UNKNOWN",
        "error",
        (single("PLAINTEXT://kafka-0.kafka-hs.b.svc.cluster.local:9092"),),
        (single("PLAINTEXT://kafka-0.kafka-hs.demo.svc.cluster.local:9092"),),
    ),
    Case(
        "another cluster domain",
        "zookeeper",
        "ADV-DNS-UNKNOWN",
        "error",
        (),
        (advertised("PLAINTEXT://$(POD_NAME).kafka-hs.demo.svc.k8s.example:9092"),),
        variables={"kafka_cluster_domain": "k8s.example"},
    ),
    Case(
        "a short name and clients elsewhere",
        "zookeeper",
        "ADV-SHORT-NAME",
        "warning",
        (shop("b"), single("PLAINTEXT://kafka-0.kafka-hs:9092")),
        (shop("demo"), single("PLAINTEXT://kafka-0.kafka-hs:9092")),
    ),
    # --- addresses that lead to the client itself, or cannot be
    Case("localhost", "zookeeper", "ADV-LOOPBACK", "error", (advertised("PLAINTEXT://localhost:9092"),), ()),
    Case("any IPv6 address", "zookeeper", "ADV-WILDCARD", "error", (advertised("PLAINTEXT://[::]:9092"),), (single("PLAINTEXT://[2001:db8::1]:9092"),)),
    Case(
        "an underscore",
        "zookeeper",
        "HOST-NOT-DNS",
        "error",
        (single("PLAINTEXT://kafka_0.example.com:9092"),),
        (single("PLAINTEXT://kafka-0.example.com:9092"),),
    ),
    # --- ports
    Case(
        "the listener's port instead of the Service's",
        "zookeeper",
        "ADV-PORT-NOT-EXPOSED",
        "error",
        (one_pod("kafka-0", 9094, 9093), single(env=two_listeners("kafka-0:9093", 9093))),
        (one_pod("kafka-0", 9094, 9093), single(env=two_listeners("kafka-0:9094", 9093))),
    ),
    Case(
        "a target port where nothing listens",
        "zookeeper",
        "SVC-TARGETPORT",
        "error",
        (one_pod("kafka-0", 9094, 9099), single(env=two_listeners("kafka-0.example.com:9094", 9093))),
        (one_pod("kafka-0", 9094, 9093), single(env=two_listeners("kafka-0.example.com:9094", 9093))),
    ),
    Case(
        "the listener's port instead of the node port",
        "zookeeper",
        "ADV-NODEPORT",
        "error",
        (*node_ports(31090), single(env=two_listeners("node1:9094"))),
        (*node_ports(31090), single(env=two_listeners("node1:31090"))),
    ),
    # --- what is bound
    Case("the loopback address", "zookeeper", "BIND-LOOPBACK", "error", (kafka({"KAFKA_LISTENERS": "PLAINTEXT://localhost:9092"}),), ()),
    Case(
        "the name of a Service",
        "zookeeper",
        "BIND-NOT-LOCAL",
        "error",
        (service("brokers", selector={"app": "kafka"}), kafka({"KAFKA_LISTENERS": "PLAINTEXT://brokers:9092"})),
        (service("brokers", selector={"app": "kafka"}), kafka({"KAFKA_LISTENERS": "PLAINTEXT://0.0.0.0:9092"})),
    ),
    Case(
        "its own name, which it has when it is ready",
        "zookeeper",
        "BIND-UNREADY-DNS",
        "warning",
        (kafka({"KAFKA_LISTENERS": "PLAINTEXT://$(POD_NAME).kafka-hs:9092"}),),
        (headless("kafka-hs", publishNotReadyAddresses=True), kafka({"KAFKA_LISTENERS": "PLAINTEXT://$(POD_NAME).kafka-hs:9092"})),
    ),
    Case(
        "a privileged port",
        "zookeeper",
        "BIND-PRIVILEGED",
        "warning",
        (
            headless("kafka-hs", ports=[{"port": 443}]),
            advertised("PLAINTEXT://$(POD_NAME).kafka-hs:443", KAFKA_LISTENERS="PLAINTEXT://:443"),
            kafka(pod={"securityContext": {"runAsNonRoot": True}}),
        ),
        (
            headless("kafka-hs", ports=[{"port": 443}]),
            advertised("PLAINTEXT://$(POD_NAME).kafka-hs:443", KAFKA_LISTENERS="PLAINTEXT://:443"),
            kafka(pod={"securityContext": {"runAsUser": 0}}),
        ),
    ),
    Case("the port of JMX", "zookeeper", "PORT-CLASH", "error", (kafka({"JMX_PORT": "9092"}),), (kafka({"JMX_PORT": "9099"}),)),
    # --- images
    Case(
        "listeners made from advertised ones",
        "zookeeper",
        "CP-DERIVED-LISTENERS",
        "error",
        (single(env=two_listeners("lb.example.com:9092", KAFKA_LISTENERS=None)),),
        (single(env=two_listeners("lb.example.com:9094", KAFKA_LISTENERS=None)),),
    ),
    Case(
        "a controller that advertises, apache/kafka",
        "kraft",
        "IMAGE-ADV-CONTROLLER",
        "error",
        (workload("ctl", {"KAFKA_ADVERTISED_LISTENERS": "CONTROLLER://ctl-$(ORDINAL).ctl-hs.demo.svc.cluster.local:9093"}),),
        (),
    ),
    Case(
        "apache/kafka without a cluster id",
        "kraft",
        "CLUSTER-ID-DEFAULT",
        "warning",
        both({"CLUSTER_ID": None}),
        both({"CLUSTER_ID": "AAAAAAAAAAAAAAAAAAAAAA"}),
    ),
    # --- storage
    Case(
        "a claim above the image's volume",
        "kraft",
        "STORAGE-IMAGE-VOLUME",
        "error",
        (kafka({"KAFKA_LOG_DIRS": "/var/lib/kafka/data"}, container={"volumeMounts": [{"name": "data", "mountPath": "/var/lib/kafka"}]}),),
        (kafka({"KAFKA_LOG_DIRS": "/var/lib/kafka/data"}, container={"volumeMounts": [{"name": "data", "subPath": "kafka"}]}),),
    ),
    Case(
        "the root of a volume",
        "zookeeper",
        "STORAGE-LOST-FOUND",
        "error",
        (kafka({"KAFKA_LOG_DIRS": "/var/lib/kafka/data"}),),
        (kafka({"KAFKA_LOG_DIRS": "/var/lib/kafka/data"}, container={"volumeMounts": [{"name": "data", "subPath": "kafka"}]}),),
    ),
    Case(
        "no volume below log.dirs",
        "kraft",
        "STORAGE-EPHEMERAL",
        "error",
        (kafka({"KAFKA_LOG_DIRS": None}, container={"volumeMounts": [{"name": "data", "mountPath": "/data"}]}),),
        (kafka({"KAFKA_LOG_DIRS": None}, container={"volumeMounts": [{"name": "data", "mountPath": "/tmp"}]}),),
    ),
    Case(
        "ZooKeeper on an emptyDir",
        "zookeeper",
        "CLUSTER-ID-LOSS",
        "error",
        (
            workload(
                "zk",
                pod={"volumes": [{"name": "scratch", "emptyDir": {}}]},
                container={"volumeMounts": [{"name": "data", "$patch": "delete"}, {"name": "scratch", "mountPath": "/var/lib/zookeeper/data"}]},
            ),
        ),
        (),
    ),
    # --- replication
    Case(
        "defaults for one broker",
        "zookeeper",
        "RF-GT-BROKERS",
        "error",
        (kafka({"KAFKA_DEFAULT_REPLICATION_FACTOR": None, "KAFKA_MIN_INSYNC_REPLICAS": None}, replicas=1),),
        (single(),),
    ),
    Case(
        "more in sync than there are",
        "zookeeper",
        "MINISR-GT-RF",
        "error",
        (kafka({"KAFKA_DEFAULT_REPLICATION_FACTOR": "2", "KAFKA_MIN_INSYNC_REPLICAS": "3"}),),
        (),
    ),
    Case("all must be in sync", "zookeeper", "MINISR-EQ-RF", "warning", (kafka({"KAFKA_MIN_INSYNC_REPLICAS": "3"}),), ()),
    # --- controllers
    Case(
        "a voter that is no pod",
        "kraft",
        "VOT-UNKNOWN-POD",
        "error",
        both({"KAFKA_CONTROLLER_QUORUM_VOTERS": voters("100@0!:9093", "101@1!:9093", "103@3!:9093")}),
        both({"KAFKA_CONTROLLER_QUORUM_VOTERS": ALL}),
    ),
    Case(
        "other voters on the brokers",
        "kraft",
        "VOT-INCONSISTENT",
        "error",
        (kafka({"KAFKA_CONTROLLER_QUORUM_VOTERS": ALL.rpartition(",")[0] + ",102@controller.example.com:9093"}),),
        (kafka({"KAFKA_CONTROLLER_QUORUM_VOTERS": voters("100@0.ctl-hs:9093", "101@1.ctl-hs:9093", "102@2.ctl-hs:9093")}),),
    ),
    Case(
        "another port than the controllers have",
        "kraft",
        "VOT-PORT-MISMATCH",
        "error",
        (workload("ctl", {"KAFKA_LISTENERS": "CONTROLLER://:9095"}),),
        (workload("ctl", {"KAFKA_LISTENERS": "CONTROLLER://:9095"}), *both({"KAFKA_CONTROLLER_QUORUM_VOTERS": ALL.replace("9093", "9095")})),
    ),
    Case(
        "ids of brokers and of controllers",
        "kraft",
        "ID-OVERLAP",
        "error",
        (kafka({"KAFKA_NODE_ID": "10$(ORDINAL)"}),),
        (kafka({"KAFKA_NODE_ID": "20$(ORDINAL)"}),),
    ),
    Case(
        "readiness that needs a quorum",
        "kraft",
        "QUORUM-DEADLOCK",
        "error",
        (headless("ctl-hs", publishNotReadyAddresses=False), workload("ctl", podManagementPolicy="OrderedReady", container=QUORUM_PROBE)),
        (headless("ctl-hs", publishNotReadyAddresses=False), workload("ctl", podManagementPolicy="OrderedReady")),
    ),
    # --- ZooKeeper
    Case("names of ready servers only", "zookeeper", "ZK-UNREADY-DNS", "error", (headless("zk-hs", publishNotReadyAddresses=False),), ()),
    Case(
        "all addresses in 3.5.6",
        "zookeeper",
        "ZK-2164",
        "error",
        (workload("zk", {"ZOOKEEPER_QUORUM_LISTEN_ON_ALL_IPS": "true"}, container={"image": "confluentinc/cp-zookeeper:5.4.0"}),),
        (workload("zk", {"ZOOKEEPER_QUORUM_LISTEN_ON_ALL_IPS": "true"}, container={"image": "confluentinc/cp-zookeeper:6.0.0"}),),
    ),
    Case(
        "two servers",
        "zookeeper",
        "ZK-EVEN",
        "warning",
        (
            workload("zk", {"ZOOKEEPER_SERVERS": "zk-0.zk-hs:2888:3888;zk-1.zk-hs:2888:3888"}, replicas=2),
            kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-0.zk-hs:2181,zk-1.zk-hs:2181/kafka"}),
        ),
        (),
    ),
    Case(
        "a number from ordinal 0",
        "zookeeper",
        "ZK-MYID",
        "error",
        (workload("zk", container={"command": ["sh", "-c", "export ZOOKEEPER_SERVER_ID=${HOSTNAME##*-} && exec /etc/confluent/docker/run"]}),),
        (workload("zk", container={"command": ["sh", "-c", "export ZOOKEEPER_SERVER_ID=$((1 + ${HOSTNAME##*-})) && exec /etc/confluent/docker/run"]}),),
    ),
    Case("a probe with a word that is not allowed", "zookeeper", "ZK-4LW", "error", (workload("zk", container=RUOK),), (workload("zk", container=OPEN),)),
    Case(
        "a server that is no pod",
        "zookeeper",
        "ZKC-UNKNOWN-HOST",
        "error",
        (kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-3.zk-hs:2181/kafka"}),),
        (kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-2.zk-hs:2181/kafka"}),),
    ),
    Case(
        "the chroot behind every server",
        "zookeeper",
        "ZKC-CHROOT-EACH",
        "error",
        (gone("StatefulSet", "zk"), gone("Service", "zk-hs"), kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-0:2181/kafka,zk-1:2181/kafka"})),
        (gone("StatefulSet", "zk"), gone("Service", "zk-hs"), kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-0:2181,zk-1:2181/kafka"})),
    ),
    Case(
        "a chroot for each broker",
        "zookeeper",
        "ZKC-INCONSISTENT",
        "error",
        (kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-2.zk-hs:2181/kafka-$(ORDINAL)"}),),
        (kafka({"KAFKA_ZOOKEEPER_CONNECT": "zk-2.zk-hs:2181,zk-1.zk-hs:2181,zk-0.zk-hs:2181/kafka"}),),
    ),
    Case(
        "a session longer than 20 ticks",
        "zookeeper",
        "ZK-SESSION-CLAMP",
        "warning",
        (kafka({"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS": "120000"}),),
        (kafka({"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS": "120000"}), workload("zk", {"ZOOKEEPER_MAX_SESSION_TIMEOUT": "120000"})),
    ),
    Case(
        "the session of Kafka 2.4",
        "zookeeper",
        "ZK-SESSION-SHORT",
        "info",
        (kafka_image(CP_5, {"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS": None}),),
        (kafka_image("confluentinc/cp-kafka:5.5.0", {"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS": None}),),
    ),
    # --- what is on disk, and migration
    Case("other ids on the disks", "zookeeper", "ID-META-MISMATCH", "error", (), (), stored_ids={"kafka-0": 1001, "kafka-1": 1002}),
    Case(
        "a broker's id among the voters",
        "zookeeper",
        "MIG-ID-OVERLAP",
        "error",
        (single(env={**MIGRATING, "KAFKA_BROKER_ID": "1", "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@c.example.com:9093"}),),
        (single(env={**MIGRATING, "KAFKA_BROKER_ID": "1", "KAFKA_CONTROLLER_QUORUM_VOTERS": "3000@c.example.com:9093"}),),
    ),
]

FINE: list[tuple[str, str, tuple[Patch, ...]]] = [
    ("a headless Service gives no variables", "zookeeper", (headless("kafka"), kafka_image(CP_5))),
    ("a variable that is set wins", "zookeeper", (service("kafka"), kafka_image(CP_5, {"KAFKA_PORT": ""}))),
    ("service links are off", "zookeeper", (service("kafka"), kafka_image(CP_5, pod={"enableServiceLinks": False}))),
    ("a Service of another namespace", "zookeeper", ({**service("kafka"), "metadata": {"name": "kafka", "namespace": "other"}}, kafka_image(CP_5))),
    ("a Service for each pod", "zookeeper", (*PER_POD, advertised("PLAINTEXT://$(POD_NAME):9092"))),
    ("pods below their governing Service", "zookeeper", (advertised("PLAINTEXT://$(POD_NAME).kafka-hs.demo.svc.cluster.local:9092"),)),
]


def found(
    base: str, patches: t.Sequence[Patch], variables: t.Mapping[str, str] | None = None, stored_ids: t.Mapping[str, int] | None = None
) -> set[tuple[str, str]]:
    """Rules and severities of all that both layers say; a patch may change what an earlier one has made."""
    objects = patched(base, patches)
    findings = _validate.validate_manifests(objects, variables or {}, nothing_there, stored_ids=stored_ids)
    return {(finding.rule, finding.severity) for finding in findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_found_and_nothing_else(case: Case) -> None:
    told = found(case.base, case.planned, case.variables, case.stored_ids)
    assert (case.rule, case.severity) in told
    assert {rule for rule, _severity in told} - case.also == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_near_twin_is_fine(case: Case) -> None:
    assert {rule for rule, _severity in found(case.base, case.twin, case.variables)} == case.spares


@pytest.mark.parametrize(("name", "base", "patches"), FINE)
def test_what_is_fine_is_not_found(name: str, base: str, patches: tuple[Patch, ...]) -> None:
    assert found(base, patches) == set()


def test_the_table_is_complete() -> None:
    """57 faults and 6 things that look like one."""
    assert (len(CASES), len(FINE)) == (57, 6)
    assert len({case.name for case in CASES}) == len(CASES)
