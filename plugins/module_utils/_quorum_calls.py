# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Adds and removes voters, one after the other. Nothing is remembered between runs: all state is Kafka's own. Private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_client, _kafka_info, _kafka_info_calls, _kafka_message, _quorum
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Interrupted, Road, RoadError, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._quorum import State, Step

PAUSE = 0.5
"""Seconds between two looks."""

LATER = frozenset(("NotControllerError", "NotLeaderOrFollowerError", "NotLeaderForPartitionError", "RequestTimedOutError", "BrokerNotAvailableError"))
"""What Kafka says while it elects a leader, another change is not committed yet, or the new voter has not caught up."""

SEEN = frozenset((126, 127))
"""``DUPLICATE_VOTER``, ``VOTER_NOT_FOUND``: somebody else was faster, or this was sent twice. The next look tells."""


class Stopped(RoadError):
    """It does not go on; the message says why, and what would mend it."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where other controllers reach one: the name of the listener, host and port."""

    listener: str
    host: str
    port: int


def endpoints(controllers: t.Iterable[t.Mapping[str, t.Any]]) -> dict[int, Endpoint]:
    """Of the module's option, by id."""
    return {each["id"]: Endpoint(each["listener"], each["host"], each["port"]) for each in controllers}


@functools.cache
def _add_message() -> _kafka_message.Message:
    listener = [
        {"name": "Name", "type": "string", "versions": "0+"},
        {"name": "Host", "type": "string", "versions": "0+"},
        {"name": "Port", "type": "uint16", "versions": "0+"},
    ]
    return _kafka_message.make(
        80,
        "AddRaftVoter",
        [
            {"name": "ClusterId", "type": "string", "versions": "0+", "nullableVersions": "0+"},
            {"name": "TimeoutMs", "type": "int32", "versions": "0+"},
            {"name": "VoterId", "type": "int32", "versions": "0+"},
            {"name": "VoterDirectoryId", "type": "uuid", "versions": "0+"},
            {"name": "Listeners", "type": "[]Listener", "versions": "0+", "fields": listener},
        ],
    )


@functools.cache
def _remove_message() -> _kafka_message.Message:
    return _kafka_message.make(
        81,
        "RemoveRaftVoter",
        [
            {"name": "ClusterId", "type": "string", "versions": "0+", "nullableVersions": "0+"},
            {"name": "VoterId", "type": "int32", "versions": "0+"},
            {"name": "VoterDirectoryId", "type": "uuid", "versions": "0+"},
        ],
    )


def add(road: Road, voter: int, directory: str, endpoint: Endpoint) -> tuple[int, str]:
    """``AddRaftVoter``, through any broker, which hands it on: the error's code, and what Kafka said."""
    message = _add_message()

    def request() -> t.Any:
        return message.request(
            cluster_id=road.cluster_id,
            timeout_ms=max(1000, int(road.time_left() * 900)),
            voter_id=voter,
            voter_directory_id=_kafka_info.directory_number(directory),
            listeners=[message.request.Listener(name=endpoint.listener, host=endpoint.host, port=endpoint.port)],
        )

    return _answer(road.send(f"make controller {voter} a voter", request, writes=True))


def remove(road: Road, voter: int, directory: str) -> tuple[int, str]:
    """``RemoveRaftVoter``, the same way."""
    number = _kafka_info.directory_number(directory)
    request = functools.partial(_remove_message().request, cluster_id=road.cluster_id, voter_id=voter, voter_directory_id=number)
    return _answer(road.send(f"take the vote of controller {voter}", request, writes=True))


def _answer(answer: t.Any) -> tuple[int, str]:
    return answer.error_code, refusal(answer.error_code, answer.error_message)


class Voters:
    """``road``: a new way to the cluster; each look takes one of its own while something changes, since brokers come and go.
    ``patience``: seconds without any progress until it gives up."""

    def __init__(self, road: t.Callable[[], Road], patience: float) -> None:
        self._road = road
        self._patience = patience

    def observe(self) -> State:
        """The quorum now."""
        with self._road() as road:
            road.require_cluster()
            return _quorum.read(_kafka_info_calls.quorum(road))

    def foretell(self, controllers: t.Mapping[int, Endpoint], leaving: t.Collection[int]) -> dict[str, t.Any]:
        """What :meth:`lead` would do; nothing is changed."""
        state = self.observe()
        steps, waiting = _quorum.foretell(state, controllers, leaving)
        after = functools.reduce(_quorum.after, steps, state)
        return _result(state, after, steps, waiting)

    def lead(self, controllers: t.Mapping[int, Endpoint], leaving: t.Collection[int] = (), alive: t.Callable[[], None] = lambda: None) -> dict[str, t.Any]:
        """Step by step, until the voters are as they should be; what the module returns. ``alive``: called at each look."""
        first: State | None = None
        since: State | None = None
        steps: list[Step] = []
        best, progress, why = (-1, -1), time.monotonic(), ""
        while True:
            alive()
            try:
                with self._road() as road:
                    road.require_cluster()
                    quorum = _kafka_info_calls.quorum(road)
                    state = _quorum.read(quorum, since or _quorum.read(quorum))
                    first = first or state
                    if since is None or since.leader != state.leader:
                        since = state
                    found = _quorum.next_step(state, controllers, leaving)
                    if found is None:
                        return _result(first, state, steps, "")
                    why = found.why
                    if isinstance(found, Step):
                        said = self._carry_out(road, found, controllers)
                        if said:
                            why = f"{why}; Kafka said {said}"
                        else:
                            steps.append(found)
                            since = state
            except Interrupted as error:
                why = str(error)  # whether it was done shows in the next look
            now = (len(steps), max((each.end for each in state.observers if each.id in controllers), default=-1))
            if now > best:
                best, progress = now, time.monotonic()
            if time.monotonic() - progress > self._patience:
                raise Stopped(
                    f"{why}; nothing has got better for {self._patience:g} s. {len(steps)} changes were made, and all nodes go on as they are. "
                    "Mend: see that the controllers run and reach each other, and run again, which goes on here."
                )
            time.sleep(PAUSE)

    def _carry_out(self, road: Road, step: Step, controllers: t.Mapping[int, Endpoint]) -> str:
        """Why it is to be tried again later; empty where it was done."""
        adds = step.action == "add"
        code, said = add(road, step.id, step.directory, controllers[step.id]) if adds else remove(road, step.id, step.directory)
        if code and code not in SEEN and _kafka_client.errors.for_code(code).__name__ not in LATER:
            raise Stopped(f"{step.why}; Kafka refused to {'make it a voter' if adds else 'take its vote'}: {said}")
        return said


def _result(before: State, after: State, steps: t.Sequence[Step], waiting: str) -> dict[str, t.Any]:
    return {
        "changed": bool(steps),
        "steps": [step._asdict() for step in steps],
        "waiting": waiting,
        "leader": after.leader,
        "voters": [{"id": voter.id, "directory": voter.directory} for voter in after.voters],
        "diff": {side: {str(voter.id): voter.directory for voter in state.voters} for side, state in (("before", before), ("after", after))},
    }
