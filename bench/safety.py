# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients see while a cluster is restarted in several ways, changed, scaled or moved; prints a table in Markdown.

    python bench/safety.py -i inventories/local -e @bench/safety.yml [--rows control,one,naive,ours] [--rounds 2]

The cluster must run already (``site.yml``), have a listener without encryption and login that is reached from here, and three
brokers or more; it is restarted, and a broker's claim is deleted for the rows that start from a catching-up broker. Rows that
begin with ``rollout`` are for the same cluster as one StatefulSet (``bench/rollout.py``), which ``--stateful-set`` names. Rows of
bench/safety_operations.py need the variables of bench/safety.yml, and ``upgrade`` a cluster of 3.9.2 (``-e kafka_version=3.9.2``). Of every
run a JSON file is written to ``--output``. What is measured and what the figures mean stands in docs/safety.md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import typing as t

from kafka.errors import KafkaError
from kubernetes.client.exceptions import ApiException
from load.clients import JudgeError, Load, create_topic, fill
from processes import PROJECT, begun, favoured
from safety_cluster import LIMIT, Cluster, Watcher, arguments, run, until
from safety_operations import OPERATIONS, Operation, operate, run_all

BEFORE = "kafka_roll_before"
"""The roll's variable for pods that are to be restarted though their definition is the same."""
PARTITIONS = 12
STEADY = 5.0
"""For how many seconds the load runs before and after what is measured."""
WAYS = {
    "control": "nothing restarted",
    "one": "one broker restarted, all in sync before and after",
    "rollout": "one StatefulSet, `kubectl rollout restart`, readiness an open port",
    "naive": "pods deleted one by one when Ready",
    "ours": "`playbooks/roll.yml`",
    "killed": "`playbooks/roll.yml`, killed while the second broker restarts, and run again",
    "reconfigure": "a setting changed that takes a restart, `site.yml`",
    "resources": "another heap, `site.yml`",
    "upgrade": "Kafka 3.9.2 to 4.3.1, `site.yml`",
    "scale-out": "a fourth broker, `site.yml` and `playbooks/scale.yml`",
    "scale-in": "the fourth broker leaves, `playbooks/scale.yml`",
    "resize": "claims grow by 1 GiB, `site.yml`",
    "drain": "a Kubernetes node is emptied, `playbooks/drain.yml`",
}
STARTS = {"healthy": "healthy", "behind": "a broker just replaced, catching up"}
ROWS = {way if start == "healthy" else f"{way}-behind": (way, start) for start in STARTS for way in WAYS if (way, start) != ("one", "behind")}


def roll(cluster: Cluster) -> list[str]:
    """The command that restarts every node that runs now."""
    before = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return cluster.playbook("playbooks/roll.yml", "-e", f"{BEFORE}={before}")


def restart(cluster: Cluster, way: str, number: int) -> str:
    """Restart the brokers in this way, or do something else to them; what a play said. ``number``: how often that was done before."""
    if way == "control":
        time.sleep(30)
    elif way == "one":
        # One of them is the active controller, whose end costs more: each run has another.
        cluster.restart(cluster.brokers[number % len(cluster.brokers)])
    elif way == "rollout":
        cluster.roll_out()
    elif way == "naive":
        for broker in cluster.brokers:
            cluster.restart(broker)
    elif way == "ours":
        return run(roll(cluster))
    elif way == "killed":
        return killed(cluster, roll(cluster))
    else:
        return operate(cluster, way)
    return ""


def killed(cluster: Cluster, command: list[str]) -> str:
    """Start a roll, kill it with all that it started while the second broker is down, and run it again."""
    before = {broker.pod: cluster.pod(broker).metadata.uid for broker in cluster.brokers}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        with begun(command, said) as process:

            def second_is_down() -> bool:
                if process.poll() is not None:
                    raise JudgeError(f"the roll ended before it could be killed, with code {process.returncode}")
                pods = [(broker.pod, cluster.pod(broker)) for broker in cluster.brokers]
                return sum(1 for name, pod in pods if pod is None or pod.metadata.deletion_timestamp or pod.metadata.uid != before[name]) >= 2

            until(second_is_down, LIMIT, "the roll did not come to its second node")
        said.seek(0)
        return said.read() + "\n-- killed, and run again --\n" + run(command)


def measure(cluster: Cluster, row: str, number: int, fill_mebibytes: int, rate: int) -> dict[str, t.Any]:
    """One run of a row: its account, and what else there is to say of it."""
    way, start = ROWS[row]
    if (way == "rollout") != bool(cluster.stateful_set) and way not in ("control", "one", "naive"):
        raise JudgeError(f"row {row}: `rollout` is for a cluster that is one StatefulSet (--stateful-set), what playbooks do for one that is not")
    operation = OPERATIONS.get(way, Operation(()))
    run_all(cluster, operation.before)
    cluster.wait_healthy()
    topic = f"judge-{row}-{number}-{int(time.time())}"
    create_topic(cluster.options, topic, PARTITIONS)
    try:
        with contextlib.ExitStack() as undo:
            lacking = 0
            if start == "behind":
                if cluster.quorum == "dynamic" and cluster.combined:
                    raise JudgeError(
                        "a controller on a new disk is no voter of a dynamic quorum until it is added, so that a combined node cannot be replaced by its "
                        "claim alone: make the cluster with -e kafka_quorum=static, or leave out the rows named -behind"
                    )
                victim = cluster.brokers[-1]
                fill(cluster.options, topic, fill_mebibytes)
                cluster.wait_healthy()
                cluster.prefer()
                undo.enter_context(cluster.throttled(topic, victim, rate))
                cluster.replace(victim)
                lacking = cluster.behind(topic)
                if not lacking:
                    raise JudgeError(f"{victim.pod} had caught up before the row could start; --fill more, or a lower --throttle")
                undo.enter_context(cluster.unthrottled_where_in_sync(topic, victim, rate))
            else:
                cluster.prefer()
            with Watcher(cluster) as watcher, Load(cluster.options, topic, seconds=LIMIT + 60) as load:
                until(lambda: load.acknowledged() > 100, 60, "nothing is acknowledged")
                time.sleep(STEADY)
                begun = load.now()
                said = restart(cluster, way, number)
                ended = load.now()
                lacking_after = cluster.behind(topic)
                cluster.wait_healthy(LIMIT)
                healthy = load.now()
                time.sleep(STEADY)
                if not load.sending:
                    raise JudgeError(f"the row took longer than the load lasted ({LIMIT + 60:.0f} s)")
        found = load.account(begun)
        return {
            "row": row,
            "round": number,
            "row_begun": round(begun, 1),
            "row_seconds": round(ended - begun, 1),
            "healthy_after": round(healthy - begun, 1),
            "replicas_behind_at_start": lacking,
            "replicas_behind_at_end": lacking_after,
            "restarts": watcher.restarts,
            "said": said,
            **load.report(found),
        }
    finally:
        with cluster.admin() as admin:
            admin.delete_topics([topic], raise_errors=False)
        run_all(cluster, operation.after)


def table(runs: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """One line for each row; where it was run several times, each run's figure."""
    lines = [
        "| what is done | start | refused, s | longest without an acknowledgement, one partition, s | failed | lost | duplicated | out of order "
        "| restarts | seconds |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row, (way, start) in ROWS.items():
        mine = [each for each in runs if each["row"] == row]
        if not mine:
            continue
        figures: list[list[str]] = [
            [f"{each['refused']:.1f}" for each in mine],
            [f"{each['longest']['seconds']:.1f}" for each in mine],
            [str(each["failed"]) for each in mine],
            [str(len(each["lost"])) for each in mine],
            [str(each["duplicated"]) for each in mine],
            [str(each["out_of_order"]) for each in mine],
            [" ".join(str(count) for count in each["restarts"].values()) for each in mine],
            [f"{each['row_seconds']:.0f}" for each in mine],
        ]
        lines.append(f"| {WAYS[way]} | {STARTS[start]} | " + " | ".join(", ".join(values) for values in figures) + " |")
    return "\n".join(lines)


def beside_one(runs: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, float]:
    """How many times as long the worst run of each row went without an acknowledgement as the worst restart of one broker; none without one."""
    longest: dict[str, float] = {}
    for each in runs:
        longest[each["row"]] = max(longest.get(each["row"], 0.0), each["longest"]["seconds"])
    one = longest.get("one", 0.0)
    return {row: seconds / one for row, seconds in longest.items() if row != "one"} if one else {}


def rows(text: str) -> list[str]:
    """The rows that were asked for."""
    wanted = list(ROWS) if text == "all" else text.split(",")
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return wanted


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--stateful-set", default="", metavar="NAME", help="the cluster runs as this one StatefulSet, as bench/rollout.py makes it")
    usual = "control,one,naive,ours,killed"
    parser.add_argument("--rows", type=rows, default=rows(usual), help=f"which rows, by comma: {', '.join(ROWS)}; or all (default: {usual})")
    parser.add_argument("--rounds", type=int, default=2, help="how often each row is run; rows take turns (default 2)")
    parser.add_argument("--fill", type=int, default=240, metavar="MIB", help="how much a replaced broker has to fetch (default 240)")
    parser.add_argument("--throttle", type=int, default=4, metavar="MIB", help="how much of it in a second (default 4)")
    parser.add_argument("--output", type=pathlib.Path, default=PROJECT / ".cache/safety", help="where a JSON file of every run is written")
    args = parser.parse_args()
    # What was changed for a row is undone when the measurement is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args.output.mkdir(parents=True, exist_ok=True)
    runs: list[dict[str, t.Any]] = []
    code = 0
    try:
        cluster = Cluster(args.inventory, args.extra_vars, args.stateful_set)
        with favoured() as alone:
            if not alone:
                print("no rights to make control groups: clients and plays compete with the brokers, and partitions wait for them, too", file=sys.stderr)
            for row in args.rows * args.rounds:
                found = measure(cluster, row, [each["row"] for each in runs].count(row), args.fill, args.throttle * 2**20)
                runs.append(found)
                (args.output / f"{row}-{found['started']}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
                print(f"{row}: {found['text']}; {found['row_seconds']:.0f} s", file=sys.stderr, flush=True)
    except (JudgeError, KafkaError, OSError, subprocess.TimeoutExpired, ApiException) as error:
        print(f"could not measure: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("stopped before all was measured", file=sys.stderr)
        code = 2
    print(table(runs))
    for row, times in beside_one(runs).items():
        print(f"{row}: {times:.1f} times the longest time of a single restart", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
