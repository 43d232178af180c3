# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Reads pods in Kubernetes manifests that somebody wrote: containers, environment, mounts, probes. Private to the collection.

Whatever is of another type than Kubernetes wants counts as absent: the API server says so better.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _shell
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import POD_INDEX, POD_NAME, Mount, Probe

Object = t.Mapping[str, t.Any]
Files = t.Mapping[tuple[str, str], t.Mapping[str, str]]
"""The data of ConfigMaps by namespace and name."""

_REFERENCE = re.compile(r"\$(?:\$|\(([A-Za-z_][A-Za-z0-9_.-]*)\))")
_NUMBER = re.compile(r"(?<![\w.])([0-9]{2,5})(?![\w.])", re.ASCII)
_AGENT = re.compile(r"-javaagent:[^\s=]+=(?:[^\s,]*\bport=|(?:[^\s:,]+:)?)([0-9]{2,5})\b")
_ADDRESSES = ("LISTENERS", "VOTERS", "SERVERS", "CONNECT")
_SHELLS = ("sh", "bash", "ash", "dash")


def mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    """A dictionary, or an empty one."""
    return value if isinstance(value, t.Mapping) else {}


def items(value: t.Any) -> list[Object]:
    """The dictionaries in a list."""
    return [item for item in value if isinstance(item, t.Mapping)] if isinstance(value, (list, tuple)) else []


def text(value: t.Any) -> str:
    """A scalar as text; empty for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""


def texts(value: t.Any) -> dict[str, str]:
    """A dictionary of scalars as text."""
    return {text(key): text(each) for key, each in mapping(value).items()}


def words(value: t.Any) -> list[str]:
    """A list of scalars as text."""
    return [text(item) for item in value] if isinstance(value, (list, tuple)) else []


def number(value: t.Any, otherwise: int = 0) -> int:
    """A whole number, also one written as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else otherwise


class Pod(t.NamedTuple):
    """One pod of a workload. ``spec``: of the pod. ``address``: stands for the address that it will get."""

    name: str
    namespace: str
    ordinal: int
    labels: t.Mapping[str, str]
    annotations: t.Mapping[str, str]
    spec: Object
    address: str


def pods(obj: Object, namespace: str, first_address: int) -> list[Pod]:
    """The pods that a StatefulSet, a Deployment or a Pod makes. Pods of a Deployment get names that stand for theirs."""
    first = template(obj, namespace)
    if obj.get("kind") == "Pod":
        return [first._replace(address=_address(first_address))]
    start = number(mapping(mapping(obj.get("spec")).get("ordinals")).get("start"))
    found: list[Pod] = []
    for ordinal in range(start, start + replicas(obj)):
        pod = f"{first.name}-{ordinal}"
        own = {POD_NAME: pod, POD_INDEX: str(ordinal)} if obj.get("kind") == "StatefulSet" else {}
        address = _address(first_address + len(found))
        found.append(first._replace(name=pod, ordinal=ordinal, labels={**first.labels, **own}, address=address))
    return found


def template(obj: Object, namespace: str) -> Pod:
    """What all pods of a workload have in common; the name is the workload's."""
    pod = obj if obj.get("kind") == "Pod" else mapping(mapping(obj.get("spec")).get("template"))
    metadata = mapping(pod.get("metadata"))
    name = text(mapping(obj.get("metadata")).get("name"))
    return Pod(name, namespace, 0, texts(metadata.get("labels")), texts(metadata.get("annotations")), mapping(pod.get("spec")), "")


def replicas(obj: Object) -> int:
    """``spec.replicas``, default 1; nobody plans more than a thousand."""
    return min(1000, max(0, number(mapping(obj.get("spec")).get("replicas"), 1)))


def _address(count: int) -> str:
    # 240.0.0.0/4 is reserved: nothing has such an address, so that it can stand for one.
    return f"240.{count // 65536 % 256}.{count // 256 % 256}.{count % 256}"


def environment(container: Object, pod: Pod, files: Files) -> dict[str, str | None]:
    """The variables of a container in a pod, references put in as the kubelet does; None for what is not known here."""
    found: dict[str, str | None] = {}
    for source in items(container.get("envFrom")):
        name = text(mapping(source.get("configMapRef")).get("name"))
        for key, value in files.get((pod.namespace, name), {}).items():
            found[text(source.get("prefix")) + key] = value
    for entry in items(container.get("env")):
        name = text(entry.get("name"))
        if "valueFrom" in entry:
            found[name] = _value_from(mapping(entry.get("valueFrom")), pod, files)
        elif name:
            found[name] = _expanded(text(entry.get("value")), found)
    return found


def _expanded(value: str, known: t.Mapping[str, str | None]) -> str | None:
    """``$(NAME)`` is replaced where NAME stands before, ``$$`` is a dollar, anything else stays."""
    unknown = False

    def replaced(found: re.Match[str]) -> str:
        nonlocal unknown
        name = found[1]
        if name is None:
            return "$"
        if name not in known:
            return found[0]
        unknown = unknown or known[name] is None
        return known[name] or ""

    result = _REFERENCE.sub(replaced, value)
    return None if unknown else result


def _value_from(source: Object, pod: Pod, files: Files) -> str | None:
    reference = mapping(source.get("configMapKeyRef"))
    if reference:
        return files.get((pod.namespace, text(reference.get("name"))), {}).get(text(reference.get("key")))
    path = text(mapping(source.get("fieldRef")).get("fieldPath"))
    label = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if label:
        return (pod.labels if label[1] == "labels" else pod.annotations).get(label[2], "")
    # The Kubernetes node is chosen later; its address and name are nothing that is planned.
    return {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "status.podIP": pod.address,
        "status.podIPs": pod.address,
        "status.hostIP": f"241.0.{pod.ordinal // 256 % 256}.{pod.ordinal % 256}",
        "spec.nodeName": f"{pod.name}.invalid",
        "spec.serviceAccountName": text(pod.spec.get("serviceAccountName")) or "default",
    }.get(path)


def script(container: Object) -> str:
    """What a container runs, as one text."""
    return " ".join(words(container.get("command")) + words(container.get("args")))


def is_shell(container: Object) -> bool:
    """Whether a container begins with a shell, which would put variables in."""
    command = words(container.get("command")) or words(container.get("args"))
    return bool(command) and command[0].rpartition("/")[2] in _SHELLS


def shell_environment(container: Object, pod: Pod, files: Files) -> dict[str, str | None]:
    """The variables of a container's process, with those that its script sets."""
    found = environment(container, pod, files)
    return _shell.assigned(script(container), {"HOSTNAME": pod.name, **found}) if is_shell(container) else found


def mounts(container: Object, spec: Object, claims: t.Collection[str]) -> tuple[Mount, ...]:
    """The volumes in a container. ``claims``: names of ``volumeClaimTemplates``."""
    kinds = {text(volume.get("name")): _kind(volume) for volume in items(spec.get("volumes"))}
    kinds.update(dict.fromkeys(claims, "claim"))
    found = []
    for mount in items(container.get("volumeMounts")):
        path = text(mount.get("mountPath")).rstrip("/") or "/"
        found.append(Mount(path, kinds.get(text(mount.get("name")), "other"), text(mount.get("subPath")) or text(mount.get("subPathExpr"))))
    return tuple(found)


def _kind(volume: Object) -> str:
    kinds = {"persistentVolumeClaim": "claim", "ephemeral": "empty", "emptyDir": "empty", "hostPath": "host"}
    return next((kind for key, kind in kinds.items() if key in volume), "other")


def probe(container: Object, name: str) -> Probe:
    """A probe of a container, such as ``readinessProbe``."""
    given = mapping(container.get(name))
    if "exec" in given:
        return Probe("exec", " ".join(words(mapping(given.get("exec")).get("command"))))
    for key, kind in (("tcpSocket", "tcp"), ("httpGet", "http")):
        if key in given:
            port = mapping(given.get(key)).get("port")
            return Probe(kind, port=number(port) or text(port))
    return Probe()


def ports(container: Object) -> dict[str, int]:
    """The declared ports of a container by name, those without one by number."""
    found = {}
    for port in items(container.get("ports")):
        value = number(port.get("containerPort"))
        found[text(port.get("name")) or str(value)] = value
    return found


def agent_ports(container: Object) -> set[int]:
    """Ports of Java agents, such as the exporter of JMX metrics."""
    return {int(port) for entry in items(container.get("env")) for port in _AGENT.findall(text(entry.get("value")))}


def mentioned_ports(container: Object) -> set[int]:
    """Numbers in a container's environment that may be ports of something in it, without Kafka's own addresses."""
    given = [text(entry.get("value")) for entry in items(container.get("env")) if not text(entry.get("name")).endswith(_ADDRESSES)]
    return {int(found) for value in given for found in _NUMBER.findall(value)} | agent_ports(container)


def privileged(container: Object, spec: Object) -> bool | None:
    """Whether the process runs as root; None where the image decides."""
    contexts = [mapping(container.get("securityContext")), mapping(spec.get("securityContext"))]
    for context in contexts:
        if "runAsUser" in context:
            return number(context.get("runAsUser"), -1) == 0
    return False if any(context.get("runAsNonRoot") is True for context in contexts) else None
