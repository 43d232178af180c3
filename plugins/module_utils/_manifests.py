# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Lays a plan out as Kubernetes objects. Decides nothing. Private to the collection.

Every function takes the plan as ``Plan.as_dict`` gives it and returns objects ready for server-side apply.
"""

from __future__ import annotations

import base64
import typing as t

Object = dict
Plan = t.Mapping[str, t.Any]

CHECKSUM = "kafkaops.kubernetes/checksum"
KAFKA_VERSION = "kafkaops.kubernetes/kafka-version"
_CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
_TMP = ({"name": "tmp", "emptyDir": {}}, {"name": "tmp", "mountPath": "/tmp"})


PARTS = ("services", "cluster", "certificates", "network", "zookeeper", "kafka", "clients")
"""What can be laid out by itself, in the order of their dependence."""

ORDER = ("Namespace", "NetworkPolicy", "Certificate", "Secret", "ConfigMap", "StatefulSet", "Service", "PodDisruptionBudget", "Deployment")
"""In which order objects are applied: pods are never open to more than they should be, have their files when they start, and start
before what is only needed once they run."""


def write(plan: Plan, parts: t.Collection[str], image: str) -> list[Object]:
    """The objects of these parts, in the order in which to apply them. ``image``: the reference that pods run."""
    found: list[Object] = []
    if "services" in parts:
        found += services(plan)
    if "cluster" in parts:
        found += cluster(plan)
    if "certificates" in parts and plan["tls_source"] == "cert_manager":
        found += certificates(plan)
    if "network" in parts:
        found += network_policies(plan)
    if "zookeeper" in parts:
        found += nodes(plan, plan["zookeeper_nodes"], image)
    if "kafka" in parts:
        found += nodes(plan, plan["nodes"], image)
    if "clients" in parts:
        found += clients(plan, image)
    return sorted(found, key=lambda obj: ORDER.index(obj["kind"]))


def services(plan: Plan) -> list[Object]:
    """The namespace, where it is to be made, and all Services."""
    found = [_namespace(plan)] if plan["create_namespace"] else []
    return [*found, *(_service(plan, service) for service in plan["services"])]


def cluster(plan: Plan) -> list[Object]:
    """What is made once for a cluster, and when its controllers were last seen to be voters."""
    identity = plan["identity"]
    if not identity["cluster_id"]:
        return []
    labels = {**plan["labels"], "app.kubernetes.io/component": "cluster"}
    data = {"id": identity["cluster_id"], "quorum": identity["quorum"], "initial-controllers": identity["initial_controllers"]}
    if identity["formed"]:
        data["formed"] = identity["formed"]
    return [secret(plan, identity_name(plan["cluster"]), labels, data)]


def _secret_data(data: t.Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}


def identity_name(cluster_name: str) -> str:
    """The Secret with a cluster's id and first voters."""
    return f"{cluster_name}-cluster"


def certificates(plan: Plan) -> list[Object]:
    """What cert-manager is to issue. It puts key and chain into one file, as Kafka reads them, where it is asked to."""
    return [_certificate(plan, certificate) for certificate in plan["certificates"]]


def _certificate(plan: Plan, certificate: Plan) -> Object:
    labels = {**plan["labels"], "app.kubernetes.io/component": certificate["component"]}
    spec: Object = {
        "secretName": certificate["name"],
        "secretTemplate": {"labels": labels},
        "commonName": certificate["common_name"],
        "dnsNames": list(certificate["dns"]),
        "duration": f"{plan['tls_days'] * 24}h0m0s",
        "renewBefore": f"{plan['tls_renew_days'] * 24}h0m0s",
        "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
        "privateKey": {"algorithm": "ECDSA", "encoding": "PKCS8", "rotationPolicy": "Always"},
        "additionalOutputFormats": [{"type": "CombinedPEM"}],
        "issuerRef": dict(plan["tls_issuer"]),
    }
    if certificate["addresses"]:
        spec["ipAddresses"] = list(certificate["addresses"])
    return _object(plan, "cert-manager.io/v1", "Certificate", certificate["name"], labels, spec=spec)


def network_policies(plan: Plan) -> list[Object]:
    """Who may reach which pods."""
    return [_network_policy(plan, policy) for policy in plan["network_policies"]]


def _network_policy(plan: Plan, policy: Plan) -> Object:
    labels = {**plan["labels"], "app.kubernetes.io/component": policy["component"]}
    spec = {"podSelector": {"matchLabels": dict(policy["selector"])}, "policyTypes": ["Ingress"], "ingress": [dict(rule) for rule in policy["rules"]]}
    return _object(plan, "networking.k8s.io/v1", "NetworkPolicy", policy["name"], labels, spec=spec)


def nodes(plan: Plan, members: t.Sequence[Plan], image: str) -> list[Object]:
    """Disruption budgets, files and StatefulSets of Kafka nodes or ZooKeeper servers."""
    found: list[Object] = [_disruption_budget(plan, component) for component in dict.fromkeys(node["component"] for node in members)]
    for node in members:
        found.append(_object(plan, "v1", "ConfigMap", node["name"], node["labels"], data={node["file_name"]: node["file"]}))
        found.append(_stateful_set(plan, node, image))
    return found


def clients(plan: Plan, image: str) -> list[Object]:
    """Files and Deployments of the client applications."""
    found: list[Object] = []
    for client in plan["clients"]:
        labels = client_labels(plan, client)
        if not client["secret"]:
            found.append(_object(plan, "v1", "ConfigMap", client["name"], labels, data={"client.properties": client["file"]}))
        found.append(_deployment(plan, client, labels, image))
    return found


def client_labels(plan: Plan, client: Plan) -> dict[str, str]:
    """Labels of a client application's objects."""
    return {**plan["labels"], "app.kubernetes.io/component": client["kind"], "kafkaops.kubernetes/client": client["name"]}


def secret(plan: Plan, name: str, labels: t.Mapping[str, str], data: t.Mapping[str, str]) -> Object:
    """A Secret with these texts."""
    return _object(plan, "v1", "Secret", name, labels, type="Opaque", data=_secret_data(data))


def _object(plan: Plan, api_version: str, kind: str, name: str, labels: t.Mapping[str, str], **content: t.Any) -> Object:
    metadata = {"name": name, "namespace": plan["namespace"], "labels": dict(labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _namespace(plan: Plan) -> Object:
    labels = {"app.kubernetes.io/managed-by": plan["labels"]["app.kubernetes.io/managed-by"], "pod-security.kubernetes.io/enforce": plan["pod_security"]}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": plan["namespace"], "labels": labels}}


def _service(plan: Plan, service: Plan) -> Object:
    labels = {**plan["labels"], "app.kubernetes.io/component": service["component"]}
    spec: Object = {"type": service["type"], "selector": dict(service["selector"]), "ports": [_service_port(port) for port in service["ports"]]}
    if service["headless"]:
        spec["clusterIP"] = "None"
    if service["headless"] or service["node"]:
        # Who wants this node gets no better one: without any address the first packet of a connection is mostly dropped, and sent again
        # after 1, 3, 7 seconds; the address of a node that starts refuses at once, until it listens.
        spec["publishNotReadyAddresses"] = True
    if service["load_balancer_class"]:
        spec["loadBalancerClass"] = service["load_balancer_class"]
    found = _object(plan, "v1", "Service", service["name"], labels, spec=spec)
    if service["annotations"]:
        found["metadata"]["annotations"] = dict(service["annotations"])
    return found


def _service_port(port: Plan) -> Object:
    found = {"name": port["name"], "port": port["port"], "targetPort": port["target_port"], "protocol": "TCP"}
    return {**found, "nodePort": port["node_port"]} if port["node_port"] else found


def _disruption_budget(plan: Plan, component: str) -> Object:
    labels = {**plan["labels"], "app.kubernetes.io/component": component}
    selector = {"app.kubernetes.io/instance": plan["cluster"], "app.kubernetes.io/component": component}
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    return _object(plan, "policy/v1", "PodDisruptionBudget", f"{plan['cluster']}-{component}", labels, spec=spec)


def _stateful_set(plan: Plan, node: Plan, image: str) -> Object:
    stopped = node["component"] != "zookeeper" and node["id"] in plan["stopped"]
    spec = {
        "replicas": 0 if stopped else 1,
        "serviceName": node["headless"],
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "selector": {"matchLabels": dict(node["selector"])},
        "template": {
            "metadata": {"labels": dict(node["labels"]), "annotations": _annotations(plan, node)},
            "spec": {
                **_pod(plan),
                "terminationGracePeriodSeconds": node["termination_grace_period"],
                "affinity": node["affinity"],
                "containers": [_node_container(node, image)],
                "volumes": [_config_volume(plan, node), _TMP[0]],
            },
        },
        "volumeClaimTemplates": [_claim(node, claim) for claim in node["claims"]],
    }
    spec["template"]["spec"]["securityContext"]["fsGroupChangePolicy"] = "OnRootMismatch"
    return _object(plan, "apps/v1", "StatefulSet", node["name"], node["labels"], spec=spec)


def _annotations(plan: Plan, node: Plan) -> dict[str, str]:
    """What a pod says it runs; a ZooKeeper server does not run Kafka."""
    found = {CHECKSUM: node["checksum"]}
    return found if node["component"] == "zookeeper" else {**found, KAFKA_VERSION: plan["version"]}


def _pod(plan: Plan) -> Object:
    """What all pods have."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": plan["run_as_user"],
            "fsGroup": plan["run_as_user"],
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _node_container(node: Plan, image: str) -> Object:
    live = {"tcpSocket": {"port": node["live_port"]}}
    return {
        "name": node["component"],
        "image": image,
        "command": list(node["command"]),
        "env": _node_env(node),
        "ports": [{"name": port["name"], "containerPort": port["port"], "protocol": "TCP"} for port in node["ports"]],
        "resources": node["resources"],
        "securityContext": _CONTAINER_SECURITY,
        # Ports open after log recovery, which may take long and must not be cut short.
        "startupProbe": {**live, "periodSeconds": 2, "failureThreshold": node["startup_timeout"] // 2},
        "readinessProbe": {"exec": {"command": list(node["ready_command"])}, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**live, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/kafkaops", "readOnly": True},
            _TMP[1],
            *({"name": claim["name"], "mountPath": claim["mount_path"]} for claim in node["claims"]),
        ],
    }


def _node_env(node: Plan) -> list[Object]:
    found = {"KAFKA_HEAP_OPTS": f"-Xms{node['heap']} -Xmx{node['heap']}"}
    if node["jvm_options"]:
        found["KAFKA_JVM_OPTS"] = " ".join(node["jvm_options"])
    return [{"name": name, "value": value} for name, value in found.items()]


def _config_volume(plan: Plan, node: Plan) -> Object:
    """The node's files, and in KRaft mode those of the cluster below ``cluster/``."""
    sources: list[Object] = [{"configMap": {"name": node["name"]}}]
    if plan["identity"]["cluster_id"] and node["component"] != "zookeeper":
        # Optional: a key may come later, and a pod takes it over without a new template.
        sources.append(_secret_source(identity_name(plan["cluster"]), "cluster", ["id", "initial-controllers", "formed"], optional=True))
    if plan["credential_files"] and node["component"] != "zookeeper":
        sources.append(_secret_source(credentials_name(plan["cluster"]), "credentials", plan["credential_files"]))
    for certificate in plan["certificates"]:
        if certificate["node"] == str(node["id"]) and certificate["component"] == node["component"]:
            sources.append(_secret_source(certificate["name"], "tls", ["tls-combined.pem"]))
            sources.append(_trusted(plan, certificate["name"]))
    return {"name": "config", "projected": {"sources": sources, "defaultMode": 0o440}}


def _secret_source(name: str, directory: str, keys: t.Iterable[str], *, optional: bool = False) -> Object:
    source: Object = {"name": name, "items": [{"key": key, "path": f"{directory}/{key}"} for key in keys]}
    return {"secret": {**source, "optional": True} if optional else source}


def _trusted(plan: Plan, secret: str) -> Object:
    """The authority's certificate: cert-manager puts it beside each certificate."""
    return _secret_source(secret if plan["tls_source"] == "cert_manager" else authority_name(plan["cluster"]), "tls", ["ca.crt"])


def certificate_name(node: str) -> str:
    """The Secret with a node's certificate."""
    return f"{node}-tls"


def authority_name(cluster_name: str) -> str:
    """The Secret with the certificate authority."""
    return f"{cluster_name}-authority"


def credentials_name(cluster_name: str) -> str:
    """The Secret with what nodes log in by."""
    return f"{cluster_name}-credentials"


def _claim(node: Plan, claim: Plan) -> Object:
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": claim["size"]}}}
    if claim["storage_class"]:
        spec["storageClassName"] = claim["storage_class"]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim["name"], "labels": dict(node["labels"])}, "spec": spec}


def _deployment(plan: Plan, client: Plan, labels: t.Mapping[str, str], image: str) -> Object:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": client["bootstrap_servers"],
        "KAFKA_TOPIC": client["topic"],
        "KAFKA_GROUP_ID": client["group_id"],
        "KAFKA_CLIENT_PROPERTIES": "/etc/kafkaops/client.properties",
    }
    container: Object = {
        "name": client["kind"],
        "image": client["image"] or image,
        "env": [{"name": name, "value": value} for name, value in environment.items() if value],
        "resources": client["resources"],
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/kafkaops", "readOnly": True}, _TMP[1]],
    }
    container.update({name: list(client[name]) for name in ("command", "args") if client[name]})
    spec = {
        "replicas": client["replicas"],
        "selector": {"matchLabels": {"app.kubernetes.io/instance": plan["cluster"], "kafkaops.kubernetes/client": client["name"]}},
        "template": {
            "metadata": {"labels": dict(labels), "annotations": {CHECKSUM: client["checksum"]}},
            "spec": {**_pod(plan), "containers": [container], "volumes": [_client_volume(plan, client), _TMP[0]]},
        },
    }
    return _object(plan, "apps/v1", "Deployment", client["name"], labels, spec=spec)


def _client_volume(plan: Plan, client: Plan) -> Object:
    sources: list[Object] = [{"secret" if client["secret"] else "configMap": {"name": client["name"]}}]
    if client["tls_secret"]:
        sources.append(_secret_source(client["tls_secret"], "tls", ["tls-combined.pem"]))
    if client["trusts"]:
        # Of cert-manager's authority any node's Secret has the certificate.
        sources += [_trusted(plan, certificate["name"]) for certificate in plan["certificates"][:1]]
    return {"name": "config", "projected": {"sources": sources, "defaultMode": 0o440}}
