# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which controller is made a voter of a dynamic quorum next, or is none any more (KIP-853). Pure; private to the collection.

A voter is an id and a directory: Kafka counts the votes of a disk, not of a node. A controller whose disk was lost comes
back with another directory, follows as an observer, and the directory that is gone goes on being counted.

One step at a time: each needs a majority of the voters that there are after it, and all of that majority have to follow
the leader now. What was changed before shows in the next look.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal

FETCH_TIMEOUT_MS = 2000
"""``controller.quorum.fetch.timeout.ms`` unless somebody set it: a follower that is well fetches four times in it."""


@dataclasses.dataclass(frozen=True)
class Replica:
    """A voter or an observer. ``directory``: the id of its metadata directory as Kafka writes it, empty in a static quorum.
    ``caught_up_ms``: when it had last caught up with the leader, by the leader's clock; -1: never. ``end``: of its log."""

    id: int
    directory: str
    caught_up_ms: int = -1
    end: int = -1


@dataclasses.dataclass(frozen=True)
class State:
    """The quorum at one moment. ``leader``: -1 where there is none. ``since_ms``: of the leader's clock; what has not caught
    up later than this does not follow: one that was killed a moment ago still seems to, and must not be counted on."""

    leader: int
    voters: tuple[Replica, ...]
    observers: tuple[Replica, ...] = ()
    since_ms: int = -1

    @property
    def now_ms(self) -> int:
        """The leader's clock; -1 where there is no leader."""
        return max((voter.caught_up_ms for voter in self.voters if voter.id == self.leader), default=-1)

    @property
    def dynamic(self) -> bool:
        """Whether voters can be changed: those of a static quorum have no directories."""
        return bool(self.voters) and all(voter.directory for voter in self.voters)

    def follows(self, replica: Replica) -> bool:
        """Whether it follows the leader within the fetch timeout, or is the leader."""
        return self._seems_to(replica) and replica.caught_up_ms > self.since_ms

    def _seems_to(self, replica: Replica) -> bool:
        return self.now_ms >= 0 and replica.caught_up_ms >= max(0, self.now_ms - FETCH_TIMEOUT_MS)

    def following(self) -> frozenset[int]:
        """Voters that follow, without those whose directory is gone."""
        return frozenset(voter.id for voter in self.voters if self.follows(voter) and not self.successor(voter))

    def observer(self, node: int) -> Replica | None:
        """The observer of this id that was the last to catch up: one that is gone is still listed for minutes."""
        return max((each for each in self.observers if each.id == node), key=lambda each: each.caught_up_ms, default=None)

    def successor(self, voter: Replica) -> Replica | None:
        """What came in the place of a voter whose directory is gone: an observer of its id with another directory."""
        found = self.observer(voter.id)
        if found is None or not voter.directory or found.directory in ("", voter.directory):
            return None
        return found if self._seems_to(found) and found.caught_up_ms > voter.caught_up_ms else None


class Step(t.NamedTuple):
    """One change, and why, for a person."""

    action: t.Literal["add", "remove"]
    id: int
    directory: str
    why: str


class Wait(t.NamedTuple):
    """Nothing can be done now, and why."""

    why: str


def read(quorum: t.Mapping[str, t.Any], before: State | None = None) -> State:
    """The part ``quorum`` of ``kafka_info``. ``before``: an earlier look, since when all that counts must have caught up."""

    def replicas(name: str) -> tuple[Replica, ...]:
        return tuple(Replica(each["id"], each.get("directory") or "", each["last_caught_up_ms"], each["log_end_offset"]) for each in quorum[name])

    found = State(quorum["leader"], replicas("voters"), replicas("observers"))
    # Another leader has another clock.
    return dataclasses.replace(found, since_ms=before.now_ms if before.leader == found.leader else found.now_ms) if before else found


def endpoints(plan: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The controllers of a plan as ``kafka_quorum`` takes them: where they tell each other to be found."""
    found = []
    for node in plan["nodes"]:
        if "controller" in node["roles"]:
            listener = node["properties"]["controller.listener.names"].split(",")[0]
            ports = [port["port"] for port in node["ports"] if port["name"] == listener.lower()]
            found += [{"id": node["id"], "host": node["host"], "port": port, "listener": listener} for port in ports]
    return found


def perhaps_without_vote(plan: t.Mapping[str, t.Any], claims: t.Iterable[t.Mapping[str, t.Any]], formed_at: str) -> list[str]:
    """Names of the controllers that may have no vote: one of their claims is younger than the first quorum, or there is none.

    ``formed_at``: when the cluster's Secret was last applied, as Kubernetes writes times; empty where that is not known. A
    disk that was lost is always younger, so that Kafka need not be asked about all the others.
    """
    created: dict[str, str] = {}
    for claim in claims:
        node = (claim["metadata"].get("labels") or {}).get("kafkaops.kubernetes/node", "")
        created[node] = max(created.get(node, ""), claim["metadata"]["creationTimestamp"])
    names = [node["name"] for node in plan["nodes"] if "controller" in node["roles"]]
    return [name for name in names if not formed_at or created.get(name, "~") > formed_at]


def next_step(state: State, controllers: t.Collection[int], leaving: t.Collection[int] = ()) -> Step | Wait | None:
    """The next change, what has to be waited for, or None when all is done.

    ``controllers``: ids that are to be voters. ``leaving``: ids that are not. Voters of any other id stay. Raises
    :class:`Refusal` for what can never be. First those who have no vote get theirs back, last the leader leaves.
    """
    voters = {voter.id: voter for voter in state.voters}
    unwanted = [voter for voter in state.voters if voter.id in leaving]
    replaced = [(voter, found) for voter in state.voters if voter.id in controllers and (found := state.successor(voter))]
    missing = sorted(set(controllers) - set(voters))
    if not (unwanted or replaced or missing):
        return None
    _refuse_never(state, controllers, leaving)
    if state.leader not in voters:
        return Wait("the quorum has no leader")
    waits = []
    for node in missing:
        found = state.observer(node)
        if found is not None and state.follows(found):
            return _allowed(state, Step("add", node, found.directory, f"controller {node} is no voter, and has caught up"))
        waits.append(f"controller {node} is no voter, and {'is not in touch with the quorum' if found is None else 'has not caught up with the leader'}")
    for voter, found in replaced:
        why = f"the disk of controller {voter.id} was replaced: directory {voter.directory} is gone, and it has {found.directory} now"
        if state.follows(found):
            return _allowed(state, Step("remove", voter.id, voter.directory, why))
        waits.append(why)
    if waits:
        return Wait("; ".join(waits))
    voter = min(unwanted, key=lambda each: (each.id == state.leader, each.id))
    return _allowed(state, Step("remove", voter.id, voter.directory, f"controller {voter.id} leaves"))


def _refuse_never(state: State, controllers: t.Collection[int], leaving: t.Collection[int]) -> None:
    both = sorted(set(controllers).intersection(leaving))
    if both:
        raise Refusal(f"{_ids(both)} should both be voters and leave. Nothing was changed. Mend: name them once.")
    if not state.dynamic and state.voters:
        raise Refusal(
            f"the voters are {_ids(voter.id for voter in state.voters)}, of a static quorum (kraft.version 0), where Kafka neither adds nor removes any. "
            "Nothing was changed. Mend: keep the controllers as they are; new brokers go into a pool with roles: [broker]."
        )
    if state.voters and {voter.id for voter in state.voters} <= set(leaving) and not controllers:
        raise Refusal("every voter should leave, and with the last one all metadata would be gone. Nothing was changed. Mend: keep one, or name controllers.")


def _allowed(state: State, step: Step) -> Step | Wait:
    """The step, where a majority of the voters after it follows now."""
    following, count = state.following(), len(state.voters)
    if step.action == "add":
        left, voters = following | {step.id}, count + 1
    else:
        left, voters = following - {step.id}, count - 1
    needed = voters // 2 + 1
    if len(left) < needed:
        who = f" ({_ids(left)})" if left else ""
        return Wait(f"{step.why}, but of the {voters} voters that would be left {len(left)} follow the leader{who}; {needed} are needed")
    return step


def after(state: State, step: Step) -> State:
    """The quorum as it would be after a step, with everything else as it was."""
    if step.action == "add":
        chosen = next(each for each in state.observers if (each.id, each.directory) == (step.id, step.directory))
        return dataclasses.replace(state, voters=(*state.voters, chosen), observers=tuple(each for each in state.observers if each is not chosen))
    chosen = next(each for each in state.voters if (each.id, each.directory) == (step.id, step.directory))
    voters = tuple(each for each in state.voters if each is not chosen)
    leader = state.leader if state.leader != step.id else max(voters, key=lambda each: each.caught_up_ms).id
    return dataclasses.replace(state, leader=leader, voters=voters, observers=(*state.observers, chosen))


def foretell(state: State, controllers: t.Collection[int], leaving: t.Collection[int] = ()) -> tuple[list[Step], str]:
    """All steps from here, and what would have to be waited for after them (empty: nothing)."""
    steps: list[Step] = []
    while True:
        found = next_step(state, controllers, leaving)
        if found is None:
            return steps, ""
        if isinstance(found, Wait):
            return steps, found.why
        steps.append(found)
        state = after(state, found)


def without_vote(state: State, controllers: t.Collection[int]) -> list[str]:
    """What is wrong with the votes, in lines for a person. ``controllers``: ids that should be voters."""
    voters = {voter.id: voter for voter in state.voters}
    lines = []
    for node in sorted(controllers):
        if node not in voters:
            lines.append(f"controller {node} is no voter" + ("" if state.observer(node) else ", and is not in touch with the quorum"))
        elif found := state.successor(voters[node]):
            lines.append(f"controller {node} has no vote: its disk was replaced, directory {voters[node].directory} is gone, and it has {found.directory}")
    return [*lines, *(f"voter {node} is no controller of the definition" for node in sorted(set(voters) - set(controllers)))]


def _ids(ids: t.Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))
