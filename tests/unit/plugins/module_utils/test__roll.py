# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole roll of a cluster with ZooKeeper: which pods go in which order, what is written down, and what stops it. Without Kafka and Kubernetes."""

from __future__ import annotations

import contextlib
import types
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_calls, _gate_model, _kafka_topics, _roll, _roll_lock, _roll_state
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Partition, Snapshot, Topic
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, api_exception

LABELS = {"app.kubernetes.io/name": "kafka", "app.kubernetes.io/instance": "c", "app.kubernetes.io/managed-by": "kafkaops.kubernetes"}
# Servers and brokers have the same ids.
IDS = (1, 2, 3)
SERVERS = [_roll.Member(f"c-zookeeper-{number}", f"c-zookeeper-{number}-0", number, ("zookeeper",)) for number in IDS]
BROKERS = [_roll.Member(f"c-node-{number}", f"c-node-{number}-0", number, ("broker",)) for number in IDS]


class Fake:
    """A namespace in which a pod that is deleted is there anew at once. ``image``: what StatefulSets ask for; ``ill``: names of
    members whose new pods cannot have their image; ``deleted``: pods, in their order; ``unlisted``: those of them that had lost the label
    which their Services ask for; ``refuses``: what the API server says to some verbs."""

    name, client = "ns", None
    refuses: t.Mapping[str, Exception] = types.MappingProxyType({})

    def __init__(self) -> None:
        self.image = "new"
        self.ill: set[str] = set()
        self.deleted: list[str] = []
        self.unlisted: list[str] = []
        self.there: dict[tuple[str, str], dict[str, t.Any]] = {}
        for member in (*SERVERS, *BROKERS):
            self.pod(member.name, "old", 1)

    def pod(self, name: str, image: str, number: int) -> None:
        waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}} if name in self.ill else {"state": {"running": {}}}
        status = {"conditions": [{"type": "Ready", "status": "False" if name in self.ill else "True"}], "containerStatuses": [waiting]}
        labels = {**LABELS, "controller-revision-hash": image}
        metadata = {"name": f"{name}-0", "uid": f"{name}-{number}", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": labels}
        self.there["Pod", f"{name}-0"] = {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"image": image}]}, "status": status}

    def objects(self, kind: str, selector: str = "") -> list[dict[str, t.Any]]:
        if kind != "StatefulSet":
            return [obj for (other, _name), obj in self.there.items() if other == kind]
        spec = {"template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"image": self.image}]}}}
        status = {"observedGeneration": 1, "updateRevision": self.image}
        return [{"metadata": {"name": each.name, "generation": 1}, "spec": spec, "status": status} for each in (*SERVERS, *BROKERS)]

    def get(self, kind: str, name: str) -> dict[str, t.Any] | None:
        return self.there.get((kind, name))

    def create(self, kind: str, body: dict[str, t.Any]) -> bool:
        if kind != "Event":
            self.there[kind, body["metadata"]["name"]] = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}
        return True

    def merge(self, kind: str, name: str, body: dict[str, t.Any]) -> bool:
        if kind == "Pod":
            if "patch" in self.refuses:
                raise self.refuses["patch"]
            metadata = self.there[kind, name]["metadata"]
            assert metadata["uid"] == body["metadata"]["uid"]
            labels = {**metadata["labels"], **body["metadata"]["labels"]}
            metadata["labels"] = {key: value for key, value in labels.items() if value is not None}
            return True
        self.there[kind, name] = {**self.there[kind, name], "data": body["data"]}
        return True

    def delete(self, kind: str, name: str, uid: str) -> None:
        assert (kind, self.there[kind, name]["metadata"]["uid"]) == ("Pod", uid)
        if "delete" in self.refuses:
            raise self.refuses["delete"]
        member, number = uid.rsplit("-", 1)
        self.deleted.append(member)
        if not LABELS.items() <= self.there[kind, name]["metadata"]["labels"].items():
            self.unlisted.append(member)
        self.pod(member, self.image, int(number) + 1)

    def explain(self, names: t.Collection[str]) -> str:
        return f"about {', '.join(names)}"


NO_RACKS: t.Mapping[int, str] = {}


class Roller(_roll.Roller):
    """``leader``: of the ensemble; ``answers``: whether Kafka does; ``racks``: of the brokers; ``topic``: the only one."""

    leader = 1
    answers = True
    racks: t.Mapping[int, str] = NO_RACKS
    topic = Topic("t", 2, (Partition(0, 1, IDS, IDS),))

    def _srvr(self, server: int) -> str:
        return "Mode: leader\n" if server == self.leader else "Mode: follower\n"

    def _snapshot(self, view: t.Any) -> tuple[Snapshot, int]:
        found = _gate_calls.unreadable(self.members, view.pods, "Kafka")
        if not self.answers:
            return found, -1
        nodes = {each.id: Node(each.id, found.nodes[each.id].pod, True, self.racks.get(each.id), True, 0, (), True) for each in BROKERS}
        return Snapshot(nodes, (self.topic,), found.quorum, zookeeper=found.zookeeper), 2


def roller(fake: Fake, before: str = "", rack_at_once: bool = False, preferred: bool = False) -> Roller:
    lock = _roll_lock.RollLock(t.cast(t.Any, fake), "c", _roll_lock.holder(1))
    options = _roll.Options(ready_s=0, before=before, rack_at_once=rack_at_once, preferred=preferred, gate=_gate_model.Options(patience_ms=0))
    return Roller(t.cast(t.Any, fake), t.cast(t.Any, None), [*BROKERS, *SERVERS], lock, options)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_roll, "IMAGE_S", 0)
    monkeypatch.setattr(_roll, "INTERVAL_S", 0)
    monkeypatch.setattr(_roll, "LOOK_S", 0)


ORDER = ["c-zookeeper-2", "c-zookeeper-3", "c-zookeeper-1", "c-node-1", "c-node-3", "c-node-2"]


def test_servers_come_first_and_each_call_may_be_another_run() -> None:
    fake = Fake()
    order, against = roller(fake).preview()
    assert ([roller(fake).member(each).name for each in order], against) == (ORDER, [])
    assert {each.causes for each in order} == {("image",)}
    assert fake.deleted == []
    left = []
    while done := roller(fake).step():
        assert (done.members[0].name, done.causes) == (fake.deleted[-1], ("image",))
        left.append(done.left)
    assert fake.deleted == ORDER
    assert fake.unlisted == ["c-node-1", "c-node-3", "c-node-2"], "a broker's own Services list it until it ends"
    assert left == [5, 4, 3, 2, 1, 0]
    entries = roller(fake)._lock.entries
    assert [(entry.zookeeper, entry.node) for entry in entries] == [(True, 2), (True, 3), (True, 1), (False, 1), (False, 3), (False, 2)]
    assert all("back after" in entry.outcome for entry in entries)
    assert roller(fake).preview() == ([], [])


def refusal(status: int) -> DynamicApiError:
    """What the client makes of this answer of the API server."""
    return t.cast("DynamicApiError", api_exception(ApiException(status, "no")))


def test_without_the_right_to_patch_pods_they_are_restarted_all_the_same() -> None:
    fake = Fake()
    fake.refuses = {"patch": refusal(403)}
    while roller(fake).step():
        pass
    assert (fake.deleted, fake.unlisted) == (ORDER, [])
    fake = Fake()
    fake.refuses = {"patch": refusal(500)}
    for _server in SERVERS:
        roller(fake).step()
    with pytest.raises(DynamicApiError):
        roller(fake).step()
    assert fake.deleted == ORDER[:3]


def test_a_broker_that_cannot_be_deleted_is_listed_again_and_one_that_a_killed_run_left_unlisted_is_restarted() -> None:
    fake = Fake()
    while len(fake.deleted) < 3:
        roller(fake).step()
    fake.refuses = {"delete": refusal(403)}
    with pytest.raises(DynamicApiError):
        roller(fake).step()
    assert (fake.deleted, fake.there["Pod", "c-node-1-0"]["metadata"]["labels"].items() >= LABELS.items()) == (ORDER[:3], True)
    fake.refuses = {}
    while roller(fake).step():
        pass
    del fake.there["Pod", "c-node-3-0"]["metadata"]["labels"]["app.kubernetes.io/name"]
    done = roller(fake).step()
    assert done is not None
    assert (done.members[0].name, done.causes) == ("c-node-3", ("template",))
    assert roller(fake).step() is None


@pytest.mark.parametrize("preferred", [True, False])
def test_a_broker_is_given_back_what_it_should_lead_where_that_is_asked_for(preferred: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, elected = Fake(), []
    # Broker 1 should lead partition 0 and broker 3 partition 1; broker 2 leads both.
    replicas = [(1, 2, 3), (3, 2, 1)]
    leaders = [2, 2]

    def topics(_road: t.Any, *, config: bool) -> dict[str, _kafka_topics.TopicState]:
        return {"t": _kafka_topics.TopicState(tuple(_kafka_topics.Partition(each, leader, each) for each, leader in zip(replicas, leaders)))}

    def elect(_road: t.Any, places: list[tuple[str, int]], _most: int) -> t.Iterator[int]:
        elected.append(places)
        for _topic, number in places:
            leaders[number] = replicas[number][0]
        yield len(places)

    monkeypatch.setattr(_roll._kafka_calls, "topics", topics)
    monkeypatch.setattr(_roll._elections, "elect", elect)
    led = property(lambda _roller: Topic("t", 2, tuple(Partition(number, leaders[number], each, each) for number, each in enumerate(replicas))))
    monkeypatch.setattr(Roller, "topic", led)
    for _member in ORDER:
        work = roller(fake, preferred=preferred)
        work._road = lambda _seconds: t.cast("t.Any", contextlib.nullcontext())
        assert work.step() is not None
    assert fake.deleted == ORDER
    assert elected == ([[("t", 0)], [("t", 1)], []] if preferred else [])


# Broker 2 is the active controller, which goes alone.
IN_SYNC_ELSEWHERE = Topic("t", 1, (Partition(0, 2, IDS, IDS),))
ONE_RACK = {1: "a", 2: "b", 3: "a"}


@pytest.mark.parametrize(
    ("racks", "topic", "asked", "turns"),
    [
        (ONE_RACK, IN_SYNC_ELSEWHERE, True, [("c-node-1", "c-node-3"), ("c-node-2",)]),
        (ONE_RACK, IN_SYNC_ELSEWHERE, False, [("c-node-1",), ("c-node-3",), ("c-node-2",)]),
        (ONE_RACK, Topic("t", 2, IN_SYNC_ELSEWHERE.partitions), True, [("c-node-1",), ("c-node-3",), ("c-node-2",)]),
        ({1: "a", 2: "a", 3: "b"}, IN_SYNC_ELSEWHERE, True, [("c-node-1",), ("c-node-3",), ("c-node-2",)]),
        ({}, IN_SYNC_ELSEWHERE, True, [("c-node-1",), ("c-node-3",), ("c-node-2",)]),
    ],
    ids=["proven", "not asked for", "two replicas needed", "the active controller", "no racks"],
)
def test_a_rack_goes_at_once_where_that_is_proven(racks: dict[int, str], topic: Topic, asked: bool, turns: list[tuple[str, ...]]) -> None:
    fake, seen, left = Fake(), [], []
    while True:
        work = roller(fake, rack_at_once=asked)
        work.racks, work.topic = racks, topic
        if not (done := work.step()):
            break
        seen.append(tuple(each.name for each in done.members))
        left.append(done.left)
    assert seen == [("c-zookeeper-2",), ("c-zookeeper-3",), ("c-zookeeper-1",), *turns]
    assert left[-1] == 0
    assert all("back after" in entry.outcome for entry in roller(fake)._lock.entries)


def test_all_that_is_older_is_restarted_once() -> None:
    fake = Fake()
    fake.image = "old"
    assert roller(fake).step() is None
    assert roller(fake, "2025-12-31T00:00:00Z").step() is None
    for _each in ORDER:
        done = roller(fake, "2026-01-02T00:00:00Z").step()
        assert done is not None
        assert done.causes == ("manual",)
    assert fake.deleted == ORDER
    assert roller(fake, "2026-01-02T00:00:00Z").step() is None


def test_what_was_rolled_back_is_rolled_forth_again() -> None:
    fake = Fake()
    for image in ("new", "old", "new"):
        fake.image = image
        fake.deleted.clear()
        while roller(fake).step():
            pass
        assert fake.deleted == ORDER
    assert roller(fake).preview() == ([], [])


def test_a_server_that_does_not_come_back_stops_it_and_is_replaced_first() -> None:
    fake = Fake()
    fake.ill = {"c-zookeeper-2"}
    with pytest.raises(_roll_lock.Stopped, match=r"c-zookeeper-2 was restarted and does not become ready.*\n.*about StatefulSet/c-zookeeper-2"):
        roller(fake).step()
    with pytest.raises(_roll_lock.Stopped, match="ZooKeeper servers that are not ready: 2"):
        roller(fake).step()
    assert fake.deleted == ["c-zookeeper-2"]
    assert "ZooKeeper servers that are not ready: 2." in roller(fake).preview()[1][0]
    fake.image, fake.ill = "mended", set()
    done = roller(fake).step()
    assert done is not None
    assert (done.members[0].name, done.causes) == ("c-zookeeper-2", ("image", "stuck"))


def test_a_server_that_was_restarted_in_vain_is_not_restarted_again() -> None:
    fake = Fake()
    fake.delete("Pod", "c-zookeeper-2-0", "c-zookeeper-2-1")
    fake.pod("c-zookeeper-2", "old", 2)
    wanted = _roll_state.node(SERVERS[1], roller(fake)._view().seen["c-zookeeper-2"]).wanted
    first = roller(fake)
    first._lock.take()
    first._lock.write(_roll._roll_order.Entry(2, "c-zookeeper-2-1", wanted, ("image",), zookeeper=True))
    order, against = roller(fake).preview()
    assert order[0].node == 2
    assert order[0].zookeeper
    assert "c-zookeeper-2 was restarted for its present definition" in against[0]
    with pytest.raises(_roll_lock.Stopped, match="c-zookeeper-2 was restarted for its present definition"):
        roller(fake).step()


class Forward:
    """A port-forward to a server. ``said``: what comes of it, in pieces; after the last one its end, or nothing within the time there is."""

    def __init__(self, said: list[bytes], ends: bool) -> None:
        self.socket = self
        self.said, self.ends, self.sent, self.closed = said, ends, b"", False

    def settimeout(self, _seconds: float) -> None:
        pass

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, _size: int) -> bytes:
        if not self.said and not self.ends:
            raise TimeoutError
        return self.said.pop(0) if self.said else b""

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("said", "ends", "leader"),
    [
        ([b"Outstanding: 0\nMo", b"de: leader\nNode"], False, 2),  # what comes after is not waited for
        ([b"Outstanding: 0\nMode: follower\n"], False, None),
        ([b"Outstanding: 0\nMode: lead"], True, None),
        ([b"Outstanding: 0\n"], False, None),
        ([], True, None),
    ],
)
def test_a_server_is_asked_on_the_port_of_its_probe(said: list[bytes], ends: bool, leader: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    forward, asked = Forward(said, ends), []

    class ApiServer:
        def __init__(self, _client: t.Any, namespace: str, _seconds: float) -> None:
            asked.append(namespace)

        def open(self, target: t.Any) -> Forward:
            asked.append(str(target))
            return forward

    monkeypatch.setattr(_roll._kafka_forward, "ApiServer", ApiServer)
    work = roller(Fake())
    assert _gate_calls.leading([2], lambda server: _roll.Roller._srvr(work, server)) == leader
    assert asked == ["ns", "pod c-zookeeper-2-0, port 2181"]
    assert (forward.sent, forward.closed) == (b"srvr", True)


def test_a_server_waits_while_kafka_does_not_answer_unless_no_broker_is_ready() -> None:
    fake = Fake()
    shut = roller(fake)
    shut.answers = False
    with pytest.raises(_roll_lock.Stopped, match="c-zookeeper-2 is not restarted"):
        shut.step()
    fake.ill = {each.name for each in BROKERS}
    for member in BROKERS:
        fake.pod(member.name, "old", 1)
    opened = roller(fake)
    opened.answers = False
    assert opened.step() is not None
    assert fake.deleted == ["c-zookeeper-2"]
