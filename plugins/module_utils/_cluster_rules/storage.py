# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over where data is kept: does it outlive the pod?"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Mount, Planned, Server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, changed, objects, rule


def _kafka(log_dirs: str, mount: str = "") -> str:
    mounts = f"volumeMounts: [{{name: data, mountPath: {mount}}}]" if mount else ""
    return objects(changed("kafka", f"KAFKA_LOG_DIRS={log_dirs}", container=mounts))


def _empty_dir(name: str, path: str) -> str:
    mounts = f"volumeMounts: [{{name: data, $patch: delete}}, {{name: scratch, mountPath: {path}}}]"
    return objects(changed(name, container=mounts).replace("template: {spec: {", "template: {spec: {volumes: [{name: scratch, emptyDir: {}}], "))


def is_below(path: str, directory: str) -> bool:
    """Whether a path is a directory or something in it."""
    base = directory.rstrip("/")
    return path.rstrip("/") == base or path.startswith(f"{base}/")


def mount_of(server: Server, path: str) -> Mount | None:
    """The volume that a path is on; None for the container's own file system, which ends with the container."""
    found = [mount for mount in server.workload.mounts if is_below(path, mount.path)]
    return max(found, key=lambda mount: len(mount.path), default=None)


def _image_volume(server: Server, path: str) -> str:
    """The VOLUME of the image that a path is on, where nothing is mounted there or below it."""
    mount = mount_of(server, path)
    for volume in server.workload.family.volumes:
        if is_below(path, volume) and (mount is None or (mount.path != volume and is_below(volume, mount.path))):
            return volume
    return ""


@rule(
    "STORAGE-IMAGE-VOLUME",
    "error",
    "runtime",
    "The image's own VOLUME lies over the claim: data is on the Kubernetes node's disk, and gone when the pod is replaced.",
    example=Example(
        "kraft", wrong=_kafka("/var/lib/kafka/data", mount="/var/lib/kafka"), right=_kafka("/var/lib/kafka/data/logs", mount="/var/lib/kafka/data")
    ),
)
def image_volume(planned: Planned) -> t.Iterator[Problem]:
    """A claim is mounted exactly where the image declares a volume, or below."""
    for server in planned.kafka:
        for path in server.log_dirs:
            volume, mount = _image_volume(server, path), mount_of(server, path)
            if volume and mount is not None and mount.kind == "claim":
                message = f"{path} is on the VOLUME {volume} of the image, and the claim is mounted at {mount.path}"
                yield Problem(server.where("log.dirs"), message, f"mount the claim at {volume}, and let log.dirs be a directory below it")


@rule(
    "STORAGE-LOST-FOUND",
    "error",
    "start",
    "A new ext4 file system has lost+found at its root, and Kafka exits: 'Found directory .../lost+found, 'lost+found' is not in the form of topic-partition'.",
    example=Example("zookeeper", wrong=_kafka("/var/lib/kafka/data"), right=_kafka("/var/lib/kafka/data/logs")),
)
def lost_and_found(planned: Planned) -> t.Iterator[Problem]:
    """A log directory is below the root of its volume."""
    for server in planned.kafka:
        for path in server.log_dirs:
            mount = mount_of(server, path)
            if mount is not None and mount.kind == "claim" and not mount.sub_path and mount.path.rstrip("/") == path.rstrip("/"):
                yield Problem(
                    server.where("log.dirs"), f"{path} is the root of its volume", f"use a directory below, {path.rstrip('/')}/log, or mount with a subPath"
                )


@rule(
    "STORAGE-EPHEMERAL",
    "error",
    "runtime",
    "Data is gone with the container: after a restart the broker begins with nothing, and may be elected leader of it.",
    instead_of=("LOGDIR-TMP",),
    example=Example("zookeeper", wrong=_kafka("/data/logs"), right=_kafka("/data/logs", mount="/data")),
)
def ephemeral(planned: Planned) -> t.Iterator[Problem]:
    """Log directories are on a volume."""
    for server in planned.kafka:
        for path in server.log_dirs:
            mount = mount_of(server, path)
            if mount is None:
                volume = _image_volume(server, path)
                shown = f"on the VOLUME {volume} that the image declares" if volume else "on no volume"
                mounted = ", ".join(each.path for each in server.workload.mounts if each.kind == "claim")
                fix = f"let log.dirs be a directory on a claim ({mounted})" if mounted else "mount a claim, and let log.dirs be a directory on it"
                yield Problem(server.where("log.dirs"), f"{path} is {shown}", fix, (server.pod,))


@rule(
    "STORAGE-EPHEMERAL",
    "warning",
    "runtime",
    "Data is gone with the pod; when several pods are replaced at once, so are acknowledged messages.",
    example=Example("kraft", wrong=_empty_dir("kafka", "/var/lib/kafka/data"), right="[]"),
)
def empty_dir(planned: Planned) -> t.Iterator[Problem]:
    """Log directories are on a volume that outlives the pod."""
    for server in planned.kafka:
        for path in server.log_dirs:
            mount = mount_of(server, path)
            if mount is not None and mount.kind == "empty" and not _image_volume(server, path):
                yield Problem(server.where("log.dirs"), f"{path} is on an emptyDir", "use a claim (volumeClaimTemplates)")


@rule(
    "CLUSTER-ID-LOSS",
    "error",
    "runtime",
    "When all of ZooKeeper has restarted it makes a new cluster id, topics are gone, and brokers exit: 'The Cluster ID doesn't match stored clusterId'.",
    example=Example("zookeeper", wrong=_empty_dir("zk", "/var/lib/zookeeper/data"), right="[]"),
)
def cluster_id_loss(planned: Planned) -> t.Iterator[Problem]:
    """ZooKeeper keeps its data at least as long as the brokers do."""
    kept = any(_kept(server, path) for server in planned.brokers if server.uses_zookeeper for path in server.log_dirs)
    for server in planned.zookeeper if kept else ():
        path = server.properties.get("dataDir", "")
        if path and not _kept(server, path):
            message = f"{path} is on no claim, and the brokers' data is"
            yield Problem(server.where("dataDir"), message, f"mount a claim at {path}")


def _kept(server: Server, path: str) -> bool:
    mount = mount_of(server, path)
    return mount is not None and mount.kind != "empty" and not _image_volume(server, path)
