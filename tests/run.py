# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tests step by step and closes with one line, ``N passed, N failed``.

Usage: ``python tests/run.py [all | STEP ...]``; without a step those that ``make test`` is, with ``all`` every one. Those that run a
cluster wait for it most of their time, so those that do not run beside them, each in the order in which they stand here.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time
import typing as t
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.executable).parent
REPORTS = ROOT / ".cache" / "reports"
BESIDE = ("lint", "unit", "oracle")  # steps that run no cluster
SAID = 3000  # characters of what a failed test said that the closing lines repeat

TOPOLOGIES = (
    "cert_manager",  # tls_scram with certificates of cert-manager's own controllers
    "external_load_balancer",
    "external_node_port",
    "kraft_combined",
    "kraft_production",
    "mtls",
    "tls_scram",
    "zookeeper",
)


class Step(t.NamedTuple):
    """What runs together under one name; pytest's reports are counted case by case."""

    name: str
    about: str  # what it is, and how long it usually takes on two cores
    commands: list[list[str]]
    always: bool = True  # whether ``make test`` has it, or only ``make test-all``


STEPS = [
    Step("lint", "ruff, mypy, ansible-lint (2 minutes)", [["ruff", "check", "."], ["mypy"], ["ansible-lint", "--offline"]]),
    Step("unit", "unit tests (3 minutes)", [["pytest", "tests/unit"]]),
    Step(
        "oracle",
        "the validator against the real KafkaConfig and ZooKeeper (half a minute; first time 2 minutes)",
        [["python", "-m", "ansible_collections.kafkaops.kubernetes.tests.oracle"]],
    ),
    Step(
        "cluster",
        "a real cluster on a local Kubernetes (first time 12 minutes, then 8)",
        [["molecule", "test", "--scenario-name", "default"]],
    ),
    Step(
        "kafka",
        "topics, users, access rules and configuration on real brokers (12 minutes)",
        [["molecule", "test", "--scenario-name", "modules"]],
        always=False,
    ),
    Step(
        "day2",
        "upgrade, roll, scale, disks, volumes, a drain and a wrong definition while a client sends (10 minutes)",
        [["molecule", "test", "--scenario-name", "day2"]],
        always=False,
    ),
    Step(
        "topologies",
        "every inventory to copy on the local Kubernetes (50 minutes)",
        [["molecule", "test", "--scenario-name", name] for name in TOPOLOGIES],
        always=False,
    ),
    Step(
        "image",
        "the image role against a real registry (2 minutes)",
        [["ansible-playbook", "playbooks/local_kubernetes.yml"], ["pytest", "tests/integration/image"]],
    ),
    Step(
        "local_kubernetes",
        "the local Kubernetes itself, up to its removal (3 minutes)",
        [["pytest", "tests/integration/local_kubernetes"]],
    ),
]


class Result(t.NamedTuple):
    """What one command came to: tests passed, and the names of those that failed."""

    passed: int
    failed: list[str]


def run(name: str, command: list[str], number: int) -> Result:
    """Run one command; what it says is shown at once, or at its end where another one runs beside it. A command without a
    report counts as one test, named as it was typed."""
    report = REPORTS / f"{name}-{number}.xml"
    report.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "collections"),
        "PYTEST_ADDOPTS": f"--junitxml={report} -o junit_family=xunit2",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    typed = " ".join(command)
    output = subprocess.PIPE if name in BESIDE else None
    if output is None:
        print(f"$ {typed}", flush=True)
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=environment, check=False, text=True, stdout=output, stderr=subprocess.STDOUT)
    code = done.returncode
    if output is not None:
        print(f"$ {typed}\n{done.stdout}", flush=True)
    if not report.exists():
        return Result(int(code == 0), [typed] if code else [])
    passed, failed = read(report)
    return Result(passed, failed or ([typed] if code else []))


def read(report: pathlib.Path) -> Result:
    """A report of pytest; a skipped test has neither passed nor failed."""
    passed, failed = 0, []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        bad = [*case.iter("failure"), *case.iter("error")]
        if bad:
            # A playbook's output begins with what went well and ends with what did not.
            said = (bad[0].get("message") or "").strip()
            failed.append(f"{case.get('classname')}::{case.get('name')}: {said if len(said) <= SAID else '... ' + said[-SAID:]}")
        elif case.find("skipped") is None:
            passed += 1
    return Result(passed, failed)


def steps(lane: list[Step]) -> dict[str, tuple[Result, float]]:
    """Run steps one after the other; what each came to, and its seconds."""
    ended = {}
    for step in lane:
        print(f"\n== {step.name}: {step.about}", flush=True)
        begun = time.monotonic()
        results = [run(step.name, command, number) for number, command in enumerate(step.commands)]
        whole = Result(sum(each.passed for each in results), [case for each in results for case in each.failed])
        ended[step.name] = whole, time.monotonic() - begun
    return ended


def main(wanted: list[str]) -> int:
    """Run the steps asked for; all of them even where one fails."""
    unknown = set(wanted) - {step.name for step in STEPS} - {"all"}
    if unknown:
        print(f"no such step: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    chosen = [step for step in STEPS if (step.name in wanted or "all" in wanted if wanted else step.always)]
    lanes = [[step for step in chosen if (step.name in BESIDE) is beside] for beside in (True, False)]
    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        ended = {name: result for lane in pool.map(steps, lanes) for name, result in lane.items()}
    results = [ended[step.name] for step in chosen]
    passed, failed = sum(result.passed for result, _seconds in results), [case for result, _seconds in results for case in result.failed]
    print()
    for step, (result, seconds) in zip(chosen, results):
        print(f"== {step.name}: {result.passed} passed, {len(result.failed)} failed, {seconds:.0f} s")
    print("".join(f"failed: {case}\n" for case in failed) + f"{passed} passed, {len(failed)} failed", flush=True)
    return int(bool(failed) or passed == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
