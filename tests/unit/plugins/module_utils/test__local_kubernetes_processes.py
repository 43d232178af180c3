# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_config as config
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes

LAYOUT = plan.Layout("/state", "/cache", "/cache/key-go1.26.8")
NODES = plan.nodes(3)


def every_process() -> list[processes.Process]:
    return [
        *processes.control_plane_first(LAYOUT),
        *processes.control_plane_rest(LAYOUT),
        *(processes.containerd(LAYOUT, node, 5000) for node in NODES),
        *(process for node in NODES for process in processes.node_rest(LAYOUT, node, 1024)),
        processes.dockerd(LAYOUT),
        processes.registry(LAYOUT, 5000),
        processes.registry_relay(5000),
    ]


def test_process_names_are_unique() -> None:
    names = [process.name for process in every_process()]
    assert len(names) == len(set(names)) == 18


def test_nothing_but_the_image_services_is_in_the_hosts_network() -> None:
    outside = [process.name for process in every_process() if not process.network]
    assert outside == ["services/dockerd", "services/registry", "services/registry-relay"]


def test_a_node_shares_one_network_and_the_mounts_of_its_containerd() -> None:
    node = NODES[1]
    runtime = processes.containerd(LAYOUT, node, 5000)
    rest = processes.node_rest(LAYOUT, node, 1024)
    assert runtime.mounts == processes.MACHINE
    assert {process.mounts for process in rest} == {runtime.name}
    assert {process.network for process in [runtime, *rest]} == {node.namespace}


def test_files_are_below_the_state_directory() -> None:
    written = [path for process in every_process() for path in (*process.files, *process.scratch, *process.reads)]
    assert all(path.startswith("/state/") for path in written)


@pytest.mark.parametrize("process", every_process(), ids=lambda process: process.name)
def test_whoever_reads_a_kubeconfig_or_key_starts_anew_with_it(process: processes.Process) -> None:
    named = {word.partition("=")[2] for word in process.argv if "/kubeconfig/" in word or word.endswith(".key")}
    keys_with_certificates = {LAYOUT.key("apiserver"), LAYOUT.key("apiserver-kubelet")}
    assert named - keys_with_certificates <= set(process.reads)


def test_the_docker_engine_leaves_the_hosts_network_alone() -> None:
    argv = processes.dockerd(LAYOUT).argv
    assert {"--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"} <= set(argv)


def test_components_have_the_rights_of_a_real_cluster() -> None:
    identities = {identity.name: identity for identity in processes.identities(NODES)}
    assert identities["node2"].common_name == "system:node:node2"
    assert identities["node2"].organization == "system:nodes"
    assert identities["node2"].addresses == ("198.18.1.12",)
    assert identities["scheduler"].organization is None
    assert len(identities) == len(processes.identities(NODES))


def test_a_kubeconfig_is_one_file() -> None:
    content = json.loads(config.kubeconfig("AUTHORITY", "CERTIFICATE", "KEY"))
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    assert cluster["server"] == "https://198.18.0.2:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"AUTHORITY"
    assert base64.b64decode(user["client-certificate-data"]) == b"CERTIFICATE"
    assert base64.b64decode(user["client-key-data"]) == b"KEY"


def test_kubelets_share_nothing() -> None:
    settings = [json.loads(config.kubelet(LAYOUT, node, 1024)) for node in NODES]
    for key in ("address", "cgroupRoot", "containerRuntimeEndpoint", "podLogsDir", "tlsPrivateKeyFile"):
        assert len({setting[key] for setting in settings}) == len(NODES), key
    assert settings[0]["cgroupRoot"] == "/kafkaops-local-kubernetes/node1/pods"


def test_nodes_find_the_registry_where_the_host_has_it() -> None:
    text = config.containerd(LAYOUT, NODES[0], 5001)
    assert 'registry.mirrors."localhost:5001"]' in text
    assert 'endpoint = ["http://198.18.0.1:5001"]' in text
    assert json.loads(config.registry(LAYOUT, 5001))["http"]["addr"] == "127.0.0.1:5001"
    assert "bind=198.18.0.1" in processes.registry_relay(5001).argv[1]


@pytest.mark.parametrize(("total", "count", "expected"), [(24000, 3, 16000), (24000, 1, 0), (1000, 3, 667)])
def test_all_nodes_offer_what_the_machine_has(total: int, count: int, expected: int) -> None:
    assert config.reserved_mebibytes(total, count) == expected
    assert (total - expected) * count <= total


def test_the_storage_class_is_the_default_and_can_grow() -> None:
    wanted = config.storage_class()
    assert wanted["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert wanted["allowVolumeExpansion"] is True


def test_pods_reach_each_other_through_their_node() -> None:
    content = json.loads(config.pod_network(LAYOUT, NODES[2]))
    assert [plugin["type"] for plugin in content["plugins"]] == ["ptp", "portmap"]
    assert content["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "198.18.66.0/24"}]]
