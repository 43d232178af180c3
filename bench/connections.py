# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of new connections to a broker that is restarted; prints a table in Markdown.

    python bench/connections.py -i inventories/local -e @bench/safety.yml [--broker 0] [--roll] [--every 0.02]

The cluster of bench/safety.py, which must run. The broker's pod is deleted, or all are restarted by ``playbooks/roll.yml``, and 50 times a
second a connection to the broker's listener outside is begun, until three seconds after it is Ready again.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import selectors
import socket
import sys
import threading
import time
import typing as t

from safety import roll
from safety_cluster import LIMIT, Broker, Cluster, arguments, run, until

GIVE_UP = 12.0
"""Seconds until an attempt counts as never answered; Kafka's clients give up after ten."""
LATE = 0.3
"""An answer that took longer came to a packet that was sent again."""
AFTERWARDS = 3.0


class Attempt(t.NamedTuple):
    """Begun at, answered at, and the error (0: connected, -1: no answer)."""

    begun: float
    answered: float
    error: int

    @property
    def outcome(self) -> str:
        if self.error < 0:
            return "never answered"
        said = os.strerror(self.error) if self.error else "connected"
        return f"{said}, late" if self.answered - self.begun > LATE else said


def attempts(address: tuple[str, int], every: float, stop: threading.Event, found: list[Attempt]) -> None:
    """Begin a connection whenever so many seconds have passed; note what becomes of each."""
    with selectors.DefaultSelector() as selector:
        begun: dict[socket.socket, float] = {}

        def end(each: socket.socket, error: int) -> None:
            selector.unregister(each)
            each.close()
            found.append(Attempt(begun.pop(each), time.monotonic(), error))

        due = time.monotonic()
        while begun or not stop.is_set():
            if not stop.is_set() and time.monotonic() >= due:
                due = time.monotonic() + every
                new = socket.socket()
                new.setblocking(False)
                new.connect_ex(address)
                selector.register(new, selectors.EVENT_WRITE)
                begun[new] = time.monotonic()
            for key, _events in selector.select(every / 2):
                ready = t.cast(socket.socket, key.fileobj)
                end(ready, ready.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            for each in [each for each, at in begun.items() if time.monotonic() - at > GIVE_UP]:
                end(each, -1)


def table(found: t.Iterable[Attempt], since: float, ready: float) -> str:
    lines = ["| begun, s after the pod was deleted | what came of it | connections | longest, s |", "| ---: | --- | ---: | ---: |"]
    for outcome, group in itertools.groupby(sorted(found), key=lambda each: each.outcome):
        these = list(group)
        longest = max(each.answered - each.begun for each in these)
        lines.append(f"| {these[0].begun - since:.1f} to {these[-1].begun - since:.1f} | {outcome} | {len(these)} | {longest:.1f} |")
    return "\n".join([*lines, "", f"Ready again after {ready - since:.1f} s."])


def restart(cluster: Cluster, broker: Broker, by_roll: bool) -> tuple[float, float]:
    """Restart it; when its pod was deleted, and when it was Ready again."""
    if not by_roll:
        since = time.monotonic()
        cluster.restart(broker)
        return since, time.monotonic()
    old = cluster.pod(broker).metadata.uid
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        said = executor.submit(run, roll(cluster))

        def is_deleted() -> bool:
            if said.done():
                said.result()  # raises where the play has failed, after which nothing more is to be waited for
            pod = cluster.pod(broker)
            return pod is None or pod.metadata.deletion_timestamp is not None or pod.metadata.uid != old

        until(is_deleted, LIMIT, f"{broker.pod} is not restarted", 0.1)
        since = time.monotonic()
        until(lambda: cluster.ready(broker, old), LIMIT, f"{broker.pod} is not ready again", 0.1)
        ready = time.monotonic()
        said.result()
    return since, ready


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--broker", type=int, default=0, help="which of the brokers, from 0 on (default 0)")
    parser.add_argument("--roll", action="store_true", help="restart all by playbooks/roll.yml, instead of this one by deleting its pod")
    parser.add_argument("--every", type=float, default=0.02, metavar="SECONDS", help="how often a connection is begun (default 0.02)")
    args = parser.parse_args()
    cluster = Cluster(args.inventory, args.extra_vars)
    cluster.wait_healthy()
    host, _colon, port = cluster.options["bootstrap_servers"][args.broker].rpartition(":")
    found: list[Attempt] = []
    stop = threading.Event()
    thread = threading.Thread(target=attempts, args=((host, int(port)), args.every, stop, found))
    thread.start()
    try:
        since, ready = restart(cluster, cluster.brokers[args.broker], args.roll)
        time.sleep(AFTERWARDS)
    finally:
        stop.set()
        thread.join()
    # While others are restarted, this one's connections say nothing.
    print(table([each for each in found if since - 1 < each.begun < ready + AFTERWARDS], since, ready))
    return 0


if __name__ == "__main__":
    sys.exit(main())
