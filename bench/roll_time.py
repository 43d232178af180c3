# SPDX-License-Identifier: GPL-3.0-or-later
"""How long playbooks/roll.yml takes for an idle cluster, beside the sum of the times in which its nodes restarted; a table in Markdown.

    python bench/roll_time.py -i inventories/local -e @bench/safety.yml [--rounds 3]

The cluster must run already (``site.yml``), as bench/safety.py needs it; every node is restarted in each round. A node's own time is
what the play says of it: from the deletion of its pod until it is back for good, in every set of replicas that are in sync, with
listeners that answer.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time

from load.clients import JudgeError
from safety import roll
from safety_cluster import Cluster, arguments, run


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    try:
        cluster = Cluster(args.inventory, args.extra_vars)
        print("| the play, s | its nodes, s | sum of the nodes, s | ratio |\n| ---: | --- | ---: | ---: |")
        for _round in range(args.rounds):
            begun = time.monotonic()
            said = run(roll(cluster))
            spent = time.monotonic() - begun
            own = [float(seconds) for seconds in re.findall(r"back for good after ([\d.]+)\s+s", said)]
            if not own:
                raise JudgeError(f"the roll restarted nothing:\n{said[-4000:]}")
            print(f"| {spent:.1f} | {', '.join(f'{seconds:.1f}' for seconds in own)} | {sum(own):.1f} | {spent / sum(own):.2f} |", flush=True)
    except (JudgeError, subprocess.TimeoutExpired) as error:
        print(f"could not measure: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
