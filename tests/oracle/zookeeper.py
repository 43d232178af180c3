# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Compares the ZooKeeper half of the validator with ``QuorumPeerConfig`` and ``ConnectStringParser``."""

from __future__ import annotations

import random
import time
import typing as t
import urllib.parse

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _zookeeper_config as zookeeper_config
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.tests.oracle import jars, judge, stored
from ansible_collections.kafkaops.kubernetes.tests.oracle.shrink import smallest

_REFUSED_BY_CLIENT = ("ZK-CONNECT-EMPTY", "ZK-CONNECT-SYNTAX", "ZK-CHROOT-SYNTAX")
_SHOWN = 5

NUMBERS = ("0", "1", "-1", "2", "3", "2000", "3000", "70000", "2147483648", "x", "", " 5 ", "+5")
MEMBERS = (
    "127.0.0.1:2888:3888", "127.0.0.2:2888:3888", "127.0.0.3:2888:3888:participant", "127.0.0.4:2888:3888:observer", "127.0.0.1:2888:3888;2181",
    "127.0.0.1:2888:3888;127.0.0.1:2181", "127.0.0.1:2888:3888;2182", "[::1]:2888:3888", "[::1:2888:3888", "[::1]2888:3888", "[::1]", "[::1]:",
    "127.0.0.1:2888", "127.0.0.1", "", "127.0.0.1:x:3888", "127.0.0.1:2888:2888", "127.0.0.1:2888:3888:foo", "127.0.0.1:70000:3888",
    "h:2888:3888:Observer ", "127.0.0.1:2888:3888|127.0.0.2:2888:3888", "127.0.0.1:2888:3888;a:b:2181", "127.0.0.1:2888:3888;x",
    "127.0.0.1:2888:3888;1;2", ":2888:3888", "127.0.0.1:2888:3888 ", "127.0.0.1:2888:3888;", ";2181", "127.0.0.1:2888:3888|",
    "127.0.0.1:2888:3888:participant:x", "127.0.0.1:-1:3888",
)  # fmt: skip
IDS = ("1", "2", "3", "4", "0", "255", "256", "-1", "x", "", "01", "9223372036854775808")
MYIDS = ("1", "1\n", "2", "9", "x", "", "1 ", " 1", "1\nx", "+1", None)
CONNECT = (
    "zk-0:2181", "zk-1:2181", "zk-2", "zk-0:", ":2181", "zk:port", "zk:70000", "zk:-1", "[::1]:2181", "[::1]", "[::1", "[]:1", "[::1]x", "[::1]:",
    "::1", " zk ", "", "zk-0;zk-1", "a b:1", "${ZK}:1", "ü:1",
)  # fmt: skip
CHROOTS = (
    "",
    "",
    "",
    "/",
    "/kafka",
    "/kafka/",
    "//kafka",
    "/a/b",
    "/a//b",
    "/./b",
    "/..",
    "/a/..b",
    "/a.",
    "/ka,fka",
    "/my kafka",
    "/\x01",
    "/ü",
    "/\ufff0",
    "/a/.",
    "/a,b:1/a",
)

LETTERS = ("", "", " ", "\t", "\f", "\x00", "\x0b", "\r", "\\", "\\\\", "\\u0041", "\\u0020", "\\u00", "\\n", "\\:", *"=:;|[]-+.,#!/019aAx")
OTHER_KEYS = ("peerType", "version", "secureClientPortAddress", "clientPortAddress")
OTHER_VALUES = ("observer", "participant", "x", "127.0.0.1", "1f")


def compare(seed: int, fresh: int) -> int:
    """All releases; how many disagreements."""
    return sum(_compare(release, random.Random(f"{seed} zookeeper {release}"), fresh) for release in jars.ZOOKEEPER_RELEASES)


def _compare(release: str, source: random.Random, fresh: int) -> int:
    started = time.monotonic()
    servers = [(case["zoo_cfg"], case["myid"]) for case in stored.zookeeper_cfg_cases()]
    for rule in zookeeper_config.ZOO_RULES:
        sides = ((rule.example.wrong, rule.example.wrong_myid), (rule.example.right, rule.example.myid))
        servers += [(rule.example.lines(side), myid) for side, myid in sides]
    # What stands in a dynamic file is not known here, and the judge does not have it.
    servers = [server for server in servers if "dynamicConfigFile" not in "".join(server[0])]
    servers += [_server(source) for _index in range(fresh)]
    connects = [case["properties"]["zookeeper.connect"] for case in stored.zookeeper_connect_cases()]
    connects += [",".join(source.choices(CONNECT, k=source.randint(1, 3))) + source.choice(CHROOTS) for _index in range(fresh)]
    differing = 0
    with judge.Judge("ZooKeeperJudge", jars.zookeeper_classpath(release)) as real:

        def ask_server(lines: t.Sequence[str], myid: str | None) -> judge.Verdict:
            (answer,) = real.ask_lines([_question(lines, myid)])
            return _verdict(answer)

        def differs(lines: t.Sequence[str], myid: str | None) -> bool:
            return ask_server(lines, myid).accepted != _accepted(lines, myid, release)

        answers = real.ask_lines([_question(*server) for server in servers])
        for (lines, myid), answer in zip(servers, list(answers)):
            if _verdict(answer).accepted != _accepted(lines, myid, release):
                differing += 1
                if differing <= _SHOWN:
                    # The judge puts myid into the one directory it has, so that this line must stay.
                    fixed = [line for line in lines if line.startswith("dataDir=")]
                    numbered = {str(number): line for number, line in enumerate(lines) if line not in fixed}
                    least = fixed + list(smallest(numbered, lambda some, kept=fixed, id=myid: differs(kept + list(some.values()), id)).values())
                    _explain(release, "\n".join(least), myid, ask_server(least, myid))
        answers = real.ask_lines([f"connect\t{_quote(text)}" for text in connects])
        for text, answer in zip(connects, answers):
            said = _connect(text)
            heard = urllib.parse.unquote_plus(answer.split("\t")[1]) if answer.startswith("1") else "refused"
            # 3.5 has no brackets around IPv6 addresses; nobody runs Kafka with such a client any more.
            if said != heard and not (release.startswith("3.5.") and "[" in text):
                differing += 1
                print(f"\nZooKeeper {release} and the validator disagree about {text!r}\n  ZooKeeper: {heard} {answer}\n  validator: {said}\n")
    print(
        f"ZooKeeper {release}: {len(servers)} servers, {len(connects)} connect strings, {differing} disagreements, {time.monotonic() - started:.1f} s",
        flush=True,
    )
    return differing


def _server(source: random.Random) -> tuple[list[str], str | None]:
    lines = ["tickTime=2000", "initLimit=10", "syncLimit=5", "dataDir=@DATA@", "clientPort=2181"]
    count = source.choice((0, 1, 2, 3, 3, 3, 4))
    lines += [f"server.{number + 1}={MEMBERS[number]}" for number in range(count)]
    keys = ("tickTime", "initLimit", "syncLimit", "clientPort", "minSessionTimeout", "maxSessionTimeout", "electionAlg", "secureClientPort",
            "maxClientCnxns", "autopurge.snapRetainCount", "clientPortListenBacklog", "jvm.pause.warn-threshold.ms")  # fmt: skip
    flags = ("quorumListenOnAllIPs", "standaloneEnabled", "reconfigEnabled", "quorum.auth.enableSasl", "quorum.auth.learnerRequireSasl",
             "quorum.auth.serverRequireSasl", "syncEnabled", "sslQuorum", "multiAddress.enabled")  # fmt: skip
    for _change in range(source.choice((0, 1, 1, 2, 3))):
        kind = source.randrange(8)
        if kind == 0:
            lines.pop(source.randrange(len(lines)))
        elif kind == 1:
            lines.append(f"{source.choice(keys)}={source.choice(NUMBERS)}")
        elif kind == 2:
            lines.append(f"{source.choice(flags)}={source.choice(('true', 'false', 'TRUE', 'yes', ''))}")
        elif kind in (3, 4):
            lines.append(f"server.{source.choice(IDS)}{source.choice(('=', '=', ' = ', ':', ' '))}{source.choice(MEMBERS)}")
        elif kind == 5:
            lines.append(f"{source.choice(('group.1', 'group.2', 'weight.1', 'weight.5', 'groupx'))}={source.choice(('1:2:3', '1:2', '3', 'x', '', '5'))}")
        elif kind == 6:
            lines.append(f"{source.choice(OTHER_KEYS)}={source.choice(OTHER_VALUES)}")
        else:
            lines.append(
                source.choice(("# a comment", "", "foo.bar=1", "initLimit=\\\n 0", "!x", "syncLimit", "ssl.authProvider=foo", "tickTime : 0", "sync\\Limit=0"))
            )
    for _change in range(source.choice((0, 0, 1, 2))):
        lines = _damaged(lines, source)
    myid = source.choice(MYIDS) if source.random() < 0.2 else "1"
    return (lines, myid) if not _is_undecided(lines) else _server(source)


def _damaged(lines: list[str], source: random.Random) -> list[str]:
    """A letter too many, too few, or another one; not in the line of the data directory, which the judge needs."""
    at = source.randrange(len(lines)) if lines else 0
    if not lines or lines[at].startswith("dataDir"):
        return lines
    line = lines[at]
    place = source.randint(0, len(line))
    return [*lines[:at], line[:place] + source.choice(LETTERS) + line[place + source.choice((0, 1)) :], *lines[at + 1 :]]


def _is_undecided(lines: list[str]) -> bool:
    # Names are looked up in DNS; of keys that differ in blanks only, and of members of a group that have one number, the one
    # counts that Java's hash table has last.
    found = {entry.key: entry.value.strip() for entry in _properties.read("\n".join(lines))}
    bare = [_java.trim(key) for key in found]
    numbers = [int(key[7:]) for key in bare if key.startswith("server.") and key[7:].isascii() and key[7:].isdigit()]
    if len(set(numbers)) < len(numbers) and any(key.startswith(("group", "weight")) for key in bare):
        return True
    return len(set(bare)) < len(bare) or any(key.endswith("PortAddress") and value != "127.0.0.1" for key, value in zip(bare, found.values()))


def _question(lines: t.Sequence[str], myid: str | None) -> str:
    text = "\n".join("dataDir=@DATA@" if line.startswith("dataDir=/") else line for line in lines)
    return f"server\t{_quote(text)}\t{'-' if myid is None else _quote(myid)}"


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _verdict(answer: str) -> judge.Verdict:
    return judge.verdict("1" if answer.startswith("1") else answer)


def _accepted(lines: t.Sequence[str], myid: str | None, release: str) -> bool:
    findings = zookeeper_config.check_server(lines, myid, release)
    return not any(finding.severity == "error" and finding.stage == "config" for finding in findings)


def _connect(text: str) -> str:
    parsed = zookeeper_config.parse_connect(text)
    if any(finding.rule in _REFUSED_BY_CLIENT for finding in parsed.findings):
        return "refused"
    hosts = ", ".join(f"{host}:{port}" for host, port in parsed.hosts)
    return f"hosts=[{hosts}] chroot={parsed.chroot or 'null'}"


def _explain(release: str, text: str, myid: str | None, verdict: judge.Verdict) -> None:
    errors = [
        f"{finding.rule} {finding.where} {finding.message}"
        for finding in zookeeper_config.check_server(text, myid, release)
        if finding.severity == "error" and finding.stage == "config"
    ]
    print(f"\nZooKeeper {release} and the validator disagree; the smallest such file, with myid {myid!r}:")
    print("".join(f"    {line if line.isprintable() else repr(line)}\n" for line in text.split("\n")), end="")
    print(f"  ZooKeeper: {'accepts' if verdict.accepted else f'refuses: {verdict.message}'}\n  validator: {'; '.join(errors) or 'accepts'}\n", flush=True)
