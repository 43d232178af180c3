# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the manifests of a cluster into what a chart would have made: one StatefulSet, readiness an open port.

    ansible-playbook bench/manifests.yml -i inventories/local -e @bench/safety.yml -e kafka_namespace=judge-rollout -e manifests_file=objects.yaml
    PYTHONPATH=collections python bench/rollout.py objects.yaml | kubectl apply -f -

Image, resources, configuration, disks and the other probes stay the same, so that the two differ in how they restart only.
"""

from __future__ import annotations

import argparse
import base64
import copy
import pathlib
import re
import sys
import typing as t

import yaml

NODE = "kafkaops.kubernetes/node"
Object = t.Dict[str, t.Any]  # noqa: UP006


def one_stateful_set(objects: t.Sequence[Object]) -> list[Object]:
    """The same cluster as one StatefulSet. Its nodes must be of one pool and have the ids 0, 1, 2 ..."""
    nodes = sorted((each for each in objects if each["kind"] == "StatefulSet"), key=lambda each: each["metadata"]["name"])
    name = nodes[0]["metadata"]["name"].rpartition("-")[0] if nodes else ""
    if [each["metadata"]["name"] for each in nodes] != [f"{name}-{number}" for number in range(len(nodes))] or not nodes:
        raise ValueError("one StatefulSet can only hold nodes of one pool with the ids 0, 1, 2 and so on, for its pods are numbered so")
    names = {each["metadata"]["name"] for each in nodes}

    def renamed(text: str) -> str:
        # The pod of the StatefulSet `node-1` is `node-1-0`, that of `node` is `node-1`.
        return re.sub(rf"\b({re.escape(name)}-\d+)-0\.", r"\1.", text)

    kept: list[Object] = []
    files: dict[str, str] = {}
    for found in copy.deepcopy(list(objects)):
        labels = found["metadata"].get("labels", {})
        if found["kind"] == "ConfigMap" and found["metadata"]["name"] in names:
            files[f"server-{found['metadata']['name'].rpartition('-')[2]}.properties"] = renamed(found["data"]["server.properties"])
            continue
        if found["kind"] in ("StatefulSet", "Deployment") or "kafkaops.kubernetes/client" in labels:
            continue
        if found["kind"] == "Service" and NODE in found["spec"]["selector"]:
            found["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] = found["spec"]["selector"].pop(NODE)
        if found["kind"] == "Secret":
            found["data"] = {key: base64.b64encode(renamed(base64.b64decode(value).decode()).encode()).decode() for key, value in found["data"].items()}
        kept.append(found)
    return [*kept, _config_map(nodes[0], name, files), _stateful_set(nodes[0], name, len(nodes))]


def _config_map(node: Object, name: str, files: dict[str, str]) -> Object:
    metadata = {"name": name, "namespace": node["metadata"]["namespace"], "labels": _without_node(node["metadata"]["labels"])}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files}


def _without_node(labels: t.Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key != NODE}


def _stateful_set(node: Object, name: str, replicas: int) -> Object:
    made = copy.deepcopy(node)
    made["metadata"]["name"] = name
    made["metadata"]["labels"] = _without_node(made["metadata"]["labels"])
    spec, pod = made["spec"], made["spec"]["template"]["spec"]
    spec["replicas"], spec["updateStrategy"] = replicas, {"type": "RollingUpdate"}
    spec["selector"]["matchLabels"] = _without_node(spec["selector"]["matchLabels"])
    spec["template"]["metadata"]["labels"] = _without_node(spec["template"]["metadata"]["labels"])
    # A zone for each node is what one StatefulSet cannot say.
    pod["affinity"].pop("nodeAffinity", None)
    (container,) = pod["containers"]
    container["command"] = ["/bin/sh", "-c", "exec /opt/kafkaops/bin/start kafka /etc/kafkaops/server-${HOSTNAME##*-}.properties"]
    container["readinessProbe"] = {**container["livenessProbe"], "periodSeconds": 5, "failureThreshold": 2}
    _point_at(pod["volumes"], node["metadata"]["name"], name)
    return made


def _point_at(volumes: t.Sequence[Object], old: str, new: str) -> None:
    """Let the volumes mount all of the new ConfigMap instead of the old one's file."""
    for volume in volumes:
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            if source.get("configMap", {}).get("name") == old:
                source["configMap"] = {"name": new}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path, help="what bench/manifests.yml wrote")
    args = parser.parse_args()
    try:
        objects = [each for each in yaml.safe_load_all(args.file.read_text(encoding="utf-8")) if each]
        print(yaml.safe_dump_all(one_stateful_set(objects)))
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
