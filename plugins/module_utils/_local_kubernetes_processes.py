# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The processes of the local cluster: their arguments, their files, where they run. Pure. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_config as config
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan

ETCD = "http://127.0.0.1:2379"
DOCKER_SOCKET = "/var/run/docker.sock"

PRIVATE = "private"
"""Mounts of its own, in a namespace that ends with its last process: no mount can be left behind."""
MACHINE = "machine"
"""The same, and a /run, /var/log and /var/lib of its own: as on a machine that was just switched on."""


@dataclasses.dataclass(frozen=True)
class Process:
    """One process that lasts."""

    name: str
    """Also of its cgroup, below the cluster's: that is how it is found again."""
    argv: tuple[str, ...]
    network: str = ""
    """Network namespace; empty: the host's."""
    mounts: str = ""
    """Empty: the host's mounts; ``PRIVATE``; ``MACHINE``; or the name of the process whose mounts it shares."""
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Configuration, by path. Where it changes, the process starts anew."""
    reads: tuple[str, ...] = ()
    """Further files, such as certificates, of which the same holds."""
    scratch: tuple[str, ...] = ()
    """What an earlier run of it left and would confuse it: removed before it starts."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """Somebody with a certificate."""

    name: str
    common_name: str
    organization: str | None = None
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    kubeconfig: bool = True


def identities(nodes: t.Sequence[plan.Node]) -> list[Identity]:
    """Who has a certificate: every component its own, as in a real cluster."""
    service = "kubernetes.default.svc.cluster.local"
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", service)
    addresses = ("127.0.0.1", plan.SERVICE_ADDRESS, plan.API_ADDRESS)
    masters = "system:masters"
    return [
        Identity("apiserver", "kube-apiserver", names=names, addresses=addresses, kubeconfig=False),
        Identity("apiserver-kubelet", "kube-apiserver-kubelet-client", masters, kubeconfig=False),
        Identity("admin", "kubernetes-admin", masters),
        Identity("controller-manager", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity("proxy", "system:kube-proxy"),
        Identity("coredns", "local-kubernetes:coredns", masters),
        Identity("local-controllers", "local-kubernetes:controllers", masters),
        *(Identity(node.name, f"system:node:{node.name}", "system:nodes", (node.name,), (node.address,)) for node in nodes),
    ]


def control_plane_first(layout: plan.Layout) -> list[Process]:
    """etcd and the API server; all others wait for them."""
    etcd = (
        layout.kubernetes,
        "etcd",
        f"--data-dir={layout.path('etcd')}",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )
    apiserver = (
        layout.kubernetes,
        "kube-apiserver",
        f"--etcd-servers={ETCD}",
        f"--advertise-address={plan.API_ADDRESS}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={plan.SERVICE_SUBNET}",
        f"--tls-cert-file={layout.certificate('apiserver')}",
        f"--tls-private-key-file={layout.key('apiserver')}",
        f"--client-ca-file={layout.certificate('ca')}",
        f"--kubelet-certificate-authority={layout.certificate('ca')}",
        f"--kubelet-client-certificate={layout.certificate('apiserver-kubelet')}",
        f"--kubelet-client-key={layout.key('apiserver-kubelet')}",
        "--kubelet-preferred-address-types=InternalIP",  # node names resolve nowhere
        f"--service-account-key-file={layout.key('service-accounts')}",
        f"--service-account-signing-key-file={layout.key('service-accounts')}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
    )
    return [
        Process("control-plane/etcd", etcd, plan.NAME),
        Process(
            "control-plane/kube-apiserver",
            apiserver,
            plan.NAME,
            reads=(
                layout.certificate("ca"),
                layout.certificate("apiserver"),
                layout.certificate("apiserver-kubelet"),
                layout.key("service-accounts"),
            ),
        ),
    ]


def control_plane_rest(layout: plan.Layout) -> list[Process]:
    """What needs an API server that answers."""
    controller_manager = (
        layout.kubernetes,
        "kube-controller-manager",
        f"--kubeconfig={layout.kubeconfig_of('controller-manager')}",
        f"--service-account-private-key-file={layout.key('service-accounts')}",
        f"--root-ca-file={layout.certificate('ca')}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        f"--flex-volume-plugin-dir={layout.path('volume-plugins')}",
        # A Kubernetes node that was stopped is noticed in 20 seconds and not in 50.
        "--node-monitor-grace-period=20s",
        "--node-monitor-period=2s",
    )
    scheduler = (
        layout.kubernetes,
        "kube-scheduler",
        f"--kubeconfig={layout.kubeconfig_of('scheduler')}",
        "--leader-elect=false",
    )
    local_controllers = (
        layout.kubernetes,
        "local-controllers",
        f"--kubeconfig={layout.kubeconfig_of('local-controllers')}",
        f"--volumes={layout.volumes}",
        f"--load-balancer-pool={plan.BALANCER_SUBNET}",
    )
    corefile = layout.path("Corefile")
    coredns = (f"{layout.binaries}/coredns", "-conf", corefile)
    return [
        Process(
            "control-plane/kube-controller-manager",
            controller_manager,
            plan.NAME,
            reads=(layout.kubeconfig_of("controller-manager"), layout.key("service-accounts")),
        ),
        Process("control-plane/kube-scheduler", scheduler, plan.NAME, reads=(layout.kubeconfig_of("scheduler"),)),
        Process(
            "control-plane/local-controllers",
            local_controllers,
            plan.NAME,
            reads=(layout.kubeconfig_of("local-controllers"),),
        ),
        Process(
            "control-plane/coredns",
            coredns,
            plan.NAME,
            files={corefile: config.corefile(layout)},
            reads=(layout.kubeconfig_of("coredns"),),
        ),
    ]


def containerd(layout: plan.Layout, node: plan.Node, registry_port: int) -> Process:
    """The node's container runtime; its mounts are the node's mounts."""
    settings = layout.of_node(node, "containerd.toml")
    return Process(
        f"{node.name}/daemons/containerd",
        ("containerd", "--config", settings),
        node.namespace,
        MACHINE,
        files={
            settings: config.containerd(layout, node, registry_port),
            layout.of_node(node, "cni", "10-pods.conflist"): config.pod_network(layout, node),
        },
        scratch=(layout.of_node(node, "ipam"),),
    )


def node_rest(layout: plan.Layout, node: plan.Node, reserved_mebibytes: int) -> list[Process]:
    """What runs on a node beside its containerd."""
    settings = layout.of_node(node, "kubelet.yaml")
    runtime = f"{node.name}/daemons/containerd"
    proxy = (
        layout.kubernetes,
        "kube-proxy",
        f"--kubeconfig={layout.kubeconfig_of('proxy')}",
        f"--hostname-override={node.name}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={plan.POD_SUBNET}",
        # The machine's connection tracking is not this namespace's to change.
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
    )
    kubelet = (
        layout.kubernetes,
        "kubelet",
        f"--config={settings}",
        f"--kubeconfig={layout.kubeconfig_of(node.name)}",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
        f"--root-dir={layout.of_node(node, 'kubelet')}",
        f"--cert-dir={layout.of_node(node, 'kubelet-pki')}",
        f"--node-labels=topology.kubernetes.io/region=local,topology.kubernetes.io/zone={node.zone}",
    )
    return [
        Process(
            f"{node.name}/daemons/kube-proxy",
            proxy,
            node.namespace,
            runtime,
            reads=(layout.kubeconfig_of("proxy"),),
        ),
        Process(
            f"{node.name}/daemons/kubelet",
            kubelet,
            node.namespace,
            runtime,
            files={
                settings: config.kubelet(layout, node, reserved_mebibytes),
                layout.path("resolv.conf"): config.resolv_conf(),
            },
            reads=(layout.certificate("ca"), layout.kubeconfig_of(node.name)),
        ),
    ]


def dockerd(layout: plan.Layout) -> Process:
    """The image builder; it touches neither the host's links nor its packet filter."""
    argv = (
        "dockerd",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--bridge=none",
        f"--data-root={layout.cache_dir}/docker",
        f"--exec-root={layout.path('docker')}",
        f"--pidfile={layout.path('docker', 'docker.pid')}",
        f"--cgroup-parent={config.CGROUP}/docker",
        f"--host=unix://{DOCKER_SOCKET}",
    )
    # Pids in there may long be somebody else's.
    return Process("services/dockerd", argv, mounts=PRIVATE, scratch=(layout.path("docker"),))


def registry(layout: plan.Layout, port: int) -> Process:
    """Where images are pushed to, on the host's loopback."""
    settings = layout.path("registry.yml")
    return Process(
        "services/registry",
        ("docker-registry", "serve", settings),
        files={settings: config.registry(layout, port)},
    )


def registry_relay(port: int) -> Process:
    """Leads nodes to the registry, without offering it to the machine's other networks."""
    argv = (
        "socat",
        f"TCP-LISTEN:{port},bind={plan.HOST_ADDRESS},reuseaddr,fork",
        f"TCP:127.0.0.1:{port}",
    )
    return Process("services/registry-relay", argv)
