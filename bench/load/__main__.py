# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends numbered messages to a topic for a while, then reads all of them and says what became of each.

    PYTHONPATH=bench python -m load --bootstrap-servers HOST:PORT[,HOST:PORT] --topic TOPIC [--create 12] [--seconds 60]

It prints one line, and writes all of it as JSON with ``--report``. It stops by itself, or earlier when interrupted or
terminated, and accounts in any case. Code 0: nothing to complain about; 1: something; 2: it could not measure.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import signal
import sys

from kafka.errors import KafkaError

from load.clients import JudgeError, Load, create_topic


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--create", type=int, metavar="PARTITIONS", help="create the topic first, with three replicas and min.insync.replicas 2")
    parser.add_argument("--rate", type=float, default=300, help="messages a second over all partitions (default 300)")
    parser.add_argument("--seconds", type=float, default=60, help="for how long to send (default 60)")
    parser.add_argument("--messages", type=int, default=300_000, help="how many to send at most (default 300000)")
    parser.add_argument("--client-config", type=pathlib.Path, metavar="FILE", help="JSON with further options of kafka-python, such as security_protocol")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE", help="where to write the account as JSON")
    args = parser.parse_args()
    options = {"bootstrap_servers": args.bootstrap_servers.split(",")}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if args.client_config:
            options.update(json.loads(args.client_config.read_text(encoding="utf-8")))
        if args.create:
            create_topic(options, args.topic, args.create)
        with Load(options, args.topic, rate=args.rate, seconds=args.seconds, messages=args.messages) as load:
            try:
                load.wait()
            except KeyboardInterrupt:
                print("stopped early; accounting", file=sys.stderr)
        found = load.account()
    except (JudgeError, KafkaError, OSError, ValueError) as error:
        print(f"could not measure: {error}", file=sys.stderr)
        return 2
    if args.report:
        args.report.write_text(json.dumps(load.report(found), indent=1) + "\n", encoding="utf-8")
    print(found.text)
    return int(not found.whole)


if __name__ == "__main__":
    sys.exit(main())
