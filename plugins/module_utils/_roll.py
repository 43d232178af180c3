# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Restarts the next node behind the gate, and waits until it is back for good. Private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import re
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _drain,
    _drain_calls,
    _elections,
    _gate_calls,
    _gate_model,
    _kafka_calls,
    _kafka_forward,
    _kafka_routes,
    _live,
    _manifests,
    _objects,
    _plan_model,
    _plan_zookeeper,
    _reassign,
    _roll_order,
    _roll_state,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate import Gate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_progress import Watch
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Forbidden, Road, RoadError
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kubernetes import Namespace
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_lock import RollLock, Stopped
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_state import Member

INTERVAL_S = 1.0
LOOK_S, LONGEST_LOOK_S = 10.0, 60.0
"""How long one look at Kafka may take: at least, and at first. A node that has just gone must not hold it up, and a large
cluster takes long to look at, so that it is five times what the last one took."""

SETTLED_S = 30.0
"""For how long Kubernetes may take to see a changed StatefulSet."""

CRASHES = 3
"""So many ends of a container within one pod are no bad luck."""

PLACED_S = 30.0
"""For how long the scheduler may look for another Kubernetes node, or whoever makes new ones."""

SRVR_S = 5.0
"""For how long a ZooKeeper server may think about whether it leads."""

IMAGE_S = 60.0
"""For how long an image may be out of reach."""


@dataclasses.dataclass(frozen=True)
class Options:
    """``ready_s``: for a pod to be ready again; ``pause_s``: after a node is back; ``before``: pods created earlier are restarted
    in any case; ``preferred``: a node is given its leaders back, and is back once it leads them; ``drain``: the Kubernetes node that is to be left, and
    then nothing else is restarted; ``rack_at_once``: all brokers of a rack are restarted together where the gate proves that they may;
    ``gate``: what the gate is told."""

    ready_s: float = 900
    pause_s: float = 0
    before: str = ""
    preferred: bool = False
    drain: str = ""
    rack_at_once: bool = False
    gate: _gate_model.Options = dataclasses.field(default_factory=_gate_model.Options)


@dataclasses.dataclass(frozen=True)
class Step:
    """One restart: which node, or nodes of a rack, why, how long it had to wait and how long it took, and how many are left."""

    members: tuple[Member, ...]
    causes: tuple[str, ...]
    waited_s: float
    took_s: float
    left: int


class View:
    """What Kubernetes says at one moment: pods and all that is seen of nodes and ZooKeeper servers, by their names."""

    def __init__(self, namespace: Namespace, cluster: str, members: t.Sequence[Member], secrets: t.Mapping[str, t.Any]) -> None:
        pods = {pod["metadata"]["name"]: pod for pod in namespace.objects("Pod")}
        sets = {obj["metadata"]["name"]: obj for obj in namespace.objects("StatefulSet")}
        claims: dict[str, list[_roll_state.Object]] = {each.name: [] for each in members}
        for claim in namespace.objects("PersistentVolumeClaim", _of_cluster(cluster)):
            claims.get(claim["metadata"]["labels"].get(_objects.NODE, ""), []).append(claim)
        self.all = list(pods.values())
        self.pods = {each.name: pods.get(each.pod) for each in members}
        credentials = secrets.get(_manifests.credentials_name(cluster))
        self.seen = {
            each.name: _roll_state.Seen(
                sets.get(each.name), pods.get(each.pod), secrets.get(_manifests.certificate_name(each.name)), credentials, tuple(claims[each.name])
            )
            for each in members
        }

    def uid(self, member: Member) -> str | None:
        """The uid of a node's pod; None where there is none, or one that is on its way out."""
        pod = self.pods[member.name]
        return None if pod is None or pod["metadata"].get("deletionTimestamp") else pod["metadata"]["uid"]


def _of_cluster(cluster: str) -> str:
    """A selector of the cluster's objects."""
    return f"app.kubernetes.io/instance={cluster}"


class Roller:
    """``road``: makes a connection to Kafka with this many seconds for everything; ``members``: nodes and ZooKeeper servers as the plan
    has them, no servers where there is no ensemble of ours."""

    def __init__(
        self,
        namespace: Namespace,
        road: t.Callable[[float], Road],
        members: t.Sequence[Member],
        lock: RollLock,
        options: Options,
    ) -> None:
        self._namespace = namespace
        self._road = road
        self._look_s = LONGEST_LOOK_S
        self.members = members
        self._by_id = {each.id: each for each in members if not each.zookeeper}
        self._servers = {each.id: each for each in members if each.zookeeper}
        self._lock = lock
        self._options = options
        self._secrets = {obj["metadata"]["name"]: obj for obj in namespace.objects("Secret", _of_cluster(lock.cluster))}

    def preview(self) -> tuple[list[_roll_order.Restart], list[str]]:
        """What is to be restarted in which order, first what was restarted in vain, and what stands against the first of them now."""
        view = self._view()
        if self._options.drain:
            _drain_calls.is_cordoned(_live.Api(self._namespace.client), self._options.drain)
            self._all_have_a_place(view)
        snapshot, active = self._snapshot(view)
        order = self._order(view, active)
        if order.futile:
            return [*order.futile, *order.restarts], [self._futile(restart, view) for restart in order.futile]
        if not order.restarts:
            return [], []
        verdict = _may_restart(Gate(snapshot, self._options.gate), self.member(order.restarts[0]))
        held = [text for restart in order.restarts for text in [self._why_it_stays(self.member(restart), view)] if text]
        return list(order.restarts), [*held, *(reason.text for reason in verdict.reasons if verdict.answer != "go")]

    def member(self, restart: _roll_order.Restart) -> Member:
        """The node or ZooKeeper server that is restarted."""
        return (self._servers if restart.zookeeper else self._by_id)[restart.node]

    def besides(self) -> list[str]:
        """What else of the cluster runs on the Kubernetes node that is drained."""
        known = {each.pod for each in self.members}
        return _drain.besides(self._view().all, self._options.drain, self._lock.cluster, known) if self._options.drain else []

    def step(self) -> Step | None:
        """Restart one node; None where none has to be."""
        view = self._view()
        if not any(_roll_order.causes(node) for node in self._nodes(view)):
            return None
        if self._options.drain:
            self._all_have_a_place(view)
            if _drain_calls.is_cordoned(_live.Api(self._namespace.client), self._options.drain) is False:
                raise Stopped(f"Kubernetes node {self._options.drain} takes new pods still. Nothing was changed. Mend: cordon it, so that nothing comes back.")
        self._lock.take()
        begun = time.monotonic()
        restarts, view, left = self._wait_to_begin()
        if not restarts:
            return None
        waited = time.monotonic() - begun
        members = tuple(self.member(each) for each in restarts)
        for member in members:
            if reason := self._why_it_stays(member, view):
                raise Stopped(f"{reason} It was not stopped. {self._way_out()}")
        begun = time.monotonic()
        entries = [self._write(restart, self._node(member, view)) for restart, member in zip(restarts, members)]
        for member, entry in zip(members, entries):
            self._end(member, entry)
        for member, entry in zip(members, entries):
            self._finish(member, entry, begun)
        took = time.monotonic() - begun
        left -= len(restarts)
        if left:
            self._rest(time.monotonic())
        return Step(members, tuple(dict.fromkeys(cause for each in restarts for cause in each.causes)), waited, took, left)

    def _write(self, restart: _roll_order.Restart, node: _roll_order.Node) -> _roll_order.Entry:
        """Note a restart in the journal before anything is done."""
        entry = _roll_order.Entry(node.id, node.pod_uid, node.wanted, restart.causes, node.manual, _roll_state.written(_now()), zookeeper=node.zookeeper)
        self._lock.write(entry)
        done = "Stopped" if "stop" in restart.causes else "Restarted"
        self._lock.event(self.member(restart).name, "Restart", f"{done} because of: {', '.join(restart.causes)}")
        return entry

    def _end(self, member: Member, entry: _roll_order.Entry) -> None:
        """Delete a node's pod, or scale the node to nothing where it is to be stopped."""
        self._list(member, entry.pod_uid, False)
        try:
            if "stop" in entry.causes:
                self._namespace.merge("StatefulSet", member.name, {"spec": {"replicas": 0}})
            elif entry.pod_uid:
                self._namespace.delete("Pod", member.pod, entry.pod_uid)
        except Exception:
            self._list(member, entry.pod_uid, True)
            raise

    def _list(self, member: Member, pod_uid: str | None, listed: bool) -> None:
        """Let the Services that lead to this broker alone list its pod, or not. Connections that there are stay.

        Between the end of a pod and Kubernetes' taking note of it, the first packet of a connection gets no answer, and the client may wait
        for one for 10 to 30 s, long after the broker is back. One that finds no address is refused. Without the right to patch pods nothing
        is changed.
        """
        from kubernetes.dynamic.exceptions import ForbiddenError, NotFoundError, UnprocessibleEntityError

        labels = _plan_model.LISTED if listed else dict.fromkeys(_plan_model.LISTED)
        if member.broker and pod_uid:
            # A pod of another uid, which has taken this one's place meanwhile, is not changed.
            with contextlib.suppress(ForbiddenError, NotFoundError, UnprocessibleEntityError):
                self._namespace.merge("Pod", member.pod, {"metadata": {"uid": pod_uid, "labels": labels}})

    def _finish(self, member: Member, entry: _roll_order.Entry, begun: float) -> None:
        """Wait until a node has ended, or is back for good, and note what became of it."""
        stop, returned = "stop" in entry.causes, ""
        try:
            if stop:
                self._stop(member)
            else:
                returned = self._wait_for_return(member, entry.pod_uid)
        except Stopped as error:
            self._lock.write(dataclasses.replace(entry, outcome=str(error).partition("\n")[0]))
            self._lock.event(member.name, "RestartFailed", f"{member.name} is not back", "Warning")
            raise
        took = time.monotonic() - begun
        self._lock.write(dataclasses.replace(entry, outcome=f"{'ended' if stop else 'back'} after {took:.1f} s", returned=returned))
        self._lock.event(member.name, "Stopped" if stop else "Restarted", f"{'Ended' if stop else 'Back for good'} after {took:.1f} s")

    def _all_have_a_place(self, view: View) -> None:
        """Raise Stopped where a node, such as one that left the Kubernetes node before, finds no other."""
        for member in self.members:
            self._give_up_on_place(member, view.pods[member.name], PLACED_S)

    def _why_it_stays(self, member: Member, view: View) -> str:
        """Why a node cannot leave the Kubernetes node that is drained, as far as that can be seen; empty where it can."""
        pod = view.pods[member.name]
        if not self._options.drain or pod is None:
            return ""
        around = _drain_calls.around(_live.Api(self._namespace.client), view.all, view.seen[member.name].claims)
        reason = _drain.why_it_stays(pod, self._options.drain, around)
        return f"{member.name} cannot leave Kubernetes node {self._options.drain}: {reason}." if reason else ""

    def _way_out(self) -> str:
        return (
            f"Mend: make room elsewhere and run again, or let Kubernetes node {self._options.drain} take pods again (kubectl uncordon), and "
            "what waits for it comes back there."
        )

    def _give_up_on_place(self, member: Member, pod: t.Any, seconds: float) -> None:
        """Raise Stopped where a pod finds no other Kubernetes node than the one that is drained."""
        if self._options.drain and _roll_state.pod_state(pod) == "scheduling" and seconds >= PLACED_S:
            raise Stopped(f"{member.name} finds no Kubernetes node ({_objects.why_not_ready(pod)}). No other node was stopped. {self._way_out()}")

    def _wait_to_begin(self) -> tuple[tuple[_roll_order.Restart, ...], View, int]:
        """The next node, or its whole rack, once it may be restarted, and how many there are in all. Which one it is is asked again each
        time: meanwhile things change."""
        watch: Watch | None = None
        while True:
            begun = time.monotonic()
            view = self._view()
            snapshot, active = self._snapshot(view)
            order = self._order(view, active)
            if order.futile:
                raise Stopped("\n".join(self._futile(restart, view) for restart in order.futile))
            if not order.restarts:
                return (), view, 0
            watch = watch.seen(snapshot, _ms(begun)) if watch else Watch.begin(snapshot, _ms(begun))
            first = order.restarts[0]
            verdict = _may_restart(Gate(snapshot, self._options.gate), self.member(first), watch.idle_ms(_ms(begun)))
            if verdict.answer == "go":
                return self._with_its_rack(first, view, snapshot, active), view, len(order.restarts)
            if verdict.answer == "stop":
                raise Stopped(f"{self.member(first).name} is not restarted. {_said(verdict)}\n{MEND}")
            self._pause(begun)

    def _with_its_rack(self, first: _roll_order.Restart, view: View, snapshot: _gate_model.Snapshot, active: int) -> tuple[_roll_order.Restart, ...]:
        """The first and all others of its rack where that was asked for and is proven for every partition, else the first alone."""
        if not self._options.rack_at_once or self._options.drain or first.zookeeper:
            return (first,)
        nodes = [dataclasses.replace(each, rack=snapshot.nodes[each.id].rack) for each in self._nodes(view) if not each.zookeeper]
        rack = _roll_order.together(nodes, first, self._lock.entries, active)
        return rack if Gate(snapshot, self._options.gate).may_stop_together(each.node for each in rack).answer == "go" else (first,)

    def _stop(self, member: Member) -> None:
        """Wait until a node that was scaled to nothing has ended; its id and its claims stay."""
        begun = time.monotonic()
        while self._view().pods[member.name] is not None:
            if time.monotonic() - begun > self._options.ready_s:
                raise Stopped(f"{member.name} was told to stop {self._options.ready_s:.0f} s ago and has not ended. Look at its log, and run again.")
            self._pause(time.monotonic())

    def _wait_for_return(self, member: Member, old: str | None) -> str:
        """Wait until a node is back for good; the uid of its pod."""
        begun = time.monotonic()
        watch: Watch | None = None
        handed_back = False
        while True:
            now = time.monotonic()
            view = self._view()
            uid, pod = view.uid(member), view.pods[member.name]
            is_new = uid is not None and uid != old
            if is_new:
                if pod is not None and self._options.drain and _drain.is_on(pod, self._options.drain):
                    text = f"{member.name} came back to Kubernetes node {self._options.drain}. No other node was stopped."
                    raise Stopped(f"{text} Mend: cordon it and run again.")
                self._give_up_on_place(member, pod, now - begun)
                self._give_up_on(member, pod, now - begun)
            elif now - begun > self._options.ready_s:
                raise Stopped(f"{member.name} was restarted, and there is no new pod after {now - begun:.0f} s. Look at the events of its StatefulSet.")
            # Before it is ready there is nothing to ask Kafka for, and much that would not answer.
            if is_new and (_roll_state.pod_state(pod) == "ready" or self._stuck_besides(view, member)):
                snapshot, _active = self._snapshot(view)
                watch = watch.seen(snapshot, _ms(now)) if watch else Watch.begin(snapshot, _ms(now))
                gate = Gate(snapshot, self._options.gate)
                verdict = _has_returned(gate, member, watch.idle_ms(_ms(now)), handed_back)
                if verdict.answer == "go" and member.broker and self._options.preferred and not handed_back:
                    self._hand_back(member.id)
                    handed_back = True
                    continue
                # Those that do not run either may have to be restarted before this one can be whole.
                if verdict.answer == "go" or any(_may_restart(gate, each).answer == "go" for each in self._stuck_besides(view, member)):
                    return str(uid)
                if verdict.answer == "stop":
                    raise Stopped(f"{member.name} was restarted and is not back for good. No other node was restarted. {_said(verdict)}\n{MEND}")
            self._pause(now)

    def _hand_back(self, broker: int) -> None:
        """Let a broker that has just begun lead what it should, little by little. Kafka would do so within some minutes, all at once."""

        def road() -> Road:
            return self._road(self._look_s)

        with contextlib.suppress(RoadError):
            with road() as found:
                topics = _kafka_calls.topics(found, config=False)
            places = _reassign.elections(_reassign.State({}, topics))
            own = [(topic, number) for topic, number in places if topics[topic].partitions[number].replicas[0] == broker]
            for _elected in _elections.elect(road, own, max(4, len(own) // _reassign.HANDED_OVER)):
                self._lock.renew()

    def _rest(self, begun: float) -> None:
        """The pause that the user asked for; whoever holds the lock says so meanwhile."""
        while time.monotonic() - begun < self._options.pause_s:
            time.sleep(min(INTERVAL_S, self._options.pause_s))
            self._lock.renew()

    def _give_up_on(self, member: Member, pod: t.Any, seconds: float) -> None:
        """Raise Stopped where a restarted pod cannot become ready."""
        state = _roll_state.pod_state(pod)
        crashes = _roll_state.restarts(pod)
        hopeless = (
            (state == "image" and seconds > IMAGE_S) or (state != "ready" and crashes >= CRASHES) or (state != "ready" and seconds > self._options.ready_s)
        )
        if hopeless:
            raise Stopped(
                f"{member.name} was restarted and does not become ready ({_objects.why_not_ready(pod)}; {crashes} crashes in {seconds:.0f} s). "
                f"No other node was restarted; those still serve.\n{self._namespace.explain([f'StatefulSet/{member.name}'])}\n"
                "Mend: correct the definition and run again. This node is then restarted first."
            )

    def _stuck_besides(self, view: View, member: Member) -> list[Member]:
        """Other nodes that do not run and are to be restarted."""
        others = [(each, self._node(each, view)) for each in self.members if each.name != member.name]
        return [each for each, node in others if node.stuck and _roll_order.causes(node)]

    def _futile(self, restart: _roll_order.Restart, view: View) -> str:
        member = self.member(restart)
        return (
            f"{member.name} was restarted for its present definition, and still is not as it says ({', '.join(restart.causes)}): another restart "
            f"would not help. {self._namespace.explain([f'StatefulSet/{member.name}'])}\n{MEND}"
        )

    def _view(self) -> View:
        """What there is now, once Kubernetes has taken note of what was last applied."""
        deadline = time.monotonic() + SETTLED_S
        while True:
            view = View(self._namespace, self._lock.cluster, self.members, self._secrets)
            if all(_roll_state.is_settled(seen.workload) for seen in view.seen.values()) or time.monotonic() > deadline:
                return view
            time.sleep(INTERVAL_S)

    def _nodes(self, view: View) -> list[_roll_order.Node]:
        return [self._node(each, view) for each in self.members]

    def _node(self, member: Member, view: View) -> _roll_order.Node:
        return _roll_state.node(member, view.seen[member.name], self._options.before, self._options.drain, _now())

    def _order(self, view: View, active: int) -> _roll_order.Order:
        nodes, entries = self._nodes(view), self._lock.entries
        asked = [node.id for node in nodes if node.zookeeper and node.ready and _roll_order.causes(node, entries)]
        # Who leads only matters where there is a choice.
        leader = _gate_calls.leading(asked, self._srvr) if len(asked) > 1 else None
        return _roll_order.order(nodes, entries, active if active in self._by_id else None, leader)

    def _srvr(self, server: int) -> str:
        """What a ZooKeeper server says of itself where the probe asks it, too; raises OSError where it cannot be asked."""
        target = _kafka_routes.Target(self._servers[server].pod, _plan_zookeeper.PORTS["client"])
        with contextlib.closing(_kafka_forward.ApiServer(self._namespace.client, self._namespace.name, SRVR_S).open(target)) as forward:
            forward.socket.settimeout(SRVR_S)
            forward.socket.sendall(b"srvr")
            found = b""
            # The end of a connection may come a second after all that was said.
            while not re.search(rb"^Mode: .*\n", found, re.MULTILINE) and (more := forward.socket.recv(4096)):
                found += more
            return found.decode(errors="replace")

    def _snapshot(self, view: View) -> tuple[_gate_model.Snapshot, int]:
        """The cluster now; what Kafka does not answer is unreadable."""
        try:
            begun = time.monotonic()
            # A connection of its own each time: one that is kept leads to pods that are gone.
            with self._road(self._look_s) as road:
                found = _gate_calls.snapshot(road, self.members, view.pods, self._reach, _now())
            self._look_s = max(LOOK_S, 5 * (time.monotonic() - begun))
            return found
        except Forbidden:
            raise
        except RoadError as error:
            self._look_s = min(LONGEST_LOOK_S, 1.5 * self._look_s)
            return _gate_calls.unreadable(self.members, view.pods, str(error)), -1

    def _reach(self, addresses: t.Sequence[str]) -> bool:
        return not self._options.gate.check_reachable or _gate_calls.reachable(addresses)

    def _pause(self, begun: float) -> None:
        """Wait before the next look; a large cluster, which takes long to look at, is looked at less often."""
        self._lock.renew()
        time.sleep(min(LOOK_S, max(INTERVAL_S, time.monotonic() - begun)))


MEND = "Mend what is named and run again, which goes on here; or be more patient with kafka_roll_patience."


def _may_restart(gate: Gate, member: Member, idle_ms: int = 0) -> _gate_model.Verdict:
    return gate.may_restart_zookeeper(member.id, idle_ms) if member.zookeeper else gate.may_restart(member.id, idle_ms)


def _has_returned(gate: Gate, member: Member, idle_ms: int, preferred: bool) -> _gate_model.Verdict:
    return gate.has_returned_zookeeper(member.id, idle_ms) if member.zookeeper else gate.has_returned(member.id, idle_ms, preferred)


def _said(verdict: _gate_model.Verdict) -> str:
    return " ".join(reason.text for reason in verdict.reasons)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
