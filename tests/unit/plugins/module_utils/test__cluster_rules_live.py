# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned beside what is there already."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _manifests, _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.live import ALL_SERVICES, KINDS
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from unit.rules.patches import nothing_there

Object = dict[str, t.Any]

VARIABLES: dict[str, t.Any] = {
    "kafka_mode": "zookeeper",
    "kafka_version": "3.9.2",
    "kafka_cluster_name": "events",
    "kafka_namespace": "team",
    "kafka_node_pools": [{"name": "broker", "node_ids": [0, 1, 2], "volumes": [{"size": "10Gi", "storage_class": "fast"}]}],
    "kafka_listeners": [
        {"name": "INTERNAL", "port": 9092},
        {"name": "EXTERNAL", "port": 9094, "exposure": "node_port", "advertised_host": "k8s.example.com", "first_node_port": 30000},
    ],
}


def applied(variables: dict[str, t.Any]) -> Found:
    """What is there after these variables were applied."""
    plan = _validate.read(variables, _validate.nowhere)[1].as_dict()
    objects: dict[str, list[Object]] = {kind: [] for kind in KINDS}
    for obj in _manifests.write(plan, _manifests.PARTS, "registry.example.com/kafka@sha256:0"):
        objects.setdefault(obj["kind"], []).append(obj)
    for obj in objects["StatefulSet"]:
        pod = f"{obj['metadata']['name']}-0"
        objects["Pod"].append({"kind": "Pod", "metadata": {**obj["spec"]["template"]["metadata"], "name": pod, "namespace": plan["namespace"]}})
        for claim in obj["spec"]["volumeClaimTemplates"]:
            claim["spec"].setdefault("storageClassName", "standard")
            metadata = {**claim["metadata"], "name": f"{claim['metadata']['name']}-{pod}", "namespace": plan["namespace"]}
            objects["PersistentVolumeClaim"].append({**claim, "metadata": metadata})
    objects["StorageClass"] = [{"metadata": {"name": "fast"}, "allowVolumeExpansion": True}, {"metadata": {"name": "standard"}}]
    objects[ALL_SERVICES] = [*objects["Service"]]
    return Found(True, objects, ())


THERE = applied(VARIABLES)


def beside(more: t.Mapping[str, list[Object]], unreadable: t.Collection[str] = ()) -> Found:
    """What is there, with further objects, and without what may not be read."""
    objects = {kind: [*items, *more.get(kind, [])] for kind, items in THERE.objects.items() if kind not in unreadable}
    return dataclasses.replace(THERE, objects=objects, unreadable=tuple(unreadable))


def instead(**objects: list[Object]) -> Found:
    """What is there, with other objects of some kinds."""
    return dataclasses.replace(THERE, objects={**THERE.objects, **objects})


def rules(variables: dict[str, t.Any], there: Found | None) -> list[str]:
    return [finding.rule for finding in findings(variables, there)]


def findings(variables: dict[str, t.Any], there: Found | None) -> list[t.Any]:
    return _validate.validate(variables, lambda _namespace, _cluster: there)[1]


def changed(**options: t.Any) -> dict[str, t.Any]:
    return {**VARIABLES, **options}


def pool(**options: t.Any) -> dict[str, t.Any]:
    return changed(kafka_node_pools=[{**VARIABLES["kafka_node_pools"][0], **options}])


def test_nothing_to_say_where_nothing_changes() -> None:
    assert rules(VARIABLES, THERE) == []


def test_nothing_to_say_where_nothing_is_there() -> None:
    assert rules(VARIABLES, nothing_there("team", "events")) == []


@pytest.mark.parametrize(
    ("name", "variables", "found"),
    [
        ("a claim grows, and its class can", pool(volumes=[{"size": "20Gi", "storage_class": "fast"}]), set()),
        ("a claim shrinks", pool(volumes=[{"size": "5Gi", "storage_class": "fast"}]), {"CLAIM-SHRINK"}),
        ("another size that is the same", pool(volumes=[{"size": "10240Mi", "storage_class": "fast"}]), set()),
        ("the class is not named", pool(volumes=[{"size": "10Gi"}]), set()),
        ("another class", pool(volumes=[{"size": "10Gi", "storage_class": "slow"}]), {"STS-IMMUTABLE"}),
        ("a disk more", pool(volumes=[{"size": "10Gi", "storage_class": "fast"}] * 2), set()),
        ("a broker more", pool(node_ids=[0, 1, 2, 3]), set()),
        ("a broker less", pool(node_ids=[0, 1]), {"ORPHAN-NODE"}),
        ("a broker less that is named", {**pool(node_ids=[0, 1]), "kafka_scale_in": [2]}, set()),
        ("named as AWX writes it", {**pool(node_ids=[0, 1]), "kafka_scale_in": 2}, set()),
        ("another one is named", {**pool(node_ids=[0, 1]), "kafka_scale_in": [1]}, {"ORPHAN-NODE", "SCALE-IN-DEFINED"}),
        ("two less, and one is named", {**pool(node_ids=[0]), "kafka_scale_in": "[2]"}, {"ORPHAN-NODE"}),
        ("two less, and both are named", {**pool(node_ids=[0]), "kafka_scale_in": "1,2"}, set()),
        ("named, and gone by now", changed(kafka_scale_in=[7]), set()),
        ("a server of ZooKeeper less, by the id of a broker", changed(zookeeper_nodes=1, kafka_scale_in=[3]), {"ORPHAN-NODE", "ZK-SINGLE"}),
        ("two servers of ZooKeeper more", changed(zookeeper_nodes=5), set()),
        ("four more, which are a majority", changed(zookeeper_nodes=7), {"ZK-GROW"}),
        ("named by something that is no number", changed(kafka_scale_in="two"), {"INPUT-TYPE"}),
        ("another cluster in the namespace", changed(kafka_cluster_name="other"), {"NODEPORT-TAKEN"}),
        ("another namespace", changed(kafka_namespace="other"), {"NODEPORT-TAKEN"}),
    ],
)
def test_what_changes_beside_what_is_there(name: str, variables: dict[str, t.Any], found: set[str]) -> None:
    assert set(rules(variables, THERE)) == found


KRAFT: dict[str, t.Any] = {
    "kafka_cluster_name": "events",
    "kafka_namespace": "team",
    "kafka_node_pools": [{"name": "controller", "node_ids": [100, 101, 102], "roles": ["controller"]}, {"name": "broker", "node_ids": [0, 1, 2]}],
}


def kraft(
    quorum: str, controllers: t.Sequence[int], brokers: t.Sequence[int] = (0, 1, 2), roles: t.Sequence[str] = ("broker",), **more: t.Any
) -> dict[str, t.Any]:
    pools = [
        {"name": "controller", "node_ids": list(controllers), "roles": ["controller"]},
        {"name": "broker", "node_ids": list(brokers), "roles": list(roles)},
    ]
    return {**KRAFT, "kafka_quorum": quorum, "kafka_node_pools": pools, **more}


def formed(quorum: str) -> Found:
    """A KRaft cluster whose controllers have met."""
    there = applied(kraft(quorum, [100, 101, 102]))
    secrets = [
        {**obj, "data": {**obj["data"], "formed": "dHJ1ZQ=="}} if obj["metadata"]["name"] == "events-cluster" else obj for obj in there.objects["Secret"]
    ]
    return dataclasses.replace(there, objects={**there.objects, "Secret": secrets})


@pytest.mark.parametrize(
    ("name", "controllers", "more", "dynamic", "static"),
    [
        ("as they are", [100, 101, 102], {}, set(), set()),
        ("a broker more", [100, 101, 102], {"brokers": [0, 1, 2, 3]}, set(), set()),
        ("a broker less", [100, 101, 102], {"brokers": [0, 1], "kafka_scale_in": [2]}, set(), set()),
        ("one more", [100, 101, 102, 103], {}, set(), {"QUORUM-CHANGE"}),
        ("one less", [100, 101], {}, {"ORPHAN-NODE"}, {"QUORUM-CHANGE", "ORPHAN-NODE"}),
        ("one less that is named", [100, 101], {"kafka_scale_in": [102]}, set(), {"QUORUM-CHANGE"}),
        ("another one", [100, 101, 103], {"kafka_scale_in": [102]}, set(), {"QUORUM-CHANGE"}),
        ("brokers that become controllers", [100, 101, 102], {"roles": ["broker", "controller"]}, {"QUORUM-CHANGE"}, {"QUORUM-CHANGE"}),
    ],
)
def test_controllers_come_and_go_where_the_quorum_is_dynamic(
    name: str, controllers: list[int], more: dict[str, t.Any], dynamic: set[str], static: set[str]
) -> None:
    for quorum, found in (("dynamic", dynamic), ("static", static)):
        variables = kraft(quorum, controllers, **more)
        assert {finding.rule for finding in findings(variables, formed(quorum)) if finding.severity == "error"} == found, quorum


def test_controllers_that_have_not_met_stay() -> None:
    there = applied(kraft("dynamic", [100, 101, 102]))
    (finding,) = (finding for finding in findings(kraft("dynamic", [100, 101], kafka_scale_in=[102]), there) if finding.rule == "QUORUM-CHANGE")
    assert "until they have met" in finding.fix


@pytest.mark.parametrize("quorum", ["dynamic", "static"])
def test_a_first_run_that_was_killed_goes_on(quorum: str) -> None:
    """Some of the controllers are there, and none of them has met another."""
    there = applied(kraft(quorum, [100, 101, 102]))
    some = [obj for obj in there.objects["StatefulSet"] if not obj["metadata"]["name"].endswith(("101", "102"))]
    there = dataclasses.replace(there, objects={**there.objects, "StatefulSet": some})
    assert "QUORUM-CHANGE" not in rules(kraft(quorum, [100, 101, 102]), there)


def test_a_refused_node_says_how_it_leaves() -> None:
    (finding,) = (finding for finding in findings(pool(node_ids=[0, 1]), THERE) if finding.rule == "ORPHAN-NODE")
    assert finding.severity == "error"
    assert "playbooks/scale.yml -e kafka_scale_in=2" in finding.fix


def test_claims_that_cannot_grow() -> None:
    larger = pool(volumes=[{"size": "20Gi", "storage_class": "fast"}])
    severities = {
        name: {finding.severity for finding in findings(larger, there) if finding.rule == "CLAIM-GROW"}
        for name, there in {"can": THERE, "cannot": instead(StorageClass=[{"metadata": {"name": "fast"}}]), "unknown": beside({}, ["StorageClass"])}.items()
    }
    assert severities == {"can": set(), "cannot": {"error"}, "unknown": {"warning"}}


def test_a_stateful_set_of_older_brokers() -> None:
    """Each field that cannot change is named, with what to do."""
    old = [
        {**obj, "spec": {**obj["spec"], "serviceName": "old", "selector": {"matchLabels": {"app": "kafka"}}, "podManagementPolicy": "OrderedReady"}}
        for obj in THERE.objects["StatefulSet"]
        if obj["metadata"]["name"] == "events-broker-0"
    ]
    found = [finding for finding in findings(VARIABLES, instead(StatefulSet=old)) if finding.rule == "STS-IMMUTABLE"]
    assert {finding.where for finding in found} == {"StatefulSet/events-broker-0"}
    assert len(found) == 3
    assert all("delete the StatefulSet" in finding.fix for finding in found)


def other_files(*nodes: str, content: str) -> Found:
    """The same StatefulSets with another ``server.properties`` of these nodes."""
    files = [{**obj, "data": {"server.properties": content}} if obj["metadata"]["name"] in nodes else obj for obj in THERE.objects["ConfigMap"]]
    return instead(ConfigMap=files)


BROKERS = ("events-broker-0", "events-broker-1", "events-broker-2")
KRAFT_FILE = "node.id=0\nprocess.roles=broker\ncontroller.listener.names=C\n"
FLAG = "zookeeper.metadata.migration.enable=true\nzookeeper.connect=zk:2181\n"


def test_a_cluster_keeps_its_mode() -> None:
    assert "MODE-CHANGE" in rules(VARIABLES, other_files(*BROKERS, content=KRAFT_FILE))
    assert "MODE-CHANGE" not in rules(VARIABLES, THERE)


@pytest.mark.parametrize(("before", "after", "fix"), [(1, 3, "leave zookeeper_nodes at 1"), (3, 7, "zookeeper_nodes: 5 first"), (3, 5, ""), (1, 1, "")])
def test_new_servers_are_no_majority(before: int, after: int, fix: str) -> None:
    found = [each for each in findings(changed(zookeeper_nodes=after), applied(changed(zookeeper_nodes=before))) if each.rule == "ZK-GROW"]
    assert [fix in each.fix for each in found] == ([True] if fix else [])


def test_a_first_run_that_was_killed_has_left_one_server() -> None:
    left = [obj for obj in THERE.objects["StatefulSet"] if obj["metadata"]["name"] == "events-zookeeper-1"]
    assert "ZK-GROW" not in rules(VARIABLES, instead(StatefulSet=left))
    assert "ZK-GROW" not in rules(VARIABLES, instead(StatefulSet=[]))


def test_the_way_to_kraft_is_named() -> None:
    """A finding that refuses says what else can be done."""
    kraft = {**VARIABLES, "kafka_mode": "kraft"}
    kraft["kafka_node_pools"] = [{**VARIABLES["kafka_node_pools"][0], "roles": ["broker", "controller"]}]
    (found,) = [finding for finding in findings(kraft, THERE) if finding.rule == "MODE-CHANGE"]
    assert "new cluster" in found.fix


def test_a_migration_may_change_the_mode() -> None:
    assert "MODE-CHANGE" not in rules(VARIABLES, other_files(*BROKERS, content=KRAFT_FILE + FLAG))


def test_the_mode_is_unknown_without_the_files() -> None:
    there = other_files(*BROKERS, content=KRAFT_FILE)
    without = dataclasses.replace(there, objects={**there.objects, "ConfigMap": []}, unreadable=("ConfigMap",))
    assert "MODE-CHANGE" not in rules(VARIABLES, without)


def test_a_disk_of_another_node() -> None:
    there = other_files("events-broker-1", content="broker.id=1001\nzookeeper.connect=zk:2181\n")
    found = [finding for finding in findings(VARIABLES, there) if finding.rule == "ID-META-MISMATCH"]
    assert [finding.message for finding in found] == ["pod events-broker-1-0 is to be node 1, and its disk is that of node 1001"]


def service(name: str, namespace: str = "team", **spec: t.Any) -> Object:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"ports": [{"port": 80}], **spec}}


@pytest.mark.parametrize(
    ("name", "obj", "found"),
    [
        ("selects the brokers", service("old", selector={"app.kubernetes.io/component": "broker"}), {"SVC-SELECTS-TOO"}),
        ("selects them in another namespace", service("old", "other", selector={"app.kubernetes.io/component": "broker"}), set()),
        ("selects others", service("old", selector={"app.kubernetes.io/component": "web"}), set()),
        ("selects nothing", service("old"), set()),
        ("has a node port", service("web", "other", type="NodePort", ports=[{"port": 80, "nodePort": 30002}]), {"NODEPORT-TAKEN"}),
        ("has another one", service("web", "other", type="NodePort", ports=[{"port": 80, "nodePort": 30003}]), set()),
        ("has it for health checks", service("web", "other", type="LoadBalancer", healthCheckNodePort=30001), {"NODEPORT-TAKEN"}),
        # The collection's pods have no service links.
        ("is called kafka", service("kafka"), set()),
    ],
)
def test_another_service_is_there(name: str, obj: Object, found: set[str]) -> None:
    own = [obj] if obj["metadata"]["namespace"] == "team" else []
    assert set(rules(VARIABLES, beside({"Service": own, ALL_SERVICES: [obj]}))) == found


def test_a_service_that_is_there_gives_variables_to_the_pods_of_manifests() -> None:
    container = {"name": "kafka", "image": "confluentinc/cp-kafka:7.9.0"}
    manifest = {"kind": "StatefulSet", "metadata": {"name": "b", "namespace": "team"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    there = Found(True, {"Service": [service("kafka")]}, ())

    def told() -> set[str]:
        return {finding.rule for finding in _validate.validate_manifests([manifest], {}, lambda _namespace, _cluster: there)}

    assert "ENV-KAFKA-PORT" in told()
    manifest["spec"]["template"]["spec"]["enableServiceLinks"] = False
    assert "ENV-KAFKA-PORT" not in told()


def test_an_advertised_service_may_be_there_already() -> None:
    listener = {"name": "INTERNAL", "port": 9092, "advertised_host": "mine-{id}"}
    there = [service(f"mine-{number}", ports=[{"port": 9092}]) for number in range(3)]
    assert "ADV-DNS-UNKNOWN" in rules(changed(kafka_listeners=[listener]), THERE)
    assert "ADV-DNS-UNKNOWN" not in rules(changed(kafka_listeners=[listener]), beside({"Service": there}))


def test_pods_of_others_behind_our_services() -> None:
    labels = {"app.kubernetes.io/instance": "events", "app.kubernetes.io/component": "broker"}
    stranger = {"metadata": {"name": "web", "namespace": "team", "labels": labels}}
    assert set(rules(VARIABLES, beside({"Pod": [stranger]}))) == {"SVC-FOREIGN-PODS"}
    # A broker that is drained and no longer planned is still one of the cluster.
    ours = {"metadata": {**stranger["metadata"], "labels": {**labels, "app.kubernetes.io/managed-by": "kafkaops.kubernetes"}}}
    assert set(rules(VARIABLES, beside({"Pod": [ours]}))) == set()


def test_without_access_one_finding_says_what_is_not_checked() -> None:
    found = _validate.validate(VARIABLES)[1]
    assert [(finding.rule, finding.severity) for finding in found] == [("LIVE-SKIPPED", "info")]
    for rule in ("NODEPORT-TAKEN", "STS-IMMUTABLE", "CLAIM-SHRINK", "CLAIM-GROW", "MODE-CHANGE", "ORPHAN-NODE", "ID-META-MISMATCH"):
        assert rule in found[0].message


@pytest.mark.parametrize(
    ("kind", "rule"), [("Service", "SVC-SELECTS-TOO"), (ALL_SERVICES, "NODEPORT-TAKEN"), ("StatefulSet", "ORPHAN-NODE"), ("StorageClass", "CLAIM-GROW")]
)
def test_what_may_not_be_read_is_named(kind: str, rule: str) -> None:
    found = [finding for finding in findings(VARIABLES, beside({}, [kind])) if finding.rule == "LIVE-SKIPPED"]
    assert [finding.where for finding in found] == [f"live.{kind}"]
    assert rule in found[0].message


def test_every_kind_may_be_unreadable() -> None:
    assert set(rules(VARIABLES, Found(True, {}, KINDS))) == {"LIVE-SKIPPED"}


def test_in_a_namespace_that_is_not_there_only_node_ports_can_be_taken() -> None:
    taken = service("web", "other", type="NodePort", ports=[{"port": 80, "nodePort": 30002}])
    assert rules(VARIABLES, Found(False, {ALL_SERVICES: [taken], "StorageClass": []}, ())) == ["NODEPORT-TAKEN"]
    assert rules(VARIABLES, Found(False, {ALL_SERVICES: [], "StorageClass": []}, ())) == []
    # As long as nobody has looked, that is said.
    assert set(rules(VARIABLES, Found(False, {}, ()))) == {"LIVE-SKIPPED"}


@pytest.mark.parametrize("mode", [{}, {"kafka_mode": "kraft"}, {"kafka_mode": "kraft", "kafka_version": "3.8.1", "kafka_quorum": "static"}], ids=str)
def test_our_own_manifests_are_fine(mode: dict[str, str]) -> None:
    """Read as those of anybody else."""
    variables = {**VARIABLES, **mode}
    if mode:
        variables["kafka_node_pools"] = [{**VARIABLES["kafka_node_pools"][0], "roles": ["broker", "controller"]}]
    objects = [obj for kind, items in applied(variables).objects.items() if kind != ALL_SERVICES for obj in items]
    told = _validate.validate_manifests(objects, variables, nothing_there)
    assert [(finding.rule, finding.message) for finding in told] == []


def running(*versions: str, cluster: str = "events") -> Found:
    """Pods of these releases."""
    labels = {"app.kubernetes.io/instance": cluster, "app.kubernetes.io/managed-by": "kafkaops.kubernetes"}
    pods = [
        {"kind": "Pod", "metadata": {"name": f"p-{number}", "labels": labels, "annotations": {"kafkaops.kubernetes/kafka-version": version}}}
        for number, version in enumerate(versions)
    ]
    return instead(Pod=[*pods, {"kind": "Pod", "metadata": {"name": "tells-nothing", "labels": labels}}])


PROTOCOL = "inter.broker.protocol.version"


@pytest.mark.parametrize(
    ("there", "config", "said"),
    [
        (running("3.8.1"), {}, ["UPGRADE-PROTOCOL"]),
        (running("3.8.1"), {PROTOCOL: "3.9"}, ["UPGRADE-PROTOCOL"]),
        (running("3.8.1"), {PROTOCOL: "3.8"}, []),
        (running("3.8.1"), {PROTOCOL: "3.8-IV0"}, []),
        (running("3.8.1", "3.9.2"), {PROTOCOL: "3.8"}, []),
        # Half of the way, and the old protocol is dropped too early.
        (running("3.8.1", "3.9.2"), {}, ["UPGRADE-PROTOCOL"]),
        (running("3.9.2"), {}, []),
        (running("3.9.0"), {}, []),
        (running("3.8.1", cluster="other"), {}, []),
        (running(), {}, []),
    ],
)
def test_an_upgrade_with_zookeeper_keeps_the_old_protocol_at_first(there: Found, config: dict[str, str], said: list[str]) -> None:
    assert [rule for rule in rules(changed(kafka_config=config), there) if rule.startswith("UPGRADE")] == said


KRAFT: dict[str, t.Any] = {
    "kafka_cluster_name": "events",
    "kafka_namespace": "team",
    "kafka_node_pools": [{"name": "broker", "node_ids": [0, 1, 2], "roles": ["broker", "controller"]}],
}


@pytest.mark.parametrize(
    ("there", "version", "said"),
    [
        (running("3.2.3"), "4.3.1", ["UPGRADE-BRIDGE"]),
        (running("3.2.3"), "3.9.2", []),
        (running("3.3.1"), "4.3.1", []),
        (running("4.2.0", "4.3.1"), "4.3.1", []),
        (running("4.3.1"), "4.2.0", ["UPGRADE-BACK"]),
        # Half of the way there, and back: the same question.
        (running("4.2.0", "4.3.1"), "4.2.0", ["UPGRADE-BACK"]),
        (running("4.3.1"), "4.3.0", []),
    ],
)
def test_from_one_release_to_another(there: Found, version: str, said: list[str]) -> None:
    assert [rule for rule in rules({**KRAFT, "kafka_version": version}, there) if rule.startswith("UPGRADE")] == said
