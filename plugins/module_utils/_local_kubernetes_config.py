# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The configuration files of the local cluster's processes. Pure. Private to the collection."""

from __future__ import annotations

import base64
import json
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan

PAUSE_IMAGE = "kafkaops.local/pause:1"
STORAGE_CLASS = "standard"
PROVISIONER = "local.kafkaops/directory"
CGROUP = f"/{plan.NAME}"


def _json(value: t.Any) -> str:
    """JSON is YAML too, and needs no library."""
    return json.dumps(value, indent=2) + "\n"


def kubeconfig(authority: str, certificate: str, key: str) -> str:
    """How one identity reaches the API server; certificates (PEM) inlined, so that it is one file."""

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    name = "kafkaops-local"
    return _json(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": plan.API_URL, "certificate-authority-data": encoded(authority)}}],
            "users": [
                {
                    "name": name,
                    "user": {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)},
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def corefile(layout: plan.Layout) -> str:
    """CoreDNS: the cluster's own names and, without an uplink, no others."""
    return f""".:53 {{
    bind {plan.DNS_ADDRESS}
    errors
    ready {plan.DNS_ADDRESS}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {layout.kubeconfig_of("coredns")}
        pods insecure
        ttl 5
    }}
    cache 5
}}
"""


def containerd(layout: plan.Layout, node: plan.Node, registry_port: int) -> str:
    """One node's containerd.

    ``restrict_oom_score_adj``: where a machine may not lower oom_score_adj, every sandbox would fail otherwise.
    ``netns_mounts_under_state_dir``: pods' namespaces are held by mounts that end with the node.
    """
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{layout.of_node(node, "containerd")}"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{layout.containerd_socket(node)}"

[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true

  [{cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{layout.of_node(node, "cni")}"

  [{cri}.registry.mirrors."localhost:{registry_port}"]
    endpoint = ["http://{plan.HOST_ADDRESS}:{registry_port}"]

[plugins."io.containerd.internal.v1.opt"]
  path = "{layout.of_node(node, "opt")}"
"""


def pod_network(layout: plan.Layout, node: plan.Node) -> str:
    """One node's pod network: each pod on a cable of its own, so that all traffic is routed and kube-proxy sees it."""
    addresses = {
        "type": "host-local",
        "dataDir": layout.of_node(node, "ipam"),
        "ranges": [[{"subnet": node.pod_subnet}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return _json(
        {
            "cniVersion": "0.4.0",
            "name": "pods",
            "plugins": [
                {"type": "ptp", "ipMasq": False, "ipam": addresses},
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        }
    )


def kubelet(layout: plan.Layout, node: plan.Node, reserved_mebibytes: int) -> str:
    """One node's kubelet.

    Each kubelet sees the memory of the whole machine: ``reserved_mebibytes`` is what the other nodes have of it.
    Its own ``cgroupRoot``: with a shared one, kubelets remove each other's pods.
    """
    return _json(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": node.address,
            "healthzBindAddress": node.address,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": layout.certificate("ca")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": layout.certificate(node.name),
            "tlsPrivateKeyFile": layout.key(node.name),
            "clusterDomain": "cluster.local",
            "clusterDNS": [plan.DNS_ADDRESS],
            "resolvConf": layout.path("resolv.conf"),
            "containerRuntimeEndpoint": f"unix://{layout.containerd_socket(node)}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"{CGROUP}/{node.name}/pods",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "systemReserved": {"memory": f"{reserved_mebibytes}Mi"},
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusReportFrequency": "10s",
            # It is renewed in a quarter of this time; see the controller manager's grace period.
            "nodeLeaseDurationSeconds": 16,
            "serializeImagePulls": False,
            "podLogsDir": layout.of_node(node, "logs"),
            "volumePluginDir": layout.of_node(node, "volume-plugins"),
        }
    )


def registry(layout: plan.Layout, port: int) -> str:
    """The image registry: no password, reached from this host alone (nodes come through a relay)."""
    return _json(
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": layout.path("registry")},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"127.0.0.1:{port}"},
        }
    )


def resolv_conf() -> str:
    """What pods with ``dnsPolicy: Default`` get: there is no other name server in this network."""
    return f"nameserver {plan.DNS_ADDRESS}\n"


def storage_class() -> dict[str, t.Any]:
    """The default StorageClass: as clouds have it, bound when a pod wants it, growing, deleted with the claim."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def reserved_mebibytes(total_mebibytes: int, nodes: int) -> int:
    """What a node must leave to the others: all nodes together offer what the machine has."""
    return total_mebibytes - total_mebibytes // nodes
