# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests that somebody wrote: what their processes would run with, and where names lead."""

from __future__ import annotations

import copy
import pathlib
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _cluster_rules, _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images, _names, _shell

EXAMPLES = pathlib.Path(__file__).resolve().parents[4] / "docs" / "examples"
MANIFESTS = {path.stem: list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in EXAMPLES.glob("*.yml")}

Object = dict[str, t.Any]


def stateful_set(container: Object, **spec: t.Any) -> Object:
    pod = {"containers": [{"name": "kafka", **container}], **spec.pop("pod", {})}
    found = {"serviceName": "kafka-hs", "template": {"metadata": {"labels": {"app": "kafka"}}, "spec": pod}, **spec}
    return {"kind": "StatefulSet", "metadata": {"name": "kafka"}, "spec": found}


def variables(**values: str) -> list[Object]:
    return [{"name": name, "value": value} for name, value in values.items()]


def servers(*objects: Object, **options: t.Any) -> list[t.Any]:
    return list(_cluster_rules.from_manifests(objects, **options)[0].servers)


def rules(*objects: Object, **options: t.Any) -> set[str]:
    return {finding.rule for finding in _validate.validate_manifests(list(objects), options)} - {"LIVE-SKIPPED"}


@pytest.mark.parametrize(
    ("image", "component", "family", "release"),
    [
        ("apache/kafka:3.9.1", "kafka", _images.APACHE, "3.9.1"),
        ("registry.example.com:5000/mirror/apache/kafka:4.0.0@sha256:00", "kafka", _images.APACHE, "4.0.0"),
        ("apache/kafka-native:4.1.0", "kafka", _images.APACHE, "4.1.0"),
        ("confluentinc/cp-kafka:5.4.1", "kafka", _images.CONFLUENT, "2.4"),
        ("confluentinc/cp-server:6.2.0-1-ubi8", "kafka", _images.CONFLUENT, "2.8"),
        ("confluentinc/cp-kafka:8.1.0", "kafka", _images.CONFLUENT, "4.1"),
        ("confluentinc/cp-kafka", "kafka", _images.CONFLUENT, None),
        ("confluentinc/cp-kafka:latest", "kafka", _images.CONFLUENT, None),
        ("bitnami/kafka:3.7.0-debian-12-r0", "kafka", _images.BITNAMI, "3.7.0"),
        ("bitnamilegacy/kafka:3.9.0", "kafka", _images.BITNAMI, "3.9.0"),
        ("wurstmeister/kafka:2.13-2.8.1", "kafka", _images.WURSTMEISTER, "2.8.1"),
        ("confluentinc/cp-zookeeper:5.4.0", "zookeeper", _images.CONFLUENT_ZOOKEEPER, "3.5.6"),
        ("zookeeper:3.8.4", "zookeeper", _images.ZOOKEEPER, "3.8.4"),
        ("bitnami/zookeeper:3.9", "zookeeper", _images.BITNAMI_ZOOKEEPER, "3.9"),
        ("confluentinc/cp-schema-registry:7.9.0", "schema-registry", _images.CONFLUENT_OTHER, "3.9"),
        ("nginx", "", _images.FILE, None),
        ("", "", _images.FILE, None),
    ],
)
def test_an_image_tells_what_it_runs(image: str, component: str, family: t.Any, release: str | None) -> None:
    found = _images.identify(image)
    assert (found.component, found.family, str(found.release) if found.release else None) == (component, family, release)


@pytest.mark.parametrize(
    ("family", "variable", "key"),
    [
        (_images.APACHE, "KAFKA_LOG_DIRS", "log.dirs"),
        (_images.APACHE, "KAFKA_A__B___C", "a_b-c"),
        (_images.WURSTMEISTER, "KAFKA_A__B", "a..b"),
        (_images.BITNAMI, "KAFKA_CFG_LOG_DIRS", "log.dirs"),
        (_images.BITNAMI, "KAFKA_HEAP_OPTS", ""),
        (_images.APACHE, "KAFKA_HEAP_OPTS", ""),
        (_images.APACHE, "CLUSTER_ID", ""),
        (_images.FILE, "KAFKA_LOG_DIRS", ""),
    ],
)
def test_variables_become_properties(family: t.Any, variable: str, key: str) -> None:
    assert _images.property_of(variable, family) == key


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("export ID=${HOSTNAME##*-}", "2"),
        ("export ID=$((${HOSTNAME##*-} + 100)); exec run", "102"),
        ("export ID=$((100 + ${HOSTNAME##*-}))", "102"),
        ('export A=1 && export ID="$A$HOSTNAME"', "1kafka-2"),
        ("export ID=${NOTHING:-7}", "7"),
        ("export ID='$HOSTNAME'", "$HOSTNAME"),
        ("export ID=$(hostname)", None),
        ("export ID=`hostname`", None),
        ("export ID=${HOSTNAME%%-*}", None),
        ("export ID=$((${HOSTNAME##*-} * 2))", None),
        ("export OTHER=1", "unset"),
        ("ID=$((${HOSTNAME##*-}+1)) run", "3"),
        ("export A=1 ID=$HOSTNAME", "kafka-2"),
        ("ID=`hostname | cut -c1` run", None),
        ("run --override broker.ID=7 -DID=8", "unset"),
    ],
)
def test_a_script_sets_variables(script: str, expected: str | None) -> None:
    assert _shell.assigned(script, {"HOSTNAME": "kafka-2"}).get("ID", "unset") == expected


def test_overrides_and_myid() -> None:
    script = "exec kafka-server-start.sh server.properties --override broker.id=${HOSTNAME##*-} --override log.dir=/data"
    assert _shell.overrides(script, {"HOSTNAME": "kafka-1"}) == {"broker.id": "1", "log.dir": "/data"}
    assert _shell.myid("echo $((1 + ${HOSTNAME##*-})) > /data/myid && zkServer.sh", {"HOSTNAME": "zk-1"}) == "2"
    assert _shell.myid("zkServer.sh start-foreground", {}) is None


def test_each_pod_has_its_own_environment() -> None:
    entries = [
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        *variables(KAFKA_ADVERTISED_LISTENERS="A://$(POD).$(LATER):9092,B://$(IP):9093", LATER="x", KAFKA_BROKER_RACK="$$(POD)"),
    ]
    found = servers(stateful_set({"image": "apache/kafka:3.9.0", "env": entries}, replicas=2))
    assert [server.properties["advertised.listeners"].partition(",")[0] for server in found] == ["A://kafka-0.$(LATER):9092", "A://kafka-1.$(LATER):9092"]
    assert found[0].properties["broker.rack"] == "$(POD)"
    assert len({server.properties["advertised.listeners"].rpartition("//")[2] for server in found}) == 2


def test_values_from_config_maps_and_secrets() -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"KAFKA_LOG_DIRS": "/data/log", "rack": "a"}}
    entries = [
        {"name": "KAFKA_BROKER_RACK", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "rack"}}},
        {"name": "KAFKA_SSL_KEYSTORE_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "tls", "key": "password"}}},
    ]
    container = {"image": "apache/kafka:3.9.0", "envFrom": [{"configMapRef": {"name": "settings"}}], "env": entries}
    (server,) = servers(stateful_set(container), config)
    assert (server.properties["log.dirs"], server.properties["broker.rack"]) == ("/data/log", "a")
    assert set(server.unread) == {"ssl.keystore.password"}
    assert "MANIFEST-UNREAD" in rules(stateful_set(container), config)


def test_an_unread_value_is_no_mistake() -> None:
    """Whatever depends on it is not judged; the twin that lacks it is."""
    source = {"name": "KAFKA_ZOOKEEPER_CONNECT", "valueFrom": {"secretKeyRef": {"name": "zk", "key": "connect"}}}
    given = variables(KAFKA_LISTENERS="PLAINTEXT://:9092", KAFKA_ADVERTISED_LISTENERS="PLAINTEXT://a.example.com:9092", KAFKA_BROKER_ID="1")
    image = {"image": "confluentinc/cp-kafka:7.9.0"}
    assert "ZK-CONNECT-REQUIRED" not in rules(stateful_set({**image, "env": [*given, source]}))
    assert "ZK-CONNECT-REQUIRED" in rules(stateful_set({**image, "env": given}))


@pytest.mark.parametrize("wrapped", [False, True], ids=["configMap", "projected"])
def test_a_file_in_a_config_map(wrapped: bool) -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "files"}, "data": {"server.properties": "broker.id=3\nlog.dirs=/data/log"}}
    source = {"configMap": {"name": "files"}}
    volume = {"name": "config", **({"projected": {"sources": [source]}} if wrapped else source)}
    container = {"image": "registry.example.com/kafka:1", "command": ["kafka-server-start.sh", "/etc/server.properties"]}
    (server,) = servers(stateful_set({**container, "volumeMounts": [{"name": "config"}]}, pod={"volumes": [volume]}), config, kafka_version="3.9.2")
    assert (server.workload.component, server.id, server.log_dirs) == ("kafka", 3, ["/data/log"])
    assert str(server.release) == "3.9.2"


def test_a_placeholder_that_a_script_replaces_is_unread() -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "files"}, "data": {"server.properties": "broker.id=${ID}\nlog.dirs=/data/log"}}
    pod = {"volumes": [{"name": "config", "configMap": {"name": "files"}}]}
    container = {"image": "registry.example.com/kafka:1", "volumeMounts": [{"name": "config"}]}
    plain, scripted = stateful_set(container, pod=pod), stateful_set({**container, "command": ["sh", "-c", "sed ..."]}, pod=pod)
    assert dict(servers(plain, config)[0].unread) == {}
    assert set(servers(scripted, config)[0].unread) == {"broker.id"}
    assert "ID-NOT-INT" in rules(plain, config)
    assert "ID-NOT-INT" not in rules(scripted, config)


ZOO_MEMBERS = {1: "zk-0.zk:2888:3888", 2: "zk-1.zk:2888:3888"}


@pytest.mark.parametrize(
    ("image", "env"),
    [
        ("confluentinc/cp-zookeeper:7.0.0", {"ZOOKEEPER_SERVERS": ";".join(ZOO_MEMBERS.values()), "ZOOKEEPER_SERVER_ID": "2"}),
        ("zookeeper:3.8.4", {"ZOO_SERVERS": " ".join(f"server.{number}={text};2181" for number, text in ZOO_MEMBERS.items()), "ZOO_MY_ID": "2"}),
        ("bitnami/zookeeper:3.8", {"ZOO_SERVERS": ",".join(f"{text}::{number}" for number, text in ZOO_MEMBERS.items()), "ZOO_SERVER_ID": "2"}),
    ],
)
def test_images_of_zookeeper(image: str, env: dict[str, str]) -> None:
    (server,) = servers(stateful_set({"image": image, "env": variables(**env)}))
    assert (server.workload.component, server.myid) == ("zookeeper", "2")
    assert {number: member.host for number, member in server.zoo.members.items()} == {1: "zk-0.zk", 2: "zk-1.zk"}


@pytest.mark.parametrize(
    ("host", "kind", "everywhere"),
    [
        ("kafka-0.kafka-hs.demo.svc.cluster.local", "pod", True),
        ("kafka-0.kafka-hs.demo.svc.cluster.local.", "pod", True),
        ("KAFKA-0.kafka-hs.demo.svc", "pod", True),
        ("kafka-0.kafka-hs.demo", "pod", True),
        ("kafka-0.kafka-hs", "pod", False),
        ("kafka-hs", "service", False),
        ("kafka-hs.demo", "service", True),
        ("kafka-hs.demo.svc.cluster.local", "service", True),
        ("kafka-3.kafka-hs", "missing", None),
        ("kafka-0.zk-hs", "missing", None),
        ("kafka-0.kafka-hs.other.svc.cluster.local", "missing", None),
        ("kafka-0.kafka-hs.demo.svc.k8s.example", "missing", None),
        ("demo.svc.cluster.local", "missing", None),
        ("kafka", "unplanned", None),
        ("kafka.demo", "unplanned", None),
        ("kafka-0.lan", "unplanned", None),
        ("zk.elsewhere.svc.cluster.local", "outside", None),
        ("kafka-0.example.com", "outside", None),
        ("kafka-0.kafka-hs.", "outside", None),
        ("10.0.0.1", "outside", None),
        ("[2001:db8::1]", "outside", None),
    ],
)
def test_where_a_name_leads(host: str, kind: str, everywhere: bool | None) -> None:
    planned, _findings = _cluster_rules.from_manifests(MANIFESTS["zookeeper"])
    lead = _names.follow(planned, host, "demo")
    assert lead.kind == kind
    assert everywhere in (None, lead.everywhere)
    assert bool(lead.reason) == (kind == "missing")


def test_the_release_of_an_image_that_names_none() -> None:
    env = variables(KAFKA_BROKER_ID="1", KAFKA_ZOOKEEPER_CONNECT="zk:2181")
    unknown = stateful_set({"image": "confluentinc/cp-kafka:latest", "env": env})
    assert "MANIFEST-RELEASE" in rules(unknown)
    assert "MANIFEST-RELEASE" not in rules(unknown, kafka_version="3.9.2")
    assert str(servers(unknown)[0].release) == "3.9"


@pytest.mark.parametrize("manifests", [[], [{"kind": "Service", "metadata": {"name": "x"}}], None, "text", [1, "a", None]])
def test_manifests_without_kafka(manifests: t.Any) -> None:
    assert [finding.rule for finding in _validate.validate_manifests(manifests, {})] == ["MANIFEST-NO-KAFKA", "LIVE-SKIPPED"]


def test_a_list_of_objects_is_opened() -> None:
    listed = [{"kind": "List", "items": MANIFESTS["kraft"]}]
    assert len(servers(*listed)) == len(servers(*MANIFESTS["kraft"])) == 6


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(["None", "$(A)", "kafka", "9092"])
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)


def paths(value: t.Any, path: tuple[t.Any, ...] = ()) -> list[tuple[t.Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


ALL_PATHS = {name: [path for path in paths(objects) if path] for name, objects in MANIFESTS.items()}


@hypothesis.given(st.sampled_from(sorted(MANIFESTS)), st.data())
@hypothesis.settings(max_examples=300, deadline=None)
def test_anything_at_all_gives_findings_and_no_traceback(name: str, data: st.DataObject) -> None:
    """Some values anywhere in good manifests are replaced by any other ones."""
    objects = copy.deepcopy(MANIFESTS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(ALL_PATHS[name]))
        parent: t.Any = objects
        try:
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = data.draw(ANYTHING)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    for finding in _validate.validate_manifests(objects, {}):
        assert finding.as_dict()["rule"]
