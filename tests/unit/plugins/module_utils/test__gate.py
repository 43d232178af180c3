# SPDX-License-Identifier: GPL-3.0-or-later
"""May this node be restarted now? Every reason to wait or to stop beside a near twin that may go."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate import Gate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Options, Partition, Quorum, Snapshot, Topic, Verdict
from hypothesis import assume, given, settings
from hypothesis import strategies as st

QUORUM = Quorum((10, 11, 12), 10, {10: 9000, 11: 8900, 12: 8800}, fetch_timeout_ms=2000, observers_ms={0: 8900, 1: 8900, 2: 8900})


def broker(number: int, **fields: t.Any) -> Node:
    healthy: dict[str, t.Any] = {"rack": f"r{number % 3}", "unfenced": True, "recovering_logs": 0, "offline_log_dirs": (), "reachable": True}
    return Node(number, **{"pod": "ready", **healthy, **fields})


def controller(number: int, **fields: t.Any) -> Node:
    return Node(number, **{"pod": "ready", "broker": False, **fields})


def partition(isr: t.Sequence[int] = (0, 1, 2), replicas: t.Sequence[int] = (0, 1, 2), **fields: t.Any) -> Partition:
    return Partition(**{"number": 0, "leader": isr[0] if isr else -1, "replicas": tuple(replicas), "isr": tuple(isr), **fields})


def cluster(*partitions: Partition, minimum: int | None = 2, nodes: t.Iterable[Node] = (), **fields: t.Any) -> Snapshot:
    """Three brokers, three controllers and one topic; ``nodes`` take the place of healthy ones."""
    found = {node.id: node for node in (*map(broker, range(3)), *map(controller, (10, 11, 12)), *nodes)}
    return Snapshot(found, (Topic("orders", minimum, partitions or (partition(),)),), **{"quorum": QUORUM, **fields})


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize("node", [0, 1, 2, 10, 11, 12])
def test_a_healthy_cluster_goes(node: int) -> None:
    assert Gate(cluster()).may_restart(node) == Verdict("go")


def quorum(**fields: t.Any) -> Quorum:
    return dataclasses.replace(QUORUM, **fields)


@pytest.mark.parametrize(
    ("snapshot", "node", "code"),
    [
        # Partitions.
        (cluster(partition((0, 1))), 0, "partitions"),  # one left
        (cluster(partition((0, 1), leader=1)), 1, "partitions"),
        (cluster(partition((0,))), 2, "partitions"),  # too few already, and this one may be the next to catch up
        (cluster(partition((0, 1, 2), leader=-1)), 0, "partitions"),
        (cluster(partition((0, 1, 2)), minimum=None), 0, "partitions"),
        (cluster(partition((0, 1, 2), removing=(2,))), 0, "partitions"),  # 2 goes any moment
        (cluster(partition((1,), (0, 1)), minimum=1), 1, "partitions"),
        (cluster(partition((0, 1, 7), (0, 1, 7))), 0, "partitions"),  # nobody knows a broker 7
        (cluster(nodes=[broker(1, unfenced=False)]), 0, "partitions"),
        (cluster(nodes=[broker(1, unfenced=None)]), 0, "partitions"),
        (cluster(nodes=[broker(1, empty_for_ms=45_000)]), 0, "partitions"),  # counts as in sync, and has nothing
        # Other nodes: one at a time.
        (cluster(nodes=[broker(1, pod="starting")]), 0, "not_ready"),
        (cluster(nodes=[broker(1, pod="unknown")]), 0, "not_ready"),
        (cluster(nodes=[broker(1, pod="terminating")]), 0, "not_ready"),
        (cluster(nodes=[controller(11, pod="starting")]), 0, "not_ready"),
        (cluster(nodes=[broker(1, pod="image")]), 0, "stuck"),
        (cluster(nodes=[broker(1, pod="scheduling")]), 0, "stuck"),
        (cluster(nodes=[broker(1, pod="crash_loop")]), 0, "stuck"),
        (cluster(nodes=[broker(1, pod="missing")]), 0, "stuck"),
        (cluster(nodes=[broker(5, unfenced=False)]), 0, "fenced"),
        (cluster(nodes=[broker(5, recovering_logs=3)]), 0, "recovering"),
        (cluster(nodes=[broker(5, unfenced=False, recovering_logs=None)]), 0, "recovering"),
        (cluster(nodes=[broker(5, offline_log_dirs=("/d1",))]), 0, "offline_log_dirs"),
        (cluster(nodes=[broker(5, offline_log_dirs=None)]), 0, "offline_log_dirs"),
        (cluster(nodes=[broker(5, reachable=False)]), 0, "unreachable"),
        (cluster(nodes=[broker(5, reachable=None)]), 0, "unreachable"),
        (cluster(nodes=[broker(5, empty_for_ms=0)]), 0, "empty"),
        (cluster(quorum=quorum(observers_ms={1: 6999})), 0, "metadata_behind"),
        (cluster(quorum=quorum(observers_ms={1: -1})), 0, "metadata_behind"),
        # The node itself.
        (cluster(nodes=[broker(0, recovering_logs=1)]), 0, "recovering"),
        (cluster(nodes=[broker(0, pod="starting", unfenced=False, recovering_logs=None)]), 0, "recovering"),
        (cluster(nodes=[broker(0, pod="terminating")]), 0, "not_ready"),
        (cluster(nodes=[broker(0, offline_log_dirs=("/d1",))]), 0, "offline_log_dirs"),
        (cluster(nodes=[broker(0, offline_log_dirs=None)]), 0, "offline_log_dirs"),
        # The quorum.
        (cluster(quorum=None), 0, "quorum"),
        (cluster(quorum=quorum(leader=-1)), 0, "quorum"),
        (cluster(quorum=quorum(leader=99)), 10, "quorum"),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 8900, 12: 6999})), 11, "quorum"),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 8900, 12: -1})), 10, "quorum"),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 8900})), 10, "quorum"),
        (cluster(quorum=quorum(caught_up_ms={11: 8900, 12: 8900})), 11, "quorum"),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 1, 12: 1})), 0, "quorum"),
        # What could not be read.
        (cluster(unreadable=("reassignments",)), 0, "unreadable"),
    ],
)
def test_it_waits(snapshot: Snapshot, node: int, code: str) -> None:
    verdict = Gate(snapshot).may_restart(node)
    assert verdict.answer == "wait"
    assert code in codes(verdict)


@pytest.mark.parametrize(
    ("snapshot", "node"),
    [
        (cluster(partition((0, 1))), 2),  # it is not in sync, and two are
        (cluster(partition((0, 1), (0, 1)), minimum=1), 0),
        (cluster(partition((0, 1, 2), (0, 1, 2, 5), removing=(5,)), nodes=[broker(5)]), 0),  # three stay
        (cluster(partition((0, 1, 5), (0, 1, 5)), nodes=[broker(5)]), 2),  # holds none of it
        (cluster(partition((0, 1)), nodes=[broker(5)]), 5),
        (cluster(nodes=[broker(1, empty_for_ms=45_001)]), 0),
        (cluster(nodes=[broker(0, empty_for_ms=0)]), 0),
        (cluster(nodes=[broker(5, recovering_logs=None)]), 0),  # unfenced: it has recovered
        (cluster(nodes=[broker(0, pod="starting")]), 0),
        (cluster(partition((1, 2)), nodes=[broker(0, pod="starting", unfenced=False)]), 0),
        (cluster(nodes=[broker(0, reachable=False)]), 0),  # a restart may mend it
        (cluster(quorum=quorum(observers_ms={0: 1, 1: 7000})), 0),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 7000, 12: 7000})), 11),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 8900, 12: 1})), 12),  # the one that lags
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 8900, 12: 1})), 0),
        (cluster(quorum=Quorum((1, 2, 3), 1, {1: 9, 2: 9, 3: 9}, zookeeper=True)), 1),  # ids of another ensemble
        (cluster(quorum=quorum(voters=(10, 11, 12, 13, 14), caught_up_ms={10: 9, 11: 9, 12: 9, 13: 9})), 11),
    ],
)
def test_the_near_twin_goes(snapshot: Snapshot, node: int) -> None:
    verdict = Gate(snapshot).may_restart(node)
    assert (verdict.answer, verdict.reasons) == ("go", ())


@pytest.mark.parametrize(
    "trouble", [{"pod": "image", "unfenced": False}, {"pod": "starting"}, {"offline_log_dirs": ("/d",)}, {"reachable": False}, {"unfenced": None}]
)
def test_trouble_that_the_user_accepted_holds_nothing_up_but_counts_for_nothing(trouble: dict[str, t.Any]) -> None:
    apart = cluster(partition((0, 1, 2)), nodes=[broker(5, **trouble)])
    assert Gate(apart).may_restart(0).answer == "wait"
    assert Gate(apart, Options(accepted=frozenset((5,)))).may_restart(0) == Verdict("go")
    fenced = cluster(partition((0, 1, 5), (0, 1, 5)), nodes=[broker(5, unfenced=False)])
    assert codes(Gate(fenced, Options(accepted=frozenset((5,)))).may_restart(0)) == {"partitions"}


@pytest.mark.parametrize(
    "trouble",
    [
        {"recovering_logs": 1},
        {"pod": "starting", "unfenced": False, "recovering_logs": None},
        {"pod": "terminating", "unfenced": False},
        {"offline_log_dirs": None},
    ],
)
def test_nothing_of_its_own_keeps_a_node_whose_disks_are_given_up(trouble: dict[str, t.Any]) -> None:
    options = Options(emptied=frozenset((0,)))
    apart = cluster(partition((1, 2), (0, 1, 2)), nodes=[broker(0, **trouble)])
    assert Gate(apart).may_restart(0).answer == "wait"
    assert Gate(apart, options).may_restart(0) == Verdict("go")
    # It holds for itself only, and what would be lacking without it is asked as ever.
    assert Gate(apart, options).may_restart(1).answer == "wait"
    assert codes(Gate(cluster(partition((0, 1), (0, 1, 2)), nodes=[broker(0, **trouble)]), options).may_restart(0)) == {"partitions"}


def test_listeners_are_not_asked_for_where_the_user_says_so() -> None:
    snapshot = cluster(nodes=[broker(1, reachable=None)])
    assert Gate(snapshot, Options(check_reachable=False)).may_restart(0) == Verdict("go")


@pytest.mark.parametrize(
    ("snapshot", "node"),
    [
        (cluster(partition((0,), (0,)), minimum=1), 0),
        (cluster(partition((0, 1), (0, 1)), minimum=2), 0),
        (cluster(partition((0, 1, 2)), minimum=3), 2),
        (cluster(quorum=quorum(voters=(10,))), 10),
        (cluster(quorum=quorum(voters=(10, 11))), 11),
    ],
)
def test_what_cannot_be_spared_stops_unless_the_user_allows_it(snapshot: Snapshot, node: int) -> None:
    refused = Gate(snapshot).may_restart(node)
    assert refused.answer == "stop"
    assert codes(refused) & {"no_spare", "no_spare_voter"}
    allowed = Gate(snapshot, Options(allow_without_spare=True)).may_restart(node)
    assert allowed.answer == "go"
    assert allowed.without_spare == refused.without_spare


def test_topics_with_one_replica_are_listed_with_go() -> None:
    rows = [partition((0,), (0,), number=number) for number in range(12)]
    verdict = Gate(cluster(*rows, minimum=1), Options(allow_without_spare=True)).may_restart(0)
    assert (verdict.answer, verdict.without_spare_count, len(verdict.without_spare)) == ("go", 12, 10)
    assert verdict.without_spare[0] == "orders-0"
    assert Gate(cluster(*rows, minimum=1)).may_restart(1) == Verdict("go")


@pytest.mark.parametrize(
    ("snapshot", "node"),
    [
        (cluster(partition((0,), (0, 1)), minimum=2), 0),  # the other one is out: nobody would be left
        (cluster(partition((0, 1)), minimum=3), 1),
        (cluster(partition((0,), (0, 5), adding=(5,), removing=(0,)), minimum=1, nodes=[broker(5)]), 0),  # its data is on its way
        (cluster(quorum=quorum(voters=(10, 11), caught_up_ms={10: 9000, 11: 1})), 10),
    ],
)
def test_what_is_allowed_without_a_spare_still_needs_all_others(snapshot: Snapshot, node: int) -> None:
    assert Gate(snapshot, Options(allow_without_spare=True)).may_restart(node).answer == "wait"


@pytest.mark.parametrize("pod", ["image", "scheduling", "crash_loop", "missing"])
def test_a_pod_that_does_not_run_may_be_restarted_when_nothing_counts_on_it(pod: t.Any) -> None:
    down = broker(0, pod=pod, unfenced=False, recovering_logs=None, offline_log_dirs=None, reachable=None)
    for isr in ((1, 2), (1,)):
        verdict = Gate(cluster(partition(isr), nodes=[down, broker(1, pod=pod)], unreadable=("log directories of 0",))).may_restart(0)
        assert (verdict.answer, codes(verdict)) == ("go", {"stuck"})
    # The last one in sync is down, and only it can bring the partition back.
    assert Gate(cluster(partition((0,), leader=-1), nodes=[down])).may_restart(0).answer == "go"
    # All are down and Kafka does not answer.
    nothing = Snapshot({0: dataclasses.replace(down, unfenced=None), 1: dataclasses.replace(down, id=1)}, (), None, ("topics",))
    assert Gate(nothing).may_restart(0).answer == "go"


@pytest.mark.parametrize(
    "snapshot",
    [
        cluster(partition((1, 2)), nodes=[broker(0, pod="crash_loop", unfenced=True, recovering_logs=5)]),
        cluster(partition((1, 2)), nodes=[broker(0, pod="crash_loop", unfenced=False, recovering_logs=5)]),
        cluster(partition((0, 1)), nodes=[broker(0, pod="crash_loop", unfenced=False)]),  # it counts as in sync
        cluster(partition((0, 1)), nodes=[broker(0, pod="image", unfenced=True)]),
        cluster(partition((1, 2)), nodes=[broker(0, pod="starting", unfenced=False, recovering_logs=None)]),
    ],
)
def test_a_pod_on_which_something_counts_is_judged_as_one_that_runs(snapshot: Snapshot) -> None:
    assert Gate(snapshot).may_restart(0).answer == "wait"


def test_a_stuck_voter_goes_only_without_its_vote() -> None:
    stuck = [controller(11, pod="crash_loop")]
    behind = quorum(caught_up_ms={10: 9000, 11: 1, 12: 8900})
    assert codes(Gate(cluster(nodes=stuck, quorum=behind)).may_restart(11)) == {"stuck"}
    late = quorum(caught_up_ms={10: 9000, 11: 8900, 12: 1})
    assert Gate(cluster(nodes=stuck, quorum=late)).may_restart(11).answer == "wait"


@pytest.mark.parametrize(("idle_ms", "answer"), [(0, "wait"), (599_999, "wait"), (600_000, "stop")])
def test_patience_ends_after_a_time_without_progress(idle_ms: int, answer: str) -> None:
    verdict = Gate(cluster(partition((0, 1)))).may_restart(0, idle_ms)
    assert verdict.answer == answer
    assert ("patience" in codes(verdict)) is (answer == "stop")
    assert Gate(cluster()).may_restart(0, idle_ms) == Verdict("go")


@pytest.mark.parametrize("ids", [(99,), (), (0, 99)])
def test_a_node_that_is_not_there_stops(ids: tuple[int, ...]) -> None:
    verdict = Gate(cluster()).may_stop_together(ids)
    assert (verdict.answer, codes(verdict)) == ("stop", {"unknown_node"})
    assert Gate(cluster()).may_restart(99).answer == "stop"


def test_blocking_partitions_are_named_and_counted() -> None:
    rows = [partition((0, 1), number=number) for number in range(25)]
    verdict = Gate(cluster(*rows)).may_restart(0)
    assert (verdict.partition_count, verdict.partitions[:2], len(verdict.partitions)) == (25, ("orders-0", "orders-1"), 10)
    assert "and 15 more" in verdict.reasons[0].text


RACKS = [broker(number) for number in range(6)]  # rack r0: 0 and 3


@pytest.mark.parametrize(
    ("snapshot", "ids", "answer", "code"),
    [
        (cluster(partition((0, 1, 2)), partition((3, 4, 5), (3, 4, 5)), nodes=RACKS), (0, 3), "go", None),
        (cluster(partition((0, 3, 1), (0, 3, 1)), nodes=RACKS), (0, 3), "stop", "never_together"),
        (cluster(partition((0, 3, 1, 2), (0, 3, 1, 2)), nodes=RACKS), (0, 3), "go", None),
        (cluster(partition((0, 3, 1), (0, 3, 1, 2)), nodes=RACKS), (0, 3), "wait", "partitions"),
        (cluster(partition((3, 4), (3, 4, 5)), nodes=RACKS), (0, 3), "wait", "partitions"),
        (cluster(partition((3, 4, 5), (3, 4, 5), removing=(5,)), nodes=RACKS), (0, 3), "wait", "partitions"),
        (cluster(nodes=[*RACKS[:5], broker(5, pod="starting")]), (0, 3), "wait", "not_ready"),
        (cluster(nodes=RACKS), (0, 1, 10), "stop", "never_together"),
        (cluster(nodes=RACKS), (10, 11), "stop", "never_together"),
        (cluster(nodes=RACKS), (0, 10), "go", None),
        (cluster(nodes=RACKS, minimum=None), (0,), "wait", "partitions"),
        (cluster(nodes=RACKS, minimum=3), (0,), "stop", "no_spare"),
    ],
)
def test_a_rack_stops_together_only_when_proven_for_every_partition(snapshot: Snapshot, ids: tuple[int, ...], answer: str, code: str | None) -> None:
    verdict = Gate(snapshot).may_stop_together(ids)
    assert verdict.answer == answer
    assert codes(verdict) >= ({code} if code else set())


@pytest.mark.parametrize(
    ("snapshot", "node", "code"),
    [
        (cluster(partition((0, 1))), 2, "partitions"),
        (cluster(nodes=[broker(2, empty_for_ms=10)]), 2, "partitions"),
        (cluster(nodes=[broker(2, pod="starting")]), 2, "not_ready"),
        (cluster(nodes=[broker(2, pod="image")]), 2, "stuck"),
        (cluster(nodes=[broker(2, unfenced=False)]), 2, "fenced"),
        (cluster(nodes=[broker(2, reachable=False)]), 2, "unreachable"),
        (cluster(quorum=quorum(caught_up_ms={10: 9000, 11: 1, 12: 8900})), 11, "quorum"),
        (cluster(quorum=None), 11, "quorum"),
        (cluster(quorum=quorum(observers_ms={2: 1})), 2, "metadata_behind"),
        (cluster(unreadable=("topics",)), 2, "unreadable"),
    ],
)
def test_a_node_is_back_only_with_all_that_it_had(snapshot: Snapshot, node: int, code: str) -> None:
    verdict = Gate(snapshot).has_returned(node)
    assert verdict.answer == "wait"
    assert code in codes(verdict)
    assert Gate(snapshot).has_returned(node, 600_000).answer == "stop"


@pytest.mark.parametrize(
    ("snapshot", "node"),
    [
        (cluster(), 2),
        (cluster(), 11),
        (cluster(partition((0, 1))), 1),
        (cluster(partition((0, 1), removing=(2,))), 2),
        (cluster(nodes=[broker(1, pod="starting")]), 2),
    ],
)
def test_what_others_lack_does_not_keep_a_node_from_being_back(snapshot: Snapshot, node: int) -> None:
    assert Gate(snapshot).has_returned(node) == Verdict("go")


def test_a_voter_whose_disk_was_replaced_is_a_vote_that_is_missing() -> None:
    """However recently it had caught up: what has its id now has no vote."""
    lost = cluster(quorum=quorum(replaced=frozenset((12,))))
    assert Gate(lost).may_restart(0).answer == "go"
    assert Gate(lost).may_restart(12).answer == "go"
    verdict = Gate(lost).may_restart(11)
    assert verdict.answer == "wait"
    assert "The disk of 12 was replaced" in verdict.reasons[0].text
    verdict = Gate(lost).has_returned(12)
    assert (verdict.answer, codes(verdict)) == ("stop", {"no_vote"})
    assert Gate(lost).has_returned(11).answer == "go"


def test_a_node_is_back_with_its_preferred_leaders_where_asked() -> None:
    away = cluster(partition((0, 1, 2), leader=1))
    assert Gate(away).has_returned(0).answer == "go"
    assert codes(Gate(away).has_returned(0, preferred=True)) == {"partitions"}
    assert Gate(away).has_returned(1, preferred=True).answer == "go"
    assert Gate(cluster()).has_returned(0, preferred=True).answer == "go"
    assert Gate(cluster()).has_returned(99).answer == "stop"


@pytest.mark.parametrize(
    ("snapshot", "answer"),
    [
        (cluster(partition((0, 1))), "go"),
        (cluster(partition((0, 1), (0, 1))), "go"),
        (cluster(partition((0, 1, 2))), "wait"),  # an empty one would still count
        (cluster(partition((0,), leader=-1)), "wait"),
        (cluster(partition((0,)), nodes=[broker(0, unfenced=False)]), "wait"),
        (cluster(partition((2,), (2,))), "stop"),  # the only copy
        (cluster(partition((0, 1)), unreadable=("topics",)), "wait"),
    ],
)
def test_a_node_begins_empty_only_once_it_is_in_no_isr(snapshot: Snapshot, answer: str) -> None:
    assert Gate(snapshot).may_begin_empty(2).answer == answer
    assert Gate(snapshot).may_begin_empty(99).answer == "stop"


ENSEMBLE = Quorum((1, 2, 3), 1, {1: 9000, 2: 9000, 3: 9000}, zookeeper=True)
FIVE = Quorum((1, 2, 3, 4, 5), 1, {1: 0, 2: 0, 3: 0, 4: 0}, zookeeper=True)
NO_LEADER = Quorum((1, 2, 3), -1, {3: 0}, zookeeper=True)
DOWN = [broker(number, pod="starting", unfenced=None) for number in range(3)]


@pytest.mark.parametrize(
    ("snapshot", "server", "answer"),
    [
        (cluster(quorum=ENSEMBLE), 1, "go"),
        (cluster(quorum=dataclasses.replace(ENSEMBLE, caught_up_ms={1: 9000, 2: 9000})), 1, "wait"),
        (cluster(quorum=dataclasses.replace(ENSEMBLE, caught_up_ms={1: 9000, 2: 9000})), 3, "go"),
        (cluster(quorum=ENSEMBLE), 4, "stop"),
        (cluster(), 10, "stop"),  # a controller is no server of an ensemble
        (cluster(quorum=None), 1, "wait"),
        (cluster(quorum=ENSEMBLE, nodes=[broker(2, pod="starting")]), 1, "wait"),
        (cluster(quorum=ENSEMBLE, unreadable=("pods",)), 1, "wait"),
        # One at a time, though a majority would be left.
        (cluster(quorum=FIVE), 1, "wait"),
        (cluster(quorum=FIVE), 5, "go"),
        (cluster(quorum=ENSEMBLE, zookeeper={1: "terminating", 2: "ready", 3: "ready"}), 1, "wait"),
        # It does not run: whatever else there is, a restart can only help.
        (cluster(quorum=NO_LEADER, nodes=DOWN, unreadable=("Kafka",), zookeeper={1: "crash_loop", 2: "image", 3: "ready"}), 1, "go"),
        (cluster(quorum=NO_LEADER, nodes=DOWN, unreadable=("Kafka",), zookeeper={1: "starting", 2: "image", 3: "ready"}), 1, "wait"),
        # No broker serves, and all may be waiting for the ensemble.
        (cluster(quorum=ENSEMBLE, nodes=DOWN, unreadable=("Kafka",)), 1, "go"),
        (cluster(quorum=ENSEMBLE, nodes=DOWN[1:], unreadable=("Kafka",)), 1, "wait"),
        (cluster(quorum=dataclasses.replace(ENSEMBLE, caught_up_ms={1: 0, 2: 0}), nodes=DOWN, unreadable=("Kafka",)), 1, "wait"),
    ],
)
def test_a_zookeeper_server_is_restarted_while_all_others_are_ready(snapshot: Snapshot, server: int, answer: str) -> None:
    assert Gate(snapshot).may_restart_zookeeper(server).answer == answer


@pytest.mark.parametrize("size", [1, 2])
def test_a_small_ensemble_stops_and_someone_has_to_allow_it(size: int) -> None:
    servers = tuple(range(1, size + 1))
    found = cluster(quorum=Quorum(servers, 1, dict.fromkeys(servers, 0), zookeeper=True))
    assert codes(Gate(found).may_restart_zookeeper(1)) == {"no_spare_voter"}
    assert Gate(found).may_restart_zookeeper(1).answer == "stop"
    assert Gate(found, Options(allow_without_spare=True)).may_restart_zookeeper(1) == Verdict("go")


def test_a_zookeeper_server_that_does_not_come_back_is_not_waited_for_for_ever() -> None:
    gate = Gate(cluster(quorum=dataclasses.replace(ENSEMBLE, caught_up_ms={1: 0, 2: 0})), Options(patience_ms=1000))
    assert [gate.may_restart_zookeeper(1, idle).answer for idle in (0, 1000)] == ["wait", "stop"]
    assert [gate.has_returned_zookeeper(3, idle).answer for idle in (0, 1000)] == ["wait", "stop"]


@pytest.mark.parametrize(
    ("quorum", "server", "answer"),
    [
        (ENSEMBLE, 1, "go"),
        (dataclasses.replace(ENSEMBLE, caught_up_ms={2: 0, 3: 0}), 1, "wait"),
        (dataclasses.replace(ENSEMBLE, caught_up_ms={1: 0, 2: 0}), 1, "wait"),  # another one has gone
        (ENSEMBLE, 4, "stop"),
        (QUORUM, 10, "stop"),
        (None, 1, "wait"),
    ],
)
def test_a_zookeeper_server_is_back_when_all_are_ready(quorum: Quorum | None, server: int, answer: str) -> None:
    assert Gate(cluster(quorum=quorum, nodes=[broker(1, pod="starting")])).has_returned_zookeeper(server).answer == answer


def test_a_broker_waits_for_the_zookeeper_server_that_is_away() -> None:
    missing = dataclasses.replace(ENSEMBLE, caught_up_ms={1: 0, 2: 0})
    assert codes(Gate(cluster(quorum=missing)).may_restart(1)) == {"zookeeper"}
    assert Gate(cluster(quorum=ENSEMBLE)).may_restart(1) == Verdict("go")
    # Someone else's ensemble is not looked at.
    assert Gate(cluster(quorum=Quorum((0,), 0, {0: 0}, zookeeper=True))).may_restart(1) == Verdict("go")


# Properties. Snapshots are anything at all, not only what a healthy Kafka would report.

IDS = range(5)
VOTERS = (0, 1, 2, 3, 4)
rows = st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True)


@st.composite
def anything(draw: st.DrawFn) -> Snapshot:
    """Each of nodes, quorum and reading is healthy throughout in most snapshots, so that many of them go."""
    ill = draw(st.sampled_from((frozenset(), frozenset(("nodes",)), frozenset(("quorum",)), frozenset(("nodes", "quorum", "reading")))))
    maybe = st.sampled_from((True,) * 7 + (False, None))
    nodes = {number: broker(number) for number in IDS}
    for number in IDS if "nodes" in ill else ():
        nodes[number] = Node(
            number,
            draw(st.sampled_from(("ready",) * 9 + ("starting", "terminating", "missing", "image", "scheduling", "crash_loop", "unknown"))),  # type: ignore[arg-type]
            unfenced=draw(maybe),
            recovering_logs=draw(st.sampled_from((0,) * 9 + (None, 4))),
            offline_log_dirs=draw(st.sampled_from(((),) * 9 + (("/d",), None))),
            reachable=draw(maybe),
            empty_for_ms=draw(st.sampled_from((None,) * 9 + (0, 50_000))),
        )
    topics = []
    for number in range(draw(st.integers(0, 4))):
        replicas = draw(rows)
        isr = [replica for replica in replicas if draw(st.sampled_from((True, True, True, False)))]
        removing = tuple(replica for replica in replicas if draw(st.sampled_from((False,) * 9 + (True,))))
        leader = draw(st.sampled_from((*isr, *isr, *isr, -1)))
        minimum = draw(st.sampled_from((1, 1, 1, 1, 2, 2, 2, 2, 3, None)))
        topics.append(Topic(f"t{number}", minimum, (Partition(0, leader, tuple(replicas), tuple(isr), removing),)))
    voters = draw(st.sampled_from((VOTERS[:1], VOTERS[:2], VOTERS[:3], VOTERS[:4], VOTERS)))
    quorum: Quorum | None = Quorum(voters, voters[0], dict.fromkeys(voters, 9000))
    if "quorum" in ill:
        some = Quorum(voters, draw(st.sampled_from((*voters, *voters, -1))), {voter: draw(st.sampled_from((9000, 9000, 9000, 1, -1))) for voter in voters})
        quorum = draw(st.sampled_from((some,) * 9 + (None,)))
    return Snapshot(nodes, tuple(topics), quorum, draw(st.sampled_from(((), (), ("topics",)))) if "reading" in ill else ())


def sound(draw: t.Callable[..., t.Any]) -> Snapshot:
    """Every fact healthy, any replicas with at least one to spare."""
    topics = []
    for number in range(draw(st.integers(0, 6))):
        replicas = tuple(draw(st.lists(st.sampled_from(IDS), min_size=2, max_size=5, unique=True)))
        topics.append(Topic(f"t{number}", draw(st.integers(1, len(replicas) - 1)), (Partition(0, replicas[0], replicas, replicas),)))
    voters = draw(st.sampled_from((VOTERS[:3], VOTERS[:4], VOTERS)))
    return Snapshot({number: broker(number) for number in IDS}, tuple(topics), Quorum(voters, voters[0], dict.fromkeys(voters, 9000)))


@settings(max_examples=500, deadline=None)
@given(anything(), st.booleans(), st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS), min_size=1, max_size=3))
def test_never_go_when_a_partition_that_accepts_writes_would_not(snapshot: Snapshot, allow: bool, accepted: set[int], nodes: set[int]) -> None:
    gate = Gate(snapshot, Options(allow_without_spare=allow, accepted=frozenset(accepted)))
    verdict = gate.may_restart(min(nodes)) if len(nodes) == 1 else gate.may_stop_together(nodes)
    if verdict.answer != "go":
        return
    for topic in snapshot.topics:
        for found in topic.partitions:
            minimum = topic.min_insync_replicas
            if found.leader < 0 or nodes.isdisjoint(found.isr):
                continue
            assert minimum is not None
            stay = set(found.isr) - nodes - set(found.removing)
            if len(found.isr) >= minimum and len(found.replicas) > minimum:
                assert len(stay) >= minimum
            else:
                # Only what the user allowed, and with all others in sync.
                assert allow
                assert len(found.replicas) <= minimum
                assert f"{topic.name}-0" in verdict.without_spare
                assert len(stay) == len(found.replicas) - 1


@settings(max_examples=500, deadline=None)
@given(anything(), st.booleans(), st.sets(st.sampled_from(IDS), min_size=1, max_size=3))
def test_never_go_when_the_quorum_would_lose_its_majority(snapshot: Snapshot, allow: bool, nodes: set[int]) -> None:
    gate = Gate(snapshot, Options(allow_without_spare=allow, accepted=frozenset(IDS)))
    verdict = gate.may_restart(min(nodes)) if len(nodes) == 1 else gate.may_stop_together(nodes)
    if verdict.answer != "go" or codes(verdict) == {"stuck"}:
        return
    assert snapshot.quorum is not None
    voters, leader = snapshot.quorum.voters, snapshot.quorum.leader
    now = snapshot.quorum.caught_up_ms[leader]
    left = [v for v in voters if v not in nodes and (v == leader or (snapshot.quorum.caught_up_ms[v] >= 0 and now - snapshot.quorum.caught_up_ms[v] <= 2000))]
    if len(voters) > 2 or nodes.isdisjoint(voters):
        assert 2 * len(left) > len(voters)
    else:
        assert allow
        assert len(left) == len(voters) - 1


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_healthy_cluster_with_a_replica_to_spare_always_goes(data: st.DataObject) -> None:
    gate = Gate(sound(data.draw))
    assert [gate.may_restart(node) for node in IDS] == [Verdict("go")] * 5


def sick(draw: t.Callable[..., t.Any], snapshot: Snapshot, spared: int) -> Snapshot:
    """The same with one more thing that is not as it should be; ``spared`` goes on to run."""
    node = snapshot.nodes[draw(st.sampled_from(IDS))]
    facts: list[dict[str, t.Any]] = [
        {"unfenced": None},
        {"unfenced": False},
        {"recovering_logs": 3},
        {"offline_log_dirs": None},
        {"reachable": False},
        {"empty_for_ms": 0},
    ]
    facts += [{"pod": pod} for pod in (("starting", "terminating") if node.id == spared else ("starting", "terminating", "missing", "image", "crash_loop"))]
    kind = draw(st.sampled_from(("node", "topic", "quorum", "unreadable")))
    if kind == "node":
        changed = dataclasses.replace(node, **draw(st.sampled_from(facts)))
        # Better facts are not worse ones: what is wrong already stays so.
        assume(node.pod == "ready" or changed.pod == node.pod)
        assume(node.unfenced or changed.unfenced == node.unfenced)
        return dataclasses.replace(snapshot, nodes={**snapshot.nodes, node.id: changed})
    if kind == "quorum" and snapshot.quorum is not None:
        voter = draw(st.sampled_from(snapshot.quorum.voters))
        worse = draw(st.sampled_from((None, dataclasses.replace(snapshot.quorum, caught_up_ms={**snapshot.quorum.caught_up_ms, voter: -1}))))
        return dataclasses.replace(snapshot, quorum=worse)
    if kind == "topic" and snapshot.topics:
        number = draw(st.integers(0, len(snapshot.topics) - 1))
        topic = snapshot.topics[number]
        found = topic.partitions[0]
        options = [topic._replace(min_insync_replicas=None), topic._replace(partitions=(found._replace(leader=-1),))]
        options += [topic._replace(partitions=(found._replace(isr=tuple(b for b in found.isr if b != gone)),)) for gone in found.isr]
        options += [topic._replace(partitions=(found._replace(removing=(*found.removing, gone)),)) for gone in found.replicas if gone not in found.removing]
        topics = list(snapshot.topics)
        topics[number] = draw(st.sampled_from(options))
        return dataclasses.replace(snapshot, topics=tuple(topics))
    return dataclasses.replace(snapshot, unreadable=(*snapshot.unreadable, "something"))


@settings(max_examples=700, deadline=None)
@given(anything(), st.sampled_from(IDS), st.booleans(), st.data())
def test_one_more_thing_wrong_never_turns_wait_into_go(snapshot: Snapshot, node: int, allow: bool, data: st.DataObject) -> None:
    """For a node that runs; a pod that does not may be restarted the sooner the less counts on it."""
    assume(snapshot.nodes[node].pod in ("ready", "starting", "terminating", "unknown"))
    options = Options(allow_without_spare=allow)
    worse = sick(data.draw, snapshot, node)
    before, after = Gate(snapshot, options).may_restart(node), Gate(worse, options).may_restart(node)
    assert before.answer == "go" or after.answer != "go"
    together = sorted({node, data.draw(st.sampled_from(IDS))})
    assert Gate(snapshot, options).may_stop_together(together).answer == "go" or Gate(worse, options).may_stop_together(together).answer != "go"


@settings(max_examples=300, deadline=None)
@given(anything(), st.sampled_from(IDS))
def test_one_node_together_is_that_node_alone(snapshot: Snapshot, node: int) -> None:
    gate = Gate(snapshot)
    alone, together = gate.may_restart(node), gate.may_stop_together([node])
    assert alone.answer == together.answer or codes(alone) == {"stuck"}
    assert (alone.partitions, alone.without_spare) == (together.partitions, together.without_spare) or codes(alone) == {"stuck"}
