# SPDX-License-Identifier: GPL-3.0-or-later
"""How long playbooks/roll.yml takes for an idle cluster, beside the sum of the times in which its nodes restarted; a table in Markdown.

    python bench/roll_time.py -i inventories/local -e @bench/safety.yml [--rounds 3]

The cluster must run already (``site.yml``); every node is restarted in each round. A node's own time is what the play says of it: from
the deletion of its pod until it is back for good, in every set of replicas that are in sync, with listeners that answer.
"""

from __future__ import annotations

import argparse
import datetime
import pathlib
import re
import subprocess
import sys
import time

from safety_cluster import PROJECT, environment


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-i", "--inventory", default=str(PROJECT / "inventories/local"))
    parser.add_argument("-e", "--extra-vars", action="append", default=[], help="variables for the plays, as ansible-playbook takes them")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "playbooks/roll.yml", "-i", args.inventory]
    command += [argument for each in args.extra_vars for argument in ("-e", each)]
    print("| the play, s | its nodes, s | sum of the nodes, s | ratio |\n| ---: | --- | ---: | ---: |")
    for _round in range(args.rounds):
        before = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        begun = time.monotonic()
        done = subprocess.run(
            [*command, "-e", f"kafka_roll_before={before}"],
            cwd=PROJECT, env=environment(), text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        spent = time.monotonic() - begun
        own = [float(seconds) for seconds in re.findall(r"back for good after ([\d.]+)\s+s", done.stdout)]
        if done.returncode or not own:
            print(f"the roll failed, or restarted nothing:\n{done.stdout[-4000:]}", file=sys.stderr)
            return 2
        print(f"| {spent:.1f} | {', '.join(f'{seconds:.1f}' for seconds in own)} | {sum(own):.1f} | {spent / sum(own):.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
