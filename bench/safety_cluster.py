# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka cluster of an inventory through Kubernetes and through Kafka, as bench/safety.py needs it."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import json
import pathlib
import sys
import tempfile
import threading
import time
import typing as t

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kubernetes import client, config
from load.clients import JudgeError
from processes import PROJECT, begun

Answer = t.TypeVar("Answer")
PREFERRED = 0  # Kafka's type of election
LIMIT = 540.0
"""For how many seconds one row may take."""


def arguments(description: str | None) -> argparse.ArgumentParser:
    """What every measurement of a cluster is told: which one."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-i", "--inventory", default=str(PROJECT / "inventories/local"))
    parser.add_argument("-e", "--extra-vars", action="append", default=[], help="variables for the plays, as ansible-playbook takes them")
    return parser


def run(command: t.Sequence[str]) -> str:
    """Run a command of the project to its end; it must succeed."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        with begun(command, file) as process:
            code = process.wait(LIMIT)
        file.seek(0)
        said = file.read()
    if code:
        raise JudgeError(f"{' '.join(command)} failed:\n{said[-4000:]}")
    return said


def until(what: t.Callable[[], t.Any], seconds: float, about: str, interval: float = 0.3) -> t.Any:
    """Wait for a state, and return what it came to. What cannot be reached for a moment is asked again."""
    deadline, said = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            found = what()
            if found:
                return found
        except (KafkaError, client.exceptions.ApiException) as error:
            said = f" (the last answer was: {error!r})"
        time.sleep(interval)
    raise JudgeError(f"{about} within {seconds:.0f} s{said}")


def answer(what: t.Callable[[], Answer], about: str) -> Answer:
    """What somebody says, asked again while nobody does."""
    found: tuple[Answer] = until(lambda: (what(),), 60, about)
    return found[0]


@dataclasses.dataclass(frozen=True)
class Broker:
    """A broker, its pod and its claims."""

    id: int
    pod: str
    claims: tuple[str, ...]


class Cluster:
    """A cluster of an inventory, as its plan describes it, through Kubernetes and through a listener outside."""

    def __init__(self, inventory: str, extra: t.Sequence[str], stateful_set: str = "") -> None:
        self.stateful_set = stateful_set
        self.play = ["-i", inventory, *(argument for each in extra for argument in ("-e", each))]
        found = self._plan()
        plan = found["plan"]
        config.load_kube_config(found["kubeconfig"] or None)
        self.api: t.Any = client.CoreV1Api()
        self.namespace, self.name, self.quorum = plan["namespace"], plan["cluster"], plan["identity"].get("quorum", "")
        nodes = [node for node in plan["nodes"] if node["component"] == "broker"]
        pods = [f"{stateful_set}-{node['id']}" if stateful_set else node["pod"] for node in nodes]
        self.brokers = [Broker(node["id"], pod, tuple(f"{claim['name']}-{pod}" for claim in node["claims"])) for node, pod in zip(nodes, pods)]
        self.combined = any("controller" in node["properties"].get("process.roles", "") for node in nodes)
        protocols = dict(item.split(":") for item in plan["nodes"][-1]["properties"]["listener.security.protocol.map"].split(","))
        plain = [name for name in plan["external_listeners"] if protocols[name] == "PLAINTEXT"]
        if not plain or len(self.brokers) < 3:
            raise JudgeError(f"cluster {self.name} needs three brokers and an external listener that is PLAINTEXT to be measured from here")
        self.options: dict[str, t.Any] = {"bootstrap_servers": plan["bootstrap"][plain[0]].split(",")}

    def playbook(self, *arguments: str) -> list[str]:
        return [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), *arguments, *self.play]

    def _plan(self) -> dict[str, t.Any]:
        with tempfile.TemporaryDirectory() as name:
            book, written = pathlib.Path(name, "plan.yml"), pathlib.Path(name, "plan.json")
            content = "{{ {'plan': kafka_plan, 'kubeconfig': kafka_kubeconfig | default('')} | to_json }}"
            tasks: list[dict[str, t.Any]] = [
                {"ansible.builtin.import_role": {"name": "kafkaops.kubernetes.kafka", "tasks_from": "plan"}},
                {"ansible.builtin.copy": {"content": content, "dest": str(written), "mode": "0600"}},
            ]
            play = {"hosts": "all", "connection": "local", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}, "tasks": tasks}
            book.write_text(json.dumps([play]), encoding="utf-8")
            # A cluster that is one StatefulSet is none of this collection's any more.
            run(self.playbook(str(book), "-e", f"kafka_live={not self.stateful_set}".lower()))
            return json.loads(written.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def admin(self) -> t.Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(**self.options, reconnect_backoff_max_ms=1000)
        try:
            yield admin
        finally:
            admin.close()

    def pod(self, broker: Broker) -> t.Any:
        """The pod, or None."""
        try:
            return self.api.read_namespaced_pod(broker.pod, self.namespace)
        except client.exceptions.ApiException as error:
            if error.status == 404:
                return None
            raise

    def gibibytes(self) -> int:
        """How large a broker's first claim is."""
        claim = self.api.read_namespaced_persistent_volume_claim(self.brokers[0].claims[0], self.namespace)
        return int(claim.spec.resources.requests["storage"].removesuffix("Gi"))

    def ready(self, broker: Broker, other_than: str = "") -> bool:
        """Whether the pod is Ready, is not being deleted, and has another uid than this."""
        pod = self.pod(broker)
        if pod is None or pod.metadata.deletion_timestamp or pod.metadata.uid == other_than:
            return False
        return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ())

    def behind(self, topic: str | None = None) -> int:
        """How many replicas are not in sync, of one topic or of all."""
        return answer(lambda: self._behind(topic), "nobody tells which replicas are in sync")

    def _behind(self, topic: str | None) -> int:
        with self.admin() as admin:
            topics = admin.describe_topics([topic] if topic else None)
        partitions = [partition for each in topics for partition in each["partitions"]]
        if any(each["leader_id"] < 0 for each in partitions):
            return sum(len(each["replica_nodes"]) for each in partitions)
        return sum(len(set(each["replica_nodes"]) - set(each["isr_nodes"])) for each in partitions)

    def wait_healthy(self, seconds: float = 300) -> None:
        until(lambda: all(self.ready(broker) for broker in self.brokers), seconds, "not all pods are Ready")
        until(lambda: not self._behind(None), seconds, "not all replicas are in sync", interval=1)

    def prefer(self) -> None:
        """Let the preferred replicas lead, so that every row begins with the same leaders."""
        answer(self._prefer, "nobody elects leaders")

    def _prefer(self) -> None:
        with self.admin() as admin:
            admin.elect_leaders(PREFERRED, raise_errors=False)

    def restart(self, broker: Broker) -> None:
        """Delete the pod, and wait until its successor is Ready."""
        uid = self.pod(broker).metadata.uid
        self.api.delete_namespaced_pod(broker.pod, self.namespace)
        until(lambda: self.ready(broker, uid), 300, f"{broker.pod} is not Ready")

    def roll_out(self) -> None:
        """What ``kubectl rollout restart`` does, and ``kubectl rollout status`` waits for."""
        apps: t.Any = client.AppsV1Api()
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        change = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}}}
        apps.patch_namespaced_stateful_set(self.stateful_set, self.namespace, change)

        def rolled_out() -> bool:
            found = apps.read_namespaced_stateful_set(self.stateful_set, self.namespace)
            status, replicas = found.status, found.spec.replicas
            seen = (status.observed_generation or 0) >= found.metadata.generation
            return seen and status.updated_replicas == status.ready_replicas == replicas and status.current_revision == status.update_revision

        until(rolled_out, LIMIT, f"StatefulSet {self.stateful_set} is not rolled out")

    def replace(self, broker: Broker) -> None:
        """Delete the pod and its claims; its successor begins with empty disks."""
        uid = self.pod(broker).metadata.uid
        for claim in broker.claims:
            self.api.delete_namespaced_persistent_volume_claim(claim, self.namespace)
        self.api.delete_namespaced_pod(broker.pod, self.namespace)
        until(lambda: self.ready(broker, uid), 300, f"{broker.pod} is not Ready on its new disk")

    @contextlib.contextmanager
    def throttled(self, topic: str, broker: Broker, rate: int) -> t.Iterator[None]:
        """While this lasts, the broker fetches what it lacks of the topic with so many bytes a second."""
        self._throttle(topic, broker, str(rate), "*")
        try:
            yield
        finally:
            self._throttle(topic, broker, None, None)

    def _throttle(self, topic: str, broker: Broker, rate: str | None, replicas: str | None) -> None:
        settings = [
            (ConfigResourceType.BROKER, str(broker.id), "follower.replication.throttled.rate", rate),
            (ConfigResourceType.TOPIC, topic, "follower.replication.throttled.replicas", replicas),
        ]
        changes = [ConfigResource(kind, name, {key: value if value else ("DELETE", None)}) for kind, name, key, value in settings]
        with self.admin() as admin:
            admin.alter_configs(changes, incremental=True, raise_on_unknown=False)

    def _lacking(self, topic: str, broker: Broker) -> set[int]:
        """The partitions of which the broker's replica is not in sync."""
        with self.admin() as admin:
            (found,) = admin.describe_topics([topic])
        return {each["partition_index"] for each in found["partitions"] if broker.id in set(each["replica_nodes"]) - set(each["isr_nodes"])}

    @contextlib.contextmanager
    def unthrottled_where_in_sync(self, topic: str, broker: Broker, rate: int) -> t.Iterator[None]:
        """Take the throttle from each partition as soon as it is in sync, as whoever throttles does. Kafka would slow the broker down again at each
        change of leaders, since it does not know at first how far it is behind the new one."""
        ended = threading.Event()

        def watch() -> None:
            throttled: set[int] | None = None
            while not ended.wait(1):
                with contextlib.suppress(KafkaError):
                    lacking = self._lacking(topic, broker)
                    left = lacking if throttled is None else lacking & throttled
                    if left != throttled:
                        replicas = ",".join(f"{number}:{broker.id}" for number in sorted(left))
                        self._throttle(topic, broker, str(rate) if left else None, replicas or None)
                        throttled = left
                    if not left:
                        return

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class Watcher:
    """Sees which pods there are, so that restarts can be counted whoever made them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._seen: dict[str, list[str]] = {broker.pod: [] for broker in cluster.brokers}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            with contextlib.suppress(client.exceptions.ApiException):
                self._look()

    def _look(self) -> None:
        for broker in self._cluster.brokers:
            pod = self._cluster.pod(broker)
            if pod is not None and pod.metadata.uid not in self._seen[broker.pod]:
                self._seen[broker.pod].append(pod.metadata.uid)

    @property
    def restarts(self) -> dict[str, int]:
        """How often each pod was replaced."""
        return {pod: len(uids) - 1 for pod, uids in self._seen.items()}
