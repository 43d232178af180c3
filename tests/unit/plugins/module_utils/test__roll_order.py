# SPDX-License-Identifier: GPL-3.0-or-later
"""Which node is restarted next, and that none is restarted twice."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_order import Entry, Node, Order, Restart, Version, causes, order, together
from hypothesis import given
from hypothesis import strategies as st

SMALL, LARGE = Version(claims="smaller"), Version(claims="data-0=30Gi")
OLD, NEW = Version(image="kafka:1", configuration="a"), Version(image="kafka:2", configuration="a")


def node(number: int, **fields: t.Any) -> Node:
    """A ready broker with an old image."""
    return Node(number, **{"pod_uid": f"old-{number}", "running": OLD, "wanted": NEW, **fields})


def ids(found: Order) -> list[int]:
    return [restart.node for restart in found.restarts]


def next_restart(nodes: t.Iterable[Node], journal: t.Sequence[Entry] = (), active: int | None = None) -> Restart | None:
    """The next node; None: all are as they should be, or one was restarted in vain, and nothing should go on."""
    found = order(nodes, journal, active)
    return found.restarts[0] if found.restarts and not found.futile else None


CONTROLLER: dict[str, t.Any] = {"controller": True}


@pytest.mark.parametrize(
    ("nodes", "active", "expected"),
    [
        ([node(2), node(0), node(1)], None, [0, 1, 2]),
        ([node(0), node(1), node(2, ready=False)], None, [2, 0, 1]),
        ([node(0), node(10, **CONTROLLER), node(11, **CONTROLLER), node(12, **CONTROLLER)], 10, [11, 12, 10, 0]),
        ([node(0, ready=False), node(10, **CONTROLLER), node(11, ready=False, **CONTROLLER)], 10, [11, 0, 10]),
        ([node(0, **CONTROLLER), node(1, **CONTROLLER), node(2, **CONTROLLER)], 1, [0, 2, 1]),  # combined
        ([node(10, ready=False, **CONTROLLER), node(11, **CONTROLLER)], 10, [11, 10]),
        ([node(0), node(1), node(2, stuck=True)], None, [2, 0, 1]),
        ([node(0, stop=True), node(1), node(10, stop=True, ready=False, **CONTROLLER)], None, [1, 0, 10]),
        ([node(0), node(1), node(2)], 0, [1, 2, 0]),  # ZooKeeper: one of the brokers is the controller
    ],
)
def test_the_order(nodes: list[Node], active: int | None, expected: list[int]) -> None:
    assert ids(order(nodes, (), active)) == expected
    first = next_restart(nodes, (), active)
    assert first is not None
    assert first.node == expected[0]


def server(number: int, **fields: t.Any) -> Node:
    """A ZooKeeper server with an old image."""
    return node(number, **{"zookeeper": True, "pod_uid": f"old-server-{number}", **fields})


Z1, Z2, Z3, B1, B2, B3 = "z1", "z2", "z3", "b1", "b2", "b3"


@pytest.mark.parametrize(
    ("nodes", "active", "leader", "expected"),
    [
        # Ids overlap: server 1 is not broker 1, and the controller, broker 2, is not server 2.
        ([node(1), node(2), node(3), server(1), server(2), server(3)], 2, None, [Z1, Z2, Z3, B1, B3, B2]),
        ([node(1), node(2), node(3), server(1), server(2), server(3)], 2, 1, [Z2, Z3, Z1, B1, B3, B2]),
        ([node(1), server(1), server(2), server(3, ready=False)], None, 1, [Z3, Z2, Z1, B1]),
        ([node(1), server(1), server(2, running=NEW)], None, None, [Z1, B1]),
        # One broker does not serve: it comes first, since the gate waits for it.
        ([node(1), node(2, ready=False), server(1), server(2, ready=False)], None, None, [Z2, B2, Z1, B1]),
        # None does: they may be waiting for the ensemble.
        ([node(1, ready=False), node(2, stuck=True, ready=False), server(1), server(2), server(3, ready=False)], None, 1, [Z3, Z2, Z1, B1, B2]),
        ([node(1, stop=True), node(2), server(1)], None, None, [Z1, B2, B1]),
    ],
)
def test_the_order_with_zookeeper(nodes: list[Node], active: int | None, leader: int | None, expected: list[str]) -> None:
    found = order(nodes, (), active, leader)
    assert [f"{'z' if each.zookeeper else 'b'}{each.node}" for each in found.restarts] == expected


def test_the_journal_tells_a_server_from_the_broker_of_its_id() -> None:
    pair = [node(1, pod_uid="new"), server(1, pod_uid="new")]
    assert order(pair, [entry(1)]) == Order((Restart(1, ("image",), zookeeper=True),), (Restart(1, ("image",)),))
    assert order(pair, [entry(1, zookeeper=True)]) == Order((Restart(1, ("image",)),), (Restart(1, ("image",), zookeeper=True),))


def test_zookeeper_servers_go_one_by_one() -> None:
    both = [server(0, rack="r0"), node(0, rack="r0"), node(2, rack="r0")]
    assert together(both, Restart(0, ("image",), zookeeper=True)) == (Restart(0, ("image",), zookeeper=True),)
    assert together(both, Restart(0, ("image",))) == (Restart(0, ("image",)), Restart(2, ("image",)))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"running": NEW}, ()),
        ({}, ("image",)),
        ({"wanted": dataclasses.replace(OLD, configuration="b")}, ("configuration",)),
        ({"wanted": dataclasses.replace(OLD, configuration="b"), "dynamic": True}, ()),
        ({"wanted": dataclasses.replace(NEW, configuration="b"), "dynamic": True}, ("image",)),
        ({"wanted": Version("kafka:2", "b", "c", "d", "e")}, ("image", "configuration", "certificate", "resources", "template")),
        ({"running": dataclasses.replace(NEW, claims="smaller")}, ("resize",)),
        ({"running": NEW, "drain": True}, ("drain",)),
        ({"running": NEW, "manual": "42"}, ("manual",)),
        ({"stop": True, "manual": "42"}, ("stop",)),
        ({"running": NEW, "stuck": True}, ()),  # restarting what is as it should be does not help
        ({"stuck": True}, ("image", "stuck")),
        ({"running": SMALL, "wanted": LARGE, "manual": "42", "drain": True, "stuck": True}, ("resize", "manual", "drain", "stuck")),
    ],
)
def test_several_causes_are_one_restart_and_none_is_none(fields: dict[str, t.Any], expected: tuple[str, ...]) -> None:
    found = node(0, **fields)
    assert causes(found) == expected
    assert order([found]).restarts == ((Restart(0, expected),) if expected else ())  # type: ignore[arg-type]


def entry(number: int, **fields: t.Any) -> Entry:
    return Entry(number, **{"pod_uid": f"old-{number}", "wanted": NEW, "causes": ("image",), **fields})


@pytest.mark.parametrize(
    ("found", "written", "expected"),
    [
        # Killed after the journal was written and before the pod was deleted: still to be done.
        (node(0), entry(0), Order((Restart(0, ("image",)),))),
        # Deleted, and no new pod yet: the same.
        (node(0, pod_uid=None), entry(0), Order((Restart(0, ("image",)),))),
        # Done.
        (node(0, pod_uid="new", running=NEW), entry(0), Order(())),
        # Restarted, and still with the old image.
        (node(0, pod_uid="new"), entry(0), Order((), (Restart(0, ("image",)),))),
        (node(0, pod_uid="new", stuck=True), entry(0), Order((), (Restart(0, ("image", "stuck")),))),
        (node(0, pod_uid="new"), entry(0, returned="new"), Order((), (Restart(0, ("image",)),))),
        # It came back with the new image; then somebody went back to the old one without a roll.
        (node(0, pod_uid="newer"), entry(0, returned="new"), Order((Restart(0, ("image",)),))),
        # The definition was changed again since.
        (node(0, pod_uid="new", running=NEW, wanted=OLD), entry(0), Order((Restart(0, ("image",)),))),
        # It was restarted for another cause.
        (node(0, pod_uid="new", running=dataclasses.replace(NEW, claims="x")), entry(0), Order((Restart(0, ("resize",)),))),
        # Restarted, and its claim still is as small; and another time, when it had grown once before.
        (node(0, pod_uid="new", running=SMALL, wanted=LARGE), entry(0, wanted=LARGE, causes=("resize",)), Order((), (Restart(0, ("resize",)),))),
        (node(0, pod_uid="new", running=SMALL, wanted=LARGE), entry(0, wanted=SMALL, causes=("resize",)), Order((Restart(0, ("resize",)),))),
        # It had left the Kubernetes node before, came back to it, and is to leave it again.
        (node(0, pod_uid="new", running=NEW, drain=True), entry(0, causes=("drain",)), Order((Restart(0, ("drain",)),))),
        # Somebody asked, it was done, and somebody asks again.
        (node(0, pod_uid="new", running=NEW, manual="1"), entry(0, manual="1", causes=("manual",)), Order(())),
        (node(0, running=NEW, manual="1"), entry(0, manual="1", causes=("manual",)), Order((Restart(0, ("manual",)),))),
        (node(0, pod_uid="new", running=NEW, manual="2"), entry(0, manual="1", causes=("manual",)), Order((Restart(0, ("manual",)),))),
        # It was stopped before, was started, and is to be stopped again.
        (node(0, pod_uid="new", running=NEW, stop=True), entry(0, causes=("stop",)), Order((Restart(0, ("stop",)),))),
        # Of another node.
        (node(1, pod_uid="new"), entry(0), Order((Restart(1, ("image",)),))),
    ],
)
def test_a_run_after_a_kill_goes_on_and_restarts_nothing_twice(found: Node, written: Entry, expected: Order) -> None:
    assert order([found], [written]) == expected


def test_a_definition_that_comes_back_is_rolled_again() -> None:
    forth, back = entry(0, pod_uid="1", returned="2"), entry(0, pod_uid="2", wanted=OLD, returned="3")
    assert ids(order([node(0, pod_uid="3")], [forth, back])) == [0]
    # Killed before anybody saw it come back, too.
    assert ids(order([node(0, pod_uid="3")], [forth, dataclasses.replace(back, returned="")])) == [0]
    assert order([node(0, pod_uid="4")], [forth, back, entry(0, pod_uid="3", returned="4")]).futile == (Restart(0, ("image",)),)


def test_nothing_goes_on_after_a_restart_in_vain() -> None:
    nodes = [node(0, pod_uid="new", ready=False), node(1)]
    assert next_restart(nodes, [entry(0)]) is None
    assert next_restart(nodes) == Restart(0, ("image",))
    assert next_restart([node(0, running=NEW)]) is None


RACK = [node(number, rack=f"r{number % 2}") for number in range(4)]


@pytest.mark.parametrize(
    ("nodes", "active", "expected"),
    [
        (RACK, None, [0, 2]),
        ([*RACK[:2], node(2, rack="r0", running=NEW), RACK[3]], None, [0]),
        ([*RACK, node(4, rack="r0", **CONTROLLER)], None, [4]),
        ([RACK[0], node(2, rack="r0", ready=False)], None, [2]),
        (RACK, 2, [0]),
        ([node(0), node(2)], None, [0]),  # no racks
    ],
)
def test_a_rack_of_ready_brokers_may_go_together(nodes: list[Node], active: int | None, expected: list[int]) -> None:
    remaining = [item for item in nodes if item.id != active]
    first = next_restart(remaining, (), active)
    assert first is not None
    assert [restart.node for restart in together(nodes, first, (), active)] == expected


nodes = st.lists(
    st.builds(
        Node,
        id=st.integers(0, 30),
        pod_uid=st.just("old"),
        running=st.sampled_from((OLD, NEW, dataclasses.replace(NEW, claims="smaller"))),
        wanted=st.just(NEW),
        controller=st.booleans(),
        ready=st.booleans(),
        stuck=st.booleans(),
        drain=st.booleans(),
        manual=st.sampled_from(("", "42")),
    ),
    max_size=9,
    unique_by=lambda found: found.id,
)


@given(nodes, st.data())
def test_every_outdated_node_is_restarted_once_and_no_other(found: list[Node], data: st.DataObject) -> None:
    """A whole roll, in which the active controller and what is ready change before every restart, and which is killed anywhere."""
    outdated = {item.id for item in found if causes(item)}
    journal: list[Entry] = []
    restarted: list[int] = []
    now = {item.id: item for item in found}
    for _turn in range(3 * len(found) + 1):
        active = data.draw(st.sampled_from([*now, None])) if now else None
        step = next_restart(now.values(), journal, active)
        if step is None:
            break
        old = now[step.node]
        journal.append(Entry(old.id, old.pod_uid, old.wanted, step.causes, old.manual))
        if data.draw(st.sampled_from((True, True, False))):  # or killed before the pod is deleted
            restarted.append(old.id)
            now[old.id] = dataclasses.replace(old, pod_uid="new", running=old.wanted, stuck=False, ready=data.draw(st.booleans()), drain=False)
    else:
        # Killed that often, it may not be through; but nothing was done twice.
        assert len(set(restarted)) == len(restarted)
        return
    assert sorted(restarted) == sorted(outdated)


@given(nodes, st.data())
def test_the_active_controller_is_the_last_of_the_controllers_and_brokers_that_are_ready_come_after(found: list[Node], data: st.DataObject) -> None:
    controllers = [item.id for item in found if item.controller]
    active = data.draw(st.sampled_from(controllers)) if controllers else None
    by_id = {item.id: item for item in found}
    places = ids(order(found, (), active))
    assert sorted(places) == sorted(item.id for item in found if causes(item))
    at = [by_id[place] for place in places]
    led = [item.id for item in at if item.controller]
    assert active not in led or led[-1] == active
    well = [item for item in at if item.ready and not item.stuck and item.id != active]
    ill = [item for item in at if (not item.ready or item.stuck) and item.id != active]
    assert all(places.index(sick.id) < places.index(fine.id) for sick in ill for fine in well)
    brokers = [item for item in well if not item.controller]
    assert all(places.index(number) < places.index(fine.id) for number in led for fine in brokers)
