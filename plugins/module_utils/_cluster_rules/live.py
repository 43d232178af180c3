# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over what is planned beside what is there already."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _from_manifests, _images, _pods
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Claim, Planned, Server, Workload
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._pods import Object, items, mapping, number, text, texts
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import RULES, Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import ELSEWHERE, Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._quantity import bytes_of

ALL_SERVICES = "Service of all namespaces"
KINDS = ("Service", ALL_SERVICES, "StatefulSet", "PersistentVolumeClaim", "StorageClass", "ConfigMap", "Pod")
"""What the rules look at, by the names that ``_live`` has for it."""


_COMPONENT = "app.kubernetes.io/component"


def unread(found: Found, kind: str) -> bool:
    """Whether a kind was not read."""
    return kind in found.unreadable or (kind not in found.objects and (found.namespace_exists or kind in ELSEWHERE))


def objects_of(found: Found, kind: str) -> list[Object]:
    """The objects of a kind that there are."""
    return t.cast("list[Object]", found.objects.get(kind, []))


def beside(planned: Planned, live: Found) -> Planned:
    """What is planned, with what is there: nodes and the ids that their disks have, and Services."""
    there = _running(planned, live)
    wanted = {(server.namespace, server.pod) for server in planned.kafka}
    stored = {server.pod: server.id for server in there.kafka if (server.namespace, server.pod) in wanted and server.id is not None}
    own = [obj for obj in objects_of(live, "Service") if _namespace(obj) == planned.namespace]
    joined = _from_manifests.with_existing(planned, own)
    return dataclasses.replace(joined, stored_ids={**stored, **planned.stored_ids}, there=there, kept={})


def _running(planned: Planned, live: Found) -> Planned:
    """What the StatefulSets that are there run, taken for the release that is planned."""
    objects = [*objects_of(live, "StatefulSet"), *objects_of(live, "ConfigMap")]
    return _from_manifests.read(objects, kafka_version=str(planned.kafka[0].release) if planned.kafka else "")[0]


def _name(obj: Object) -> str:
    return text(mapping(obj.get("metadata")).get("name"))


def _namespace(obj: Object) -> str:
    return text(mapping(obj.get("metadata")).get("namespace"))


def _labels(obj: Object) -> dict[str, str]:
    return texts(mapping(obj.get("metadata")).get("labels"))


def _stateful_sets(planned: Planned, live: Found) -> t.Iterator[tuple[Workload, Workload]]:
    """Each planned StatefulSet that is there already, and what is there."""
    there = {(_namespace(obj), _name(obj)): obj for obj in objects_of(live, "StatefulSet")}
    for workload in planned.workloads:
        obj = there.get((workload.namespace, workload.name)) if workload.kind == "StatefulSet" else None
        if obj is not None:
            pod = _pods.template(obj, workload.namespace)
            yield workload, _from_manifests.workload_of({**obj, "kind": "StatefulSet"}, pod, workload.component, {}, _images.FILE)


def _example(wrong: str, right: str, variables: str = "{kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}]}") -> Example:
    return Example("live", wrong, right, variables)


_POOL = "kafka_node_pools: [{name: broker, node_ids: [0, 1, 2], volumes: [{size: 20Gi}]}]"


def _claim(size: str, storage_class: str = "standard") -> str:
    return (
        "{kind: PersistentVolumeClaim, metadata: {name: data-0-kafka-broker-0-0}, spec:"
        f" {{storageClassName: {storage_class}, resources: {{requests: {{storage: {size}}}}}}}}}"
    )


def _class(expands: str) -> str:
    return f"{{kind: StorageClass, metadata: {{name: standard}}, allowVolumeExpansion: {expands}}}"


@rule(
    "NODEPORT-TAKEN",
    "error",
    "config",
    "Kubernetes refuses the Service: provided port is already allocated.",
    subject="live",
    needs=("Service", ALL_SERVICES),
    example=_example(
        "[{kind: Service, metadata: {name: web, namespace: shop}, spec: {type: NodePort, ports: [{port: 80, nodePort: 30001}]}}]",
        "[{kind: Service, metadata: {name: web, namespace: shop}, spec: {type: NodePort, ports: [{port: 80, nodePort: 30003}]}}]",
        "{kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}], kafka_listeners: [{name: INTERNAL, port: 9092},"
        " {name: EXTERNAL, port: 9094, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 30000}]}",
    ),
)
def node_port_taken(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Fixed node ports are free."""
    taken: dict[int, tuple[str, str]] = {}
    for obj in objects_of(live, "Service" if unread(live, ALL_SERVICES) else ALL_SERVICES):
        spec = mapping(obj.get("spec"))
        for port in [*(number(port.get("nodePort")) for port in items(spec.get("ports"))), number(spec.get("healthCheckNodePort"))]:
            if port:
                taken[port] = (_namespace(obj), _name(obj))
    for service in planned.services:
        for each in () if service.exists else service.ports:
            owner = taken.get(each.node_port) if each.node_port else None
            if owner is not None and owner != (service.namespace, service.name):
                message = f"node port {each.node_port} belongs to Service {owner[1]} in namespace {owner[0]}"
                yield Problem(service.where, message, "choose another one (first_node_port, node_ports), or leave the choice to Kubernetes")


@rule(
    "STS-IMMUTABLE",
    "error",
    "config",
    "Kubernetes refuses the change: 'updates to statefulset spec for fields other than ... are forbidden'.",
    subject="live",
    needs=("StatefulSet",),
    example=_example(
        "[{kind: StatefulSet, metadata: {name: kafka-broker-0}, spec: {serviceName: old}}]",
        "[{kind: StatefulSet, metadata: {name: kafka-broker-9}, spec: {serviceName: old}}]",
    ),
)
def immutable(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """serviceName, selector and podManagementPolicy of a StatefulSet stay as they were made; claims may grow and come, and nothing else."""
    orphan = "delete the StatefulSet with --cascade=orphan: its pod and its claims stay, and the new one takes them over"
    for wanted, there in _stateful_sets(planned, live):
        changes = []
        for field, new, old in (
            ("spec.serviceName", wanted.governing_service, there.governing_service),
            ("spec.podManagementPolicy", wanted.pod_management, there.pod_management),
        ):
            if new != old:
                changes.append((f"{field} is {old!r} there, and {new!r} is planned", orphan))
        if dict(wanted.selector) != dict(there.selector):
            changes.append(("spec.selector is another one there", "delete the StatefulSet with its pod; its claims stay, and the new one takes them over"))
        claims = _claims_differ(wanted.claims, there.claims)
        if claims:
            changes.append((f"spec.volumeClaimTemplates: {claims}", "plan the volumes that are there; for others, add nodes with those and move the replicas"))
        for message, fix in changes:
            yield Problem(wanted.where, message, fix)


def _claims_differ(wanted: t.Sequence[Claim], there: t.Sequence[Claim]) -> str:
    """Which claims would lose what is on them; a class that is not named is whatever the default was."""
    new, old = {claim.name: claim for claim in wanted}, {claim.name: claim for claim in there}
    removed = sorted(old.keys() - new.keys())
    classes = sorted(name for name in new.keys() & old.keys() if new[name].storage_class and new[name].storage_class != old[name].storage_class)
    parts = [("gone", removed), ("of another storage class", classes)]
    return ", ".join(f"{', '.join(names)} {what}" for what, names in parts if names)


def _claims(planned: Planned, live: Found) -> t.Iterator[tuple[Server, Claim, Object, float, float]]:
    """Each planned claim that is there already, and the bytes wanted and there."""
    there = {(_namespace(obj), _name(obj)): obj for obj in objects_of(live, "PersistentVolumeClaim")}
    for server in planned.servers:
        for claim in server.workload.claims:
            obj = there.get((server.namespace, f"{claim.name}-{server.pod}"))
            if obj is not None:
                size = mapping(mapping(mapping(obj.get("spec")).get("resources")).get("requests")).get("storage")
                wanted, now = bytes_of(claim.size), bytes_of(size)
                if wanted is not None and now is not None:
                    yield server, claim, obj, wanted, now


@rule(
    "CLAIM-SHRINK",
    "error",
    "config",
    "Kubernetes never makes a claim smaller, and refuses the change.",
    subject="live",
    needs=("PersistentVolumeClaim",),
    example=_example(f"[{_claim('30Gi')}]", f"[{_claim('20Gi')}]", f"{{{_POOL}}}"),
)
def claim_shrinks(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Claims keep their size or grow."""
    for server, claim, obj, wanted, now in _claims(planned, live):
        if wanted < now:
            fix = "plan at least the size that is there; for a smaller one, add a node with smaller claims and move the replicas"
            yield Problem(_place(server, claim), f"claim {_name(obj)} would shrink to {claim.size}", fix)


def _place(server: Server, claim: Claim) -> str:
    return f"{server.workload.where} volumeClaimTemplates[{claim.name}]"


@rule(
    "CLAIM-GROW",
    "error",
    "config",
    "Kubernetes refuses the change: 'only dynamically provisioned pvc can be resized and the storageclass ... must support resize'.",
    subject="live",
    needs=("PersistentVolumeClaim", "StorageClass"),
    example=_example(f"[{_claim('10Gi')}, {_class('false')}]", f"[{_claim('10Gi')}, {_class('true')}]", f"{{{_POOL}}}"),
)
def claim_cannot_grow(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """A claim that is to grow is of a storage class that allows it (``allowVolumeExpansion``)."""
    classes = {_name(obj): obj for obj in objects_of(live, "StorageClass")}
    for server, claim, obj, wanted, now in () if unread(live, "StorageClass") else _claims(planned, live):
        name = text(mapping(obj.get("spec")).get("storageClassName"))
        if wanted > now and mapping(classes.get(name)).get("allowVolumeExpansion") is not True:
            message = f"claim {_name(obj)} is to grow to {claim.size}, and its storage class {name!r} does not allow it"
            fix = "set allowVolumeExpansion: true on the class where its driver can do it; else add nodes with larger claims and move the replicas"
            yield Problem(_place(server, claim), message, fix)


@rule(
    "CLAIM-GROW",
    "warning",
    "runtime",
    "Where the storage class does not allow it, Kubernetes refuses the change, and nothing is applied.",
    subject="live",
    needs=("PersistentVolumeClaim",),
    example=_example(f"[{_claim('10Gi')}]", f"[{_claim('10Gi')}, {_class('true')}]", f"{{{_POOL}}}"),
)
def claim_may_not_grow(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Whether a claim can grow is known before it is tried."""
    for server, claim, obj, wanted, now in _claims(planned, live) if unread(live, "StorageClass") else ():
        if wanted > now:
            message = f"claim {_name(obj)} is to grow to {claim.size}, and its storage class may not be read here"
            yield Problem(_place(server, claim), message, "ask whether the class has allowVolumeExpansion: true")


@rule(
    "SVC-SELECTS-TOO",
    "warning",
    "runtime",
    "Whoever uses that Service reaches these pods too, whatever listener it was meant for.",
    subject="live",
    needs=("Service",),
    example=_example(
        "[{kind: Service, metadata: {name: web}, spec: {selector: {app.kubernetes.io/name: kafka}, ports: [{port: 80}]}}]",
        "[{kind: Service, metadata: {name: web}, spec: {selector: {app.kubernetes.io/name: web}, ports: [{port: 80}]}}]",
    ),
)
def selected_already(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Pods are behind the planned Services only."""
    for service in planned.services:
        servers = planned.selected(service) if service.exists else []
        if servers:
            shown = ", ".join(server.pod for server in servers[:3]) + (f" and {len(servers) - 3} more" if len(servers) > 3 else "")
            yield Problem(service.where, f"is there, is not planned, and selects {shown}", "narrow its selector, or delete it where it is a remainder")


@rule(
    "SVC-FOREIGN-PODS",
    "warning",
    "runtime",
    "Clients of this cluster reach pods that are none of its nodes.",
    subject="live",
    needs=("Pod",),
    example=_example(
        "[{kind: Pod, metadata: {name: web, labels: {app.kubernetes.io/instance: kafka, app.kubernetes.io/component: broker}}}]",
        "[{kind: Pod, metadata: {name: web, labels: {app.kubernetes.io/instance: web, app.kubernetes.io/component: broker}}}]",
    ),
)
def foreign_pods(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Planned Services lead to nodes of this cluster only."""
    strangers = []
    for obj in objects_of(live, "Pod"):
        labels = _labels(obj)
        if (_namespace(obj), _name(obj)) not in planned.pods and not (planned.labels and planned.labels.items() <= labels.items()):
            strangers.append((_namespace(obj), _name(obj), labels))
    for service in planned.services if strangers else ():
        if service.selector and not service.exists:
            for namespace, name, labels in strangers:
                if namespace == service.namespace and service.selector.items() <= labels.items():
                    yield Problem(service.where, f"would also lead to pod {name}", "give the pod other labels, or the cluster another name")


def _own(planned: Planned, component: str = "kafka") -> list[Server]:
    """The Kafka nodes of this cluster that are there, or its ZooKeeper servers."""
    names = {(workload.namespace, workload.name) for workload in planned.workloads}
    return [
        server
        for server in (planned.there.servers if planned.there else ())
        if server.workload.component == component
        and ((server.namespace, server.workload.name) in names or (planned.labels and planned.labels.items() <= server.labels.items()))
    ]


_BROKER_0 = (
    "{kind: StatefulSet, metadata: {name: kafka-broker-0}, spec: {template: {spec: {containers: [{name: broker, volumeMounts: [{name: config}]}],"
    " volumes: [{name: config, configMap: {name: kafka-broker-0}}]}}}}"
)


@rule(
    "MODE-CHANGE",
    "error",
    "start",
    "Nodes of the other mode do not read what is there: with new disks all topics are gone, with the old ones nodes exit.",
    subject="live",
    needs=("StatefulSet", "ConfigMap"),
    example=_example(
        f'[{_BROKER_0}, {{kind: ConfigMap, metadata: {{name: kafka-broker-0}}, data: {{server.properties: "node.id=0\\nprocess.roles=broker\\n"}}}}]',
        f'[{_BROKER_0}, {{kind: ConfigMap, metadata: {{name: kafka-broker-0}}, data: {{server.properties: "broker.id=0\\nzookeeper.connect=zk:2181\\n"}}}}]',
        "{kafka_mode: zookeeper, kafka_version: 3.9.2, kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}]}",
    ),
)
def mode_change(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """A cluster keeps its mode, ZooKeeper or KRaft, until it is migrated."""
    there = [server for server in _own(planned) if server.properties]
    if any(server.read(lambda broker: broker.migrating) for server in [*there, *planned.kafka]):
        return  # the migration is on its way
    old, new = {server.uses_zookeeper for server in there}, {server.uses_zookeeper for server in planned.kafka}
    if old == {True} and new == {False}:
        fix = "plan mode zookeeper: no playbook migrates a cluster yet. Or make a new cluster beside this one, and mirror its topics"
        yield Problem(planned.kafka[0].where("process.roles"), "the nodes that are there keep their metadata in ZooKeeper, and KRaft is planned", fix)
    elif old == {False} and new == {True}:
        fix = "plan mode kraft: there is no way back to ZooKeeper"
        yield Problem(planned.kafka[0].where("process.roles"), "the nodes that are there are KRaft nodes, and ZooKeeper is planned", fix)


def _zookeeper_1(members: int) -> str:
    labels = "{app.kubernetes.io/instance: kafka, app.kubernetes.io/managed-by: kafkaops.kubernetes}"
    file = "dataDir=/data\\n" + "".join(f"server.{number}=zk-{number}:2888:3888\\n" for number in range(1, members + 1))
    return (
        f"[{{kind: StatefulSet, metadata: {{name: kafka-zookeeper-1, labels: {labels}}}, spec: {{template: {{metadata: {{labels: {labels}}}, spec:"
        " {containers: [{name: zookeeper, volumeMounts: [{name: config}]}], volumes: [{name: config, configMap: {name: kafka-zookeeper-1}}]}}}},"
        f' {{kind: ConfigMap, metadata: {{name: kafka-zookeeper-1}}, data: {{zoo.cfg: "{file}"}}}}]'
    )


@rule(
    "ZK-GROW",
    "error",
    "runtime",
    "The new servers are a majority, and begin as an ensemble without any data: the others take that over, and topics are gone.",
    subject="live",
    needs=("StatefulSet", "ConfigMap"),
    example=_example(
        _zookeeper_1(0),
        _zookeeper_1(3),
        "{kafka_mode: zookeeper, kafka_version: 3.9.2, kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}], zookeeper_nodes: 3}",
    ),
)
def ensemble_grows(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """An ensemble gets fewer new servers at once than are a majority of it."""
    there = [server for server in _own(planned, "zookeeper") if server.properties]
    count = len(planned.zookeeper)
    # What a first run that was killed has left names all the others.
    before = max((len(server.zoo.members) or 1 for server in there), default=count)
    if 2 * (count - before) > count:
        if before == 1:
            fix = "leave zookeeper_nodes at 1: a server that is alone gets no others. Or make a new cluster beside this one, and mirror its topics"
        else:
            fix = f"go there in steps: zookeeper_nodes: {2 * before - 1} first"
        yield Problem("zookeeper_nodes", f"{before} servers are there, and {count} are planned", fix)


def _labelled(name: str, cluster: str) -> str:
    labels = f"{{app.kubernetes.io/instance: {cluster}, app.kubernetes.io/managed-by: kafkaops.kubernetes}}"
    return f"[{{kind: StatefulSet, metadata: {{name: {name}, labels: {labels}}}}}]"


@rule(
    "ORPHAN-NODE",
    "error",
    "runtime",
    "It would go on running and keep its replicas, and nothing would roll, upgrade or watch it any more. Nothing but playbooks/scale.yml removes a node.",
    subject="live",
    needs=("StatefulSet",),
    example=_example(
        _labelled("kafka-broker-3", "kafka"),
        _labelled("web-3", "web"),
    ),
)
def orphans(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Every node of the cluster that is there is also planned, or named as one that leaves."""
    names = {(workload.namespace, workload.name) for workload in planned.workloads}
    for obj in objects_of(live, "StatefulSet"):
        place = (_namespace(obj), _name(obj))
        if planned.labels and planned.labels.items() <= _labels(obj).items() and place[0] == planned.namespace and place not in names:
            node_id = place[1].rpartition("-")[2]
            if node_id in map(str, planned.scale_in) and _labels(obj).get(_COMPONENT) != "zookeeper":
                continue
            if _labels(obj).get(_COMPONENT) == "zookeeper":
                fix = "put it back into zookeeper_nodes"
            else:
                fix = f"put {node_id} back into kafka_node_pools; or let playbooks/scale.yml -e kafka_scale_in={node_id} empty and remove it"
            yield Problem(f"StatefulSet/{place[1]}", "is there, and no node of this name is planned", fix)


def _controller(node_id: int) -> str:
    name = f"kafka-controller-{node_id}"
    labels = "{app.kubernetes.io/instance: kafka, app.kubernetes.io/managed-by: kafkaops.kubernetes}"
    return (
        f"{{kind: StatefulSet, metadata: {{name: {name}, labels: {labels}}}, spec: {{template: {{metadata: {{labels: {labels}}}, spec: {{containers:"
        f" [{{name: controller, volumeMounts: [{{name: config}}]}}], volumes: [{{name: config, configMap: {{name: {name}}}}}]}}}}}}}},"
        f' {{kind: ConfigMap, metadata: {{name: {name}}}, data: {{server.properties: "node.id={node_id}\\nprocess.roles=controller\\n'
        'controller.quorum.voters=100@kafka-controller-100-0.kafka-controller-nodes.kafka.svc.cluster.local:9090\\n"}}'
    )


@rule(
    "QUORUM-CHANGE",
    "error",
    "runtime",
    "A controller that is new never votes, and one that is stopped is still counted: the quorum has less reserve than it seems, or is lost.",
    subject="live",
    needs=("StatefulSet", "ConfigMap"),
    example=_example(
        f"[{_controller(100)}, {_controller(101)}]",
        f"[{_controller(100)}]",
        "{kafka_quorum: static, kafka_scale_in: [101], kafka_node_pools: [{name: controller, node_ids: [100], roles: [controller]},"
        " {name: broker, node_ids: [0, 1, 2]}]}",
    ),
)
def controllers_change(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Controllers come and go only where the quorum is dynamic and has formed, and a node keeps its roles."""
    there = [server for server in _own(planned) if server.properties]
    old: set[int | None] = {server.id for server in there if server.is_controller}
    new = {server.id for server in planned.controllers}
    if not planned.formed and not old - new:
        # A first run that was killed leaves some of them; those of a static quorum name all the others.
        old = {voter for server in there for voter in server.voters}
    if not old or not new or old == new:
        return
    dynamic = not any(server.voters for server in [*there, *planned.controllers])
    turned = sorted({server.id for server in there} & {server.id for server in planned.kafka} & (old ^ new), key=str)
    if dynamic and planned.formed and not turned:
        return
    changes = [f"{', '.join(map(str, sorted(ids, key=str)))} {verb}" for ids, verb in ((new - old, "would be added"), (old - new, "would leave")) if ids]
    if dynamic and turned:
        fix = f"leave {', '.join(map(str, turned))} with the roles they have; new nodes with new ids can have others, and take their place"
    elif dynamic:
        fix = "run site.yml with the controllers as they are first, until they have met; then change them"
    else:
        fix = "keep the controllers as they are: Kafka does not change a static quorum; new brokers go into a pool whose roles are [broker]"
    yield Problem("kafka_node_pools", f"of the controllers, {' and '.join(changes)}", fix)


@rule(
    "LIVE-SKIPPED",
    "info",
    "config",
    "What is there already may be in the way of what is planned.",
    subject="access",
    example=Example("access", wrong="unreadable: [Pod]", right="unreadable: []"),
)
def skipped(live: Found | None) -> t.Iterator[Problem]:
    """Everything that is there already is looked at."""
    checks = [each for each in RULES if each.subject == "live"]
    fix = "give access to the Kubernetes cluster, and in it the rights to read what is named"
    if live is None:
        names = ", ".join(dict.fromkeys(each.id for each in checks))
        yield Problem(
            "live", f"without access to the Kubernetes cluster these were not checked: {names}, and ENV-... and ID-META-MISMATCH against what is there", fix
        )
        return
    for kind in KINDS:
        names = ", ".join(dict.fromkeys(each.id for each in checks if kind in each.needs))
        if unread(live, kind) and names:
            yield Problem(f"live.{kind}", f"{kind} was not read; not or only partly checked: {names}", fix)
