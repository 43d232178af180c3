# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tests step by step and closes with one line, ``N passed, N failed``.

Usage: ``python tests/run.py [STEP ...]``; without a step all of them, in this order.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.executable).parent
REPORTS = ROOT / ".cache" / "reports"

# name, what it is and how long it usually takes on two cores, commands; pytest's reports are counted case by case.
STEPS: list[tuple[str, str, list[list[str]]]] = [
    (
        "lint",
        "ruff, mypy, ansible-lint (1 minute)",
        [
            ["ruff", "check", "."],
            ["mypy"],
            ["ansible-lint", "--offline"],
        ],
    ),
    ("unit", "unit tests (1 minute)", [["pytest", "tests/unit"]]),
    (
        "oracle",
        "the validator against the real KafkaConfig and ZooKeeper (half a minute; first time 2 minutes)",
        [["python", "-m", "ansible_collections.kafkaops.kubernetes.tests.oracle"]],
    ),
    (
        "cluster",
        "a real cluster on a local Kubernetes (first time 20 minutes, then 6)",
        [["molecule", "test", "--scenario-name", "default"]],
    ),
    (
        "image",
        "the image role against a real registry (2 minutes)",
        [["ansible-playbook", "playbooks/local_kubernetes.yml"], ["pytest", "tests/integration/image"]],
    ),
    (
        "local_kubernetes",
        "the local Kubernetes itself, up to its removal (3 minutes)",
        [["pytest", "tests/integration/local_kubernetes"]],
    ),
]


def run(name: str, command: list[str], number: int) -> tuple[int, int]:
    """Run one command; how many tests passed and failed. A command without a report counts as one test."""
    report = REPORTS / f"{name}-{number}.xml"
    report.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "collections"),
        "PYTEST_ADDOPTS": f"--junitxml={report} -o junit_family=xunit2",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    print(f"$ {' '.join(command)}", flush=True)
    code = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=environment, check=False).returncode
    if not report.exists():
        return (1, 0) if code == 0 else (0, 1)
    passed, failed = counts(report)
    return passed, failed or int(code != 0)


def counts(report: pathlib.Path) -> tuple[int, int]:
    """Tests passed and failed in a report of pytest; a skipped test has not passed."""
    passed = failed = 0
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        passed, failed = passed + total - skipped - bad, failed + bad
    return passed, failed


def main(wanted: list[str]) -> int:
    """Run the steps asked for; all of them even where one fails."""
    unknown = set(wanted) - {name for name, _about, _commands in STEPS}
    if unknown:
        print(f"no such step: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    summary = []
    for name, about, commands in STEPS:
        if wanted and name not in wanted:
            continue
        print(f"\n== {name}: {about}", flush=True)
        begun = time.monotonic()
        results = [run(name, command, number) for number, command in enumerate(commands)]
        good, bad = sum(each[0] for each in results), sum(each[1] for each in results)
        passed, failed = passed + good, failed + bad
        summary.append(f"{name}: {good} passed, {bad} failed, {time.monotonic() - begun:.0f} s")
    print("\n" + "\n".join(f"== {line}" for line in summary))
    print(f"{passed} passed, {failed} failed", flush=True)
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
