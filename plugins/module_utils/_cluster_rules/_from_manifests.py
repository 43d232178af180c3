# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""From Kubernetes manifests that somebody wrote, or that a chart rendered, to what is going to run. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images, _pods, _settings
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import (
    Claim,
    Planned,
    Server,
    Service,
    ServicePort,
    Workload,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._pods import Files, Object, Pod, items, mapping, number, text, texts
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import LAST_ZOOKEEPER, NEWEST, Release

WORKLOADS = ("StatefulSet", "Deployment", "Pod")
_KAFKA_VARIABLES = re.compile(r"KAFKA_(CFG_)?(LISTENERS|ADVERTISED_LISTENERS|ZOOKEEPER_CONNECT|PROCESS_ROLES|BROKER_ID|NODE_ID)")


def read(
    manifests: t.Any,
    *,
    namespace: str = "default",
    domain: str = "cluster.local",
    kafka_version: str = "",
    stored_ids: t.Mapping[str, int] | None = None,
) -> tuple[Planned, list[Finding]]:
    """What the objects of one Kafka cluster will run, and what in them cannot be known.

    ``namespace``: of objects that name none. ``kafka_version``: for images whose tag names no release. ``stored_ids``:
    node ids on disk by pod, where they are known. Never raises.
    """
    objects = _objects(manifests)
    files = {(_namespace(obj, namespace), _name(obj)): texts(obj.get("data")) for obj in objects if obj.get("kind") == "ConfigMap"}
    services = tuple(service_of(obj, namespace) for obj in objects if obj.get("kind") == "Service")
    servers: list[Server] = []
    clients: list[str] = []
    findings: list[Finding] = []
    for obj in objects:
        if obj.get("kind") in WORKLOADS:
            pods = _pods.pods(obj, _namespace(obj, namespace), len(servers))
            found = _servers(obj, pods, files, _release.parse(kafka_version), findings) if pods else []
            servers += found
            clients += [pod.namespace for pod in pods[:1] if not found and _is_client(pod)]
    if not any(server.workload.component == "kafka" for server in servers):
        findings.append(_nothing_found())
    own = next((server.namespace for server in servers if server.workload.component == "kafka"), namespace)
    planned = Planned(own, tuple(servers), services, domain, tuple(dict.fromkeys(clients)), stored_ids or {})
    return planned, findings


def _objects(manifests: t.Any) -> list[Object]:
    found = []
    for obj in items(manifests):
        if text(obj.get("kind")).endswith("List"):
            found += items(obj.get("items"))
        else:
            found.append(obj)
    return found


def _name(obj: Object) -> str:
    return text(mapping(obj.get("metadata")).get("name"))


def _namespace(obj: Object, otherwise: str) -> str:
    return text(mapping(obj.get("metadata")).get("namespace")) or otherwise


def service_of(obj: Object, namespace: str, exists: bool = False) -> Service:
    """A Service from its manifest, or as the API server returns it."""
    spec = mapping(obj.get("spec"))
    ports = []
    for port in items(spec.get("ports")):
        value = number(port.get("port"))
        target = port.get("targetPort", value)
        ports.append(ServicePort(value, number(target) or text(target) or value, number(port.get("nodePort")), text(port.get("name"))))
    return Service(
        name=_name(obj),
        namespace=_namespace(obj, namespace),
        type=text(spec.get("type")) or "ClusterIP",
        headless=spec.get("clusterIP") == "None",
        publishes_unready=spec.get("publishNotReadyAddresses") is True,
        selector=texts(spec.get("selector")),
        ports=tuple(ports),
        external_ips=tuple(_pods.words(spec.get("externalIPs"))),
        exists=exists,
    )


def workload_of(obj: Object, pod: Pod, component: str, container: Object, family: _images.Family) -> Workload:
    """What a StatefulSet, Deployment or Pod says about all of its pods. ``container``: of the process."""
    spec = mapping(obj.get("spec"))
    kind = text(obj.get("kind"))
    claims = tuple(claim_of(each) for each in items(spec.get("volumeClaimTemplates")))
    others = [each for each in items(pod.spec.get("containers")) if each is not container]
    return Workload(
        kind=kind,
        name=_name(obj),
        namespace=pod.namespace,
        component=component,
        replicas=_pods.replicas(obj) if kind != "Pod" else 1,
        scales=kind != "Pod",
        governing_service=text(spec.get("serviceName") if kind == "StatefulSet" else pod.spec.get("subdomain")),
        pod_management=text(spec.get("podManagementPolicy")) or "OrderedReady",
        selector=texts(mapping(spec.get("selector")).get("matchLabels")),
        claims=claims,
        image=text(container.get("image")),
        family=family,
        service_links=pod.spec.get("enableServiceLinks") is not False,
        mounts=_pods.mounts(container, pod.spec, [claim.name for claim in claims]),
        ports={name: value for each in [container, *others] for name, value in _pods.ports(each).items()},
        other_ports=frozenset(value for each in others for value in _pods.ports(each).values()) | frozenset(_pods.agent_ports(container)),
        mentioned_ports=frozenset(_pods.mentioned_ports(container)),
        readiness=_pods.probe(container, "readinessProbe"),
        probes=tuple(_pods.probe(container, name) for name in ("readinessProbe", "livenessProbe", "startupProbe")),
        script=_pods.script(container),
        privileged=_pods.privileged(container, pod.spec),
        host_network=pod.spec.get("hostNetwork") is True,
    )


def claim_of(template: Object) -> Claim:
    """An entry of ``volumeClaimTemplates``."""
    spec = mapping(template.get("spec"))
    size = mapping(mapping(spec.get("resources")).get("requests")).get("storage")
    return Claim(_name(template), text(size), text(spec.get("storageClassName")))


class _Process(t.NamedTuple):
    container: Object
    component: str
    family: _images.Family
    release: Release | None


def _process(pod: Pod, files: Files) -> _Process | None:
    """The container of a pod that runs Kafka or a relative of it."""
    containers = items(pod.spec.get("containers"))
    for container in containers:
        component, family, release = _images.identify(text(container.get("image")))
        if component:
            return _Process(container, component, family, release)
    for container in containers:
        if _settings.config_files(container, pod, files, _settings.KAFKA_FILES):
            return _Process(container, "kafka", _images.FILE, None)
        if _settings.config_files(container, pod, files, _settings.ZOOKEEPER_FILES):
            return _Process(container, "zookeeper", _images.FILE, None)
        names = [text(entry.get("name")) for entry in items(container.get("env"))]
        matches = [found for found in map(_KAFKA_VARIABLES.fullmatch, names) if found]
        if matches:
            family = _images.BITNAMI if matches[0][1] else _images.RAW
            tag = text(container.get("image")).rpartition(":")[2]
            return _Process(container, "kafka", family, _release.parse(tag))
    return None


def _servers(obj: Object, pods: t.Sequence[Pod], files: Files, release: Release | None, findings: list[Finding]) -> list[Server]:
    process = _process(pods[0], files)
    if process is None:
        return []
    workload = workload_of(obj, pods[0], process.component, process.container, process.family)
    found = [_server(workload, process, pod, files, release) for pod in pods]
    findings += _unread(found)
    if workload.component == "kafka" and process.release is None and release is None:
        findings.append(_release_unknown(found[0]))
    return found


def _server(workload: Workload, process: _Process, pod: Pod, files: Files, given: Release | None) -> Server:
    settings = _settings.Settings({}, {})
    release = process.release or given
    if workload.component == "kafka":
        settings = _settings.of_kafka(process.container, pod, process.family, files)
        if release is None:
            kraft = "process.roles" in settings.properties or "process.roles" in settings.unread
            release = Release(NEWEST if kraft else LAST_ZOOKEEPER, _images.LATEST)
    elif workload.component == "zookeeper":
        settings = _settings.of_zookeeper(process.container, pod, process.family, files)
        release = process.release or _images.zookeeper_of(given or Release(LAST_ZOOKEEPER, _images.LATEST))
    environment = _pods.shell_environment(process.container, pod, files)
    known = {name: value for name, value in environment.items() if value is not None}
    cluster_id = known.get("CLUSTER_ID", known.get("KAFKA_CLUSTER_ID", known.get("KAFKA_KRAFT_CLUSTER_ID", "")))
    return Server(
        workload=workload,
        pod=pod.name,
        ordinal=pod.ordinal,
        labels=pod.labels,
        # A variable that is set to something unknown is set.
        environment={**dict.fromkeys(environment, "?"), **known},
        properties=settings.properties,
        release=release or Release(NEWEST, _images.LATEST),
        unread=settings.unread,
        pod_ip=pod.address,
        cluster_id=cluster_id,
        myid=settings.myid,
        place=f"{workload.where} ({{}})",
    )


def _is_client(pod: Pod) -> bool:
    """Whether some container is told bootstrap servers."""
    return any("BOOTSTRAP_SERVERS" in text(entry.get("name")).upper() for each in items(pod.spec.get("containers")) for entry in items(each.get("env")))


def _unread(servers: t.Sequence[Server]) -> list[Finding]:
    reasons = {key: reason for server in servers for key, reason in server.unread.items()}
    return [
        Finding(
            "MANIFEST-UNREAD",
            "info",
            "config",
            servers[0].where(key),
            reason,
            "put the value itself into the manifest to have it checked",
            "What depends on this property is not checked.",
        )
        for key, reason in reasons.items()
    ]


def _release_unknown(server: Server) -> Finding:
    return Finding(
        "MANIFEST-RELEASE",
        "info",
        "config",
        server.workload.where,
        f"image {server.workload.image!r} names no release of Kafka; {_release.minor_text(server.release.minor)} is taken",
        "set kafka_version",
        "Another release has other rules.",
    )


def _nothing_found() -> Finding:
    return Finding(
        "MANIFEST-NO-KAFKA",
        "warning",
        "config",
        "manifests",
        "no StatefulSet, Deployment or Pod in them runs Kafka, as far as its image, its files and its environment tell",
        "give all objects of the cluster, ConfigMaps and Services too",
        "Nothing is checked.",
    )


def with_existing(planned: Planned, services: t.Iterable[Object]) -> Planned:
    """The same beside Services that are there already; a planned one replaces its namesake."""
    known = {(service.namespace, service.name) for service in planned.services}
    existing = [service_of(obj, planned.namespace, exists=True) for obj in services]
    beside = tuple(service for service in existing if (service.namespace, service.name) not in known)
    return dataclasses.replace(planned, services=(*planned.services, *beside)) if beside else planned
