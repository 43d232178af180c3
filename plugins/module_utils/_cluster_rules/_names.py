# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Where a host name leads in a Kubernetes cluster. Private to the collection.

The rules of Kubernetes' DNS specification: a Service is ``service.namespace.svc.domain``; a pod of a StatefulSet is
``pod.service.namespace.svc.domain``, and only below its governing Service (``spec.serviceName``), if that is headless
and selects the pod. Pods may leave away what their own search list adds: the domain, ``svc``, their own namespace.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server, Service
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import is_ip


class Lead(t.NamedTuple):
    """Where a name leads.

    ``kind``: ``pod`` or ``service``: planned or there; ``missing``: nothing will ever have this name; ``unplanned``: it
    could only be something inside of Kubernetes that is not planned here; ``outside``: anything else. ``everywhere``:
    whether pods of other namespaces can use the name.
    """

    kind: str
    servers: t.Sequence[Server] = ()
    service: Service | None = None
    reason: str = ""
    everywhere: bool = True


OUTSIDE = Lead("outside")


def follow(planned: Planned, host: str, namespace: str) -> Lead:
    """Where ``host`` leads for a pod in ``namespace``."""
    if is_ip(host.strip("[]")):
        return OUTSIDE
    labels = host.lower().rstrip(".").split(".")
    tail = ["svc", *planned.domain.lower().split(".")]
    if labels[-len(tail) :] == tail:
        return _named(planned, labels[: -len(tail)], host)
    if host.endswith("."):
        return OUTSIDE  # absolute: no search list
    if labels[-1] == "svc":
        return _named(planned, labels[:-1], host)
    if "svc" in labels[2:4]:
        return _other_domain(planned, labels)
    return _relative(planned, labels, namespace)


def _named(planned: Planned, core: t.Sequence[str], host: str) -> Lead:
    """What stands before ``svc``."""
    if len(core) == 2:
        return _service(planned, core[0], core[1])
    if len(core) == 3:
        pod, service, namespace = core
        own = _planned_namespace(planned, pod, service)
        if namespace in planned.namespaces or planned.service(namespace, service):
            if own and own != namespace and not planned.service(namespace, service):
                return Lead("missing", reason=f"pod {pod} is in namespace {own}, not in {namespace}")
            return _pod(planned, pod, service, namespace)
        if own:
            return Lead("missing", reason=f"pod {pod} is in namespace {own}, not in {namespace}")
        return OUTSIDE
    return Lead("missing", reason=f"{host} has neither the form service.namespace.svc nor pod.service.namespace.svc")


def _other_domain(planned: Planned, labels: t.Sequence[str]) -> Lead:
    """A name of the form ``...svc.example``, below another domain than this cluster's."""
    index = labels.index("svc", 2)
    core, domain = labels[:index], ".".join(labels[index + 1 :])
    inside = planned.service(core[-1], core[-2]) is not None or _planned_namespace(planned, core[0], core[-2]) != ""
    if inside or domain == "cluster.local":
        return Lead("missing", reason=f"this Kubernetes cluster's domain is {planned.domain}, not {domain}")
    return OUTSIDE


def _relative(planned: Planned, labels: t.Sequence[str], namespace: str) -> Lead:
    if len(labels) == 1:
        return _service(planned, labels[0], namespace)._replace(everywhere=False)
    first, second = labels[0], labels[1]
    if len(labels) == 2:
        if planned.service(namespace, second) or _planned_namespace(planned, first, second):
            return _pod(planned, first, second, namespace)._replace(everywhere=False)
        if second in planned.namespaces or planned.service(second, first):
            return _service(planned, first, second)
        return Lead("unplanned") if (namespace, first) in planned.pods else OUTSIDE
    if len(labels) == 3 and (labels[2] in planned.namespaces or _planned_namespace(planned, first, second)):
        return _named(planned, labels, ".".join(labels))
    return OUTSIDE


def _planned_namespace(planned: Planned, pod: str, service: str) -> str:
    """The namespace of a planned pod whose governing Service is this one, or empty."""
    for namespace in planned.namespaces:
        server = planned.pods.get((namespace, pod))
        if server is not None and service == server.workload.governing_service:
            return namespace
    return ""


def _service(planned: Planned, name: str, namespace: str) -> Lead:
    service = planned.service(namespace, name)
    if service is None:
        return Lead("unplanned") if namespace in planned.namespaces else OUTSIDE
    return Lead("service", servers=planned.selected(service), service=service)


def _pod(planned: Planned, pod: str, service_name: str, namespace: str) -> Lead:
    service = planned.service(namespace, service_name)
    server = planned.pods.get((namespace, pod))
    if server is None:
        workload = next((each for each in planned.workloads if pod.rpartition("-")[0] == each.name and each.namespace == namespace), None)
        if workload is not None:
            return Lead("missing", reason=f"{workload.where} has {workload.replicas} replicas, and no pod {pod}")
        if service is not None and service.exists:
            return Lead("unplanned")
        return Lead("missing", reason=f"there is no pod {pod} in namespace {namespace}")
    governing = server.workload.governing_service
    if service_name != governing:
        named = f"below its spec.serviceName, {governing}, and not below {service_name}" if governing else "below a spec.serviceName, and it has none"
        return Lead("missing", reason=f"pods of {server.workload.where} have names {named}")
    if service is None:
        return Lead("missing", reason=f"there is no Service {service_name} in namespace {namespace}, and a StatefulSet does not create its own")
    if not service.headless:
        return Lead("missing", reason=f"Service {service_name} has a cluster IP; pods have names below a headless Service only")
    if server not in planned.selected(service):
        return Lead("missing", reason=f"Service {service_name} does not select pod {pod}")
    return Lead("pod", servers=(server,), service=service)
