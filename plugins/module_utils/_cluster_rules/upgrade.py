# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over going from the release that runs to the one that is planned."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._pods import mapping, text, texts
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._manifests import KAFKA_VERSION
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor, minor_text

PROTOCOL = "inter.broker.protocol.version"
BRIDGE: Minor = (3, 3)
"""The oldest release from which Kafka 4 can be reached: it knows no older ``metadata.version`` (Kafka's upgrade notes, 4.0)."""


def running(planned: Planned, live: Found) -> list[Minor]:
    """The minors that pods of the cluster run, oldest first; of pods that do not tell it, nothing."""
    found = set()
    for pod in live.objects.get("Pod", []):
        metadata = mapping(pod.get("metadata"))
        release = _release.parse(text(mapping(metadata.get("annotations")).get(KAFKA_VERSION)))
        if release and planned.labels and planned.labels.items() <= texts(metadata.get("labels")).items():
            found.add(release.minor)
    return sorted(found)


def _protocol(server: Server) -> Minor | None:
    """The protocol version that a broker of ZooKeeper mode would speak; its own release's where it says none."""
    found = server.read(lambda broker: broker.get(PROTOCOL)) or ""
    release = _release.parse(found.partition("-")[0]) if found else server.release
    return release.minor if release else None


def _pod(version: str) -> str:
    labels = "{app.kubernetes.io/instance: kafka, app.kubernetes.io/managed-by: kafkaops.kubernetes}"
    return f"[{{kind: Pod, metadata: {{name: kafka-broker-0-0, labels: {labels}, annotations: {{kafkaops.kubernetes/kafka-version: {version}}}}}}}]"


def _kraft(version: str) -> str:
    return f"{{kafka_version: {version}, kafka_node_pools: [{{name: broker, node_ids: [0, 1, 2], roles: [broker, controller]}}]}}"


_ZOOKEEPER = "{kafka_mode: zookeeper, kafka_version: 3.9.2, kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}]}"


@rule(
    "UPGRADE-PROTOCOL",
    "error",
    "runtime",
    "While some brokers run the old release and some the new one, those with the new protocol are not understood by the others.",
    subject="live",
    needs=("Pod",),
    example=Example("live", _pod("3.8.1"), _pod("3.9.1"), _ZOOKEEPER),
)
def protocol(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """In ZooKeeper mode brokers speak the old release's protocol until all of them run the new one."""
    oldest = next(iter(running(planned, live)), None)
    for server in planned.brokers:
        speaks = _protocol(server)
        if oldest and server.uses_zookeeper and oldest < server.release.minor and speaks and speaks > oldest:
            message = f"pods run Kafka {minor_text(oldest)}, and would be upgraded to brokers that speak the protocol of {minor_text(speaks)}"
            fix = f"set kafka_config: {{{PROTOCOL}: '{minor_text(oldest)}'}} for this step, and take it off once all run {server.release}"
            yield Problem(server.where(PROTOCOL), message, fix)
            return


@rule(
    "UPGRADE-BRIDGE",
    "error",
    "start",
    "Brokers exit: they do not know a metadata.version this old.",
    subject="live",
    needs=("Pod",),
    example=Example("live", _pod("3.2.3"), _pod("3.3.2"), _kraft("4.3.1")),
)
def bridge(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """Kafka 4 is reached from 3.3 or later."""
    oldest = next(iter(running(planned, live)), None)
    newest = max((server.release.minor for server in planned.kafka), default=None)
    if oldest and newest and oldest < BRIDGE and newest >= (4, 0):
        message = f"pods run Kafka {minor_text(oldest)}, and {minor_text(newest)} is planned"
        yield Problem("kafka_version", message, "go to 3.9.2 first, then run playbooks/finish_upgrade.yml, then go on from there")


@rule(
    "UPGRADE-BACK",
    "warning",
    "start",
    "An older release does not start on metadata that a newer one has written: the first node that is restarted does not come back.",
    subject="live",
    needs=("Pod",),
    example=Example("live", _pod("4.3.1"), _pod("4.1.2"), _kraft("4.1.2")),
)
def back(planned: Planned, live: Found) -> t.Iterator[Problem]:
    """The way back to an older release is open until the upgrade was finished."""
    newest = next(reversed(running(planned, live)), None)
    planned_minor = min((server.release.minor for server in planned.kafka), default=None)
    if newest and planned_minor and newest > planned_minor:
        message = f"pods run Kafka {minor_text(newest)}, and {minor_text(planned_minor)} is planned"
        fix = "go back only where playbooks/finish_upgrade.yml was not run since (in ZooKeeper mode: where inter.broker.protocol.version is not the newer one)"
        yield Problem("kafka_version", message, fix)
