# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What Kubernetes objects say about nodes that may have to be restarted. Pure; private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_model, _manifests, _objects, _plan_security, _roll_order
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_order import Version

Object = t.Mapping[str, t.Any]

NO_IMAGE = frozenset(("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"))
"""Why a container waits whose image cannot be had."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A node as the plan has it, or a ZooKeeper server. ``name``: of its StatefulSet; ``id``: those of servers are of their own.
    ``outside``: ``host:port`` of its external listeners. ``stopped``: it is not to run."""

    name: str
    pod: str
    id: int
    roles: tuple[str, ...]
    outside: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def zookeeper(self) -> bool:
        """Whether it is a server of the ZooKeeper ensemble."""
        return "zookeeper" in self.roles

    @property
    def controller(self) -> bool:
        """Whether it is a controller or a combined node."""
        return "controller" in self.roles

    @property
    def broker(self) -> bool:
        """Whether it holds partitions."""
        return "broker" in self.roles


@dataclasses.dataclass(frozen=True)
class Seen:
    """What there is of a node: its StatefulSet, its pod, the Secrets with its certificate and with what nodes log in by, and its
    claims, each where there is one."""

    workload: Object | None = None
    pod: Object | None = None
    certificate: Object | None = None
    credentials: Object | None = None
    claims: tuple[Object, ...] = ()


def members(plan: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The nodes of a plan and its ZooKeeper servers as ``kafka_roll`` takes them."""
    return [
        {
            **{key: node[key] for key in ("name", "pod", "id", "roles")},
            "stopped": node["id"] in plan["stopped"] and "zookeeper" not in node["roles"],
            "outside": [
                f"{place['host']}:{place['port']}"
                for place in node["advertised"]
                if place["listener"] in plan["external_listeners"] and place["host"] and place["port"]
            ],
        }
        for node in (*plan["nodes"], *plan["zookeeper_nodes"])
    ]


def nodes_with_old_secrets(objects: t.Iterable[Object], cluster: str) -> list[str]:
    """Names of the StatefulSets whose pods run with another certificate or ``kafka_secret_config`` than their Secrets have by now."""
    objects = list(objects)
    pods = {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == "Pod"}
    secrets = {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == "Secret"}
    credentials = config_changed_at(secrets.get(_manifests.credentials_name(cluster)))
    found = []
    for obj in (obj for obj in objects if obj["kind"] == "StatefulSet"):
        name = obj["metadata"]["name"]
        certificate = data_changed_at(secrets.get(_manifests.certificate_name(name)))
        if any(_began_before(pods.get(f"{name}-0"), changed) for changed in (certificate, credentials if _is_kafka(obj) else "")):
            found.append(name)
    return found


def clients_with_old_secrets(objects: t.Iterable[Object]) -> list[str]:
    """Names of the Deployments with pods that began before the Secrets that they mount were last changed."""
    objects = list(objects)
    changed = {obj["metadata"]["name"]: data_changed_at(obj) for obj in objects if obj["kind"] == "Secret"}
    found = []
    for obj in (obj for obj in objects if obj["kind"] == "Deployment"):
        selector = obj["spec"]["selector"]["matchLabels"].items()
        pods = [pod for pod in objects if pod["kind"] == "Pod" and selector <= (pod["metadata"].get("labels") or {}).items()]
        newest = max((changed.get(name, "") for name in _mounted(obj["spec"]["template"])), default="")
        if any(_began_before(pod, newest) for pod in pods if not pod["metadata"].get("deletionTimestamp")):
            found.append(obj["metadata"]["name"])
    return found


def _mounted(template: Object) -> list[str]:
    """The Secrets that a pod has files of."""
    sources = [source for volume in template["spec"].get("volumes") or [] for source in (volume.get("projected") or {}).get("sources") or []]
    return [source["secret"]["name"] for source in sources if "secret" in source]


def _is_kafka(workload: Object) -> bool:
    return (workload["metadata"].get("labels") or {}).get("app.kubernetes.io/component") != "zookeeper"


def _began_before(pod: Object | None, changed: str) -> bool:
    """Whether a pod may have read a file that was changed at this time as it was before: a container reads its files when it
    starts, and one that has started more than once may have read an older one. False without a time."""
    if pod is None or not changed:
        return False
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    first = [((each.get("state") or {}).get("running") or {}).get("startedAt") for each in statuses if not each.get("restartCount")]
    return (first[0] if first and first[0] else pod["metadata"]["creationTimestamp"]) < changed and bool(statuses)


def pod_state(pod: Object | None) -> _gate_model.PodState:
    """The state of a pod; of one whose container has just ended, nobody knows yet what comes."""
    if pod is None:
        return "missing"
    if pod["metadata"].get("deletionTimestamp"):
        return "terminating"
    status = pod.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    if conditions.get("Ready", {}).get("status") == "True":
        return "ready"
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return "scheduling"
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        reason = (state.get("waiting") or {}).get("reason")
        if reason in NO_IMAGE:
            return "image"
        if reason == "CrashLoopBackOff":
            return "crash_loop"
        return "starting" if "running" in state else "unknown"
    return "unknown"


def restarts(pod: Object | None) -> int:
    """How often the container of a pod has ended and begun anew."""
    return sum(each.get("restartCount", 0) for each in ((pod or {}).get("status") or {}).get("containerStatuses") or [])


def age_ms(pod: Object | None, now: datetime.datetime) -> int | None:
    """For how long the container of a pod has been running; None where it is not."""
    for container in ((pod or {}).get("status") or {}).get("containerStatuses") or []:
        started = ((container.get("state") or {}).get("running") or {}).get("startedAt")
        if started:
            return max(0, int((now - _objects.moment(started)).total_seconds() * 1000))
    return None


def written(when: datetime.datetime) -> str:
    """A time as Kubernetes writes it."""
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def data_changed_at(secret: Object | None) -> str:
    """When the data of a Secret was last changed by anyone; empty where that is not known."""
    times = [
        each.get("time", "")
        for each in (((secret or {}).get("metadata") or {}).get("managedFields") or [])
        if "f:data" in (each.get("fieldsV1") or {}) and not each.get("subresource")
    ]
    return max(times, default="")


def config_changed_at(credentials: Object | None) -> str:
    """When ``kafka_secret_config`` was last changed; empty where it never was."""
    return _objects.secret_texts(credentials or {}).get(_plan_security.CONFIG_CHANGED_FILE, "")


def node(member: Member, seen: Seen, before: str = "", away: str = "", now: datetime.datetime | None = None) -> _roll_order.Node:
    """A node for :mod:`_roll_order`. ``before``: a pod that was created earlier than this is to be restarted; empty for none.
    ``away``: the Kubernetes node that is drained, where there is one; then nothing but what runs there is restarted."""
    pod = None if pod_state(seen.pod) == "terminating" else seen.pod
    created = ((pod or {}).get("metadata") or {}).get("creationTimestamp", "")
    certificate, config = data_changed_at(seen.certificate), "" if member.zookeeper else config_changed_at(seen.credentials)
    wanted, running = _versions(seen.workload, pod)
    wanted = dataclasses.replace(wanted, certificate=certificate, configuration=wanted.configuration + config, claims=_sizes(seen.claims))
    running = dataclasses.replace(
        running,
        certificate="older" if _began_before(pod, certificate) else certificate,
        configuration=running.configuration + ("older" if _began_before(pod, config) else config),
        claims="smaller" if any(_objects.growth(claim, now) == "restart" for claim in seen.claims) else wanted.claims,
    )
    state = pod_state(pod)
    found = _roll_order.Node(
        id=member.id,
        pod_uid=pod["metadata"]["uid"] if pod else None,
        wanted=wanted,
        running=running,
        zookeeper=member.zookeeper,
        controller=member.controller,
        ready=state == "ready",
        stuck=state in _gate_model.NOT_RUNNING,
        manual=before if created and created < before else "",
        drain=bool(away) and pod is not None and pod["spec"].get("nodeName") == away,
    )
    if (away and not found.drain) or (member.stopped and not runs(seen.workload)):
        return dataclasses.replace(found, running=wanted, manual="")
    return dataclasses.replace(found, stop=member.stopped)


def runs(workload: Object | None) -> bool:
    """Whether a StatefulSet is to have a pod, by what there is of it."""
    return workload is not None and workload["spec"].get("replicas", 1) > 0


def stopping(wanted: t.Iterable[Object], there: t.Iterable[Object]) -> list[str]:
    """Names of the StatefulSets that are ``wanted`` without a pod, and are ``there`` with one."""
    running = {obj["metadata"]["name"] for obj in there if obj["kind"] == "StatefulSet" and runs(obj)}
    return [obj["metadata"]["name"] for obj in wanted if obj["kind"] == "StatefulSet" and not runs(obj) and obj["metadata"]["name"] in running]


def until_stopped(wanted: t.Iterable[dict[str, t.Any]], names: t.Collection[str]) -> list[dict[str, t.Any]]:
    """The objects ``wanted``, with the StatefulSets of these names as going on: nothing stops them but a roll."""
    return [
        {**obj, "spec": {**obj["spec"], "replicas": 1}} if obj["kind"] == "StatefulSet" and obj["metadata"]["name"] in names else obj for obj in wanted
    ]


def _sizes(claims: t.Iterable[Object]) -> str:
    """What claims ask for."""
    return ",".join(sorted(f"{claim['metadata']['name']}={claim['spec']['resources']['requests']['storage']}" for claim in claims))


def is_settled(workload: Object | None) -> bool:
    """Whether the status of a StatefulSet is about its present definition."""
    return workload is None or (workload.get("status") or {}).get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)


def _versions(workload: Object | None, pod: Object | None) -> tuple[Version, Version]:
    """What a node should run with, and what its pod runs with; the same where it is not known yet or there is no pod."""
    status = (workload or {}).get("status") or {}
    revision = status.get("updateRevision", "")
    if workload is None or not revision or not is_settled(workload):
        return Version(), Version()
    wanted = _version(workload["spec"]["template"], revision)
    if pod is None:
        return wanted, wanted
    labels = pod["metadata"].get("labels") or {}
    # kafka_roll takes a label off a pod before it deletes it, and may be killed in between.
    whole = (workload["spec"]["template"]["metadata"].get("labels") or {}).items() <= labels.items()
    has = labels.get("controller-revision-hash", "") if whole else ""
    running = _version(pod, revision)
    # The revision tells of every difference, and so it speaks only for those that nothing else names.
    return wanted, dataclasses.replace(running, template=has) if running == wanted else running


def _version(pod: Object, template: str) -> Version:
    container = pod["spec"]["containers"][0]
    settings = {"resources": container.get("resources") or {}, "env": container.get("env") or []}
    return Version(
        image=container["image"],
        configuration=(pod["metadata"].get("annotations") or {}).get(_manifests.CHECKSUM, ""),
        resources=json.dumps(settings, sort_keys=True),
        template=template,
    )
