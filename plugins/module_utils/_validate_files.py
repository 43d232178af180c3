# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What is to be said about an existing ``server.properties`` or ``zoo.cfg``. Private to the collection.

``check`` reads the files, all else is pure. For whoever has files and uses nothing else of this collection. Files are read as Java reads them.
"""

from __future__ import annotations

import collections
import dataclasses
import errno
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _broker_config,
    _properties,
    _validate,
    _zookeeper_config,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage, worst_first

_DROPPED = re.compile(r"\\(?:([0-9a-eg-mo-qsv-zA-Z])|.)", re.DOTALL)
_COMMENT = re.compile(r"[ \t]#")
_SECRET = re.compile(r"password|secret|jaas", re.IGNORECASE)
_MOST = 20  # findings of one rule


class Problem(t.NamedTuple):
    """What a rule found: the key or line concerned, what is wrong, and how to mend it. Never a value: it may be a secret."""

    where: str
    message: str
    fix: str


Check = t.Callable[[t.Sequence[_properties.Entry]], t.Iterator[Problem]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule about a file as such: its stable id, how bad a breach is, when it shows, what happens then, what it asks for.

    ``wrong`` and ``right``: an example of each, lines of a file.
    """

    id: str
    severity: Severity
    stage: Stage
    consequence: str
    about: str
    wrong: str
    right: str
    problems: Check


RULES: list[Rule] = []


def _rule(rule_id: str, severity: Severity, stage: Stage, consequence: str, *, wrong: str, right: str) -> t.Callable[[Check], Check]:
    def declare(problems: Check) -> Check:
        about = (problems.__doc__ or "").partition("\n")[0]
        RULES.append(Rule(rule_id, severity, stage, consequence, about, wrong, right, problems))
        return problems

    return declare


OPTIONS: dict[str, dict[str, t.Any]] = {
    "kafka_version": {"type": "str"},
    "zookeeper_version": {"type": "str"},
    "properties": {"type": "dict"},
    "properties_file": {"type": "path"},
    "properties_text": {"type": "str"},
    "zookeeper_file": {"type": "path"},
    "zookeeper_text": {"type": "str"},
    "myid": {"type": "str"},
}
"""The options of the module that are about files."""

GIVEN = ("properties", "properties_file", "properties_text", "zookeeper_file", "zookeeper_text")
"""Of these one is given."""


def check(options: t.Mapping[str, t.Any]) -> list[Finding]:
    """All findings about what the options of the module give; see OPTIONS. A file that cannot be read is a finding, too."""
    version, text = options["kafka_version"] or "", options["properties_text"]
    try:
        if options["zookeeper_file"] is not None or options["zookeeper_text"] is not None:
            content = _content(options["zookeeper_file"], options["zookeeper_text"])
            return check_zookeeper(content, options["myid"], version, options["zookeeper_version"] or "")
        given = options["properties"]
        return check_broker(_content(options["properties_file"], text) if given is None else given, version)
    except OSError as error:
        fix = "give the path of a file that this user may read, on the machine that Ansible runs on"
        message = f"cannot be read: {error.strerror or type(error).__name__}"
        return [Finding("FILE-UNREADABLE", "error", "config", str(error.filename)[:200], message, fix, "Nothing can be said about it.")]


def _content(path: str | None, text: str | None) -> bytes:
    if path is None:
        # What is given as text is written to a file in UTF-8.
        return (text or "").encode("utf-8", "surrogatepass")
    if "\0" in path:
        raise FileNotFoundError(errno.ENOENT, "there is no such file", path)
    with open(path, "rb") as stream:
        return stream.read()


def check_broker(given: t.Mapping[t.Any, t.Any] | bytes, kafka_version: str) -> list[Finding]:
    """All findings about one broker or controller, worst first. ``given``: its properties, or the content of the file."""
    if not isinstance(given, bytes):
        return worst_first(_broker_config.check(t.cast(t.Any, given), kafka_version))
    entries = _properties.read(_properties.decode(given))
    found = _broker_config.check({entry.key: entry.value for entry in entries}, kafka_version)
    return worst_first([*_of_file(entries), *_with_lines(found, entries)])


def check_zookeeper(content: bytes, myid: str | None, kafka_version: str, zookeeper_version: str = "") -> list[Finding]:
    """All findings about one ZooKeeper server, worst first.

    ``myid``: the content of that file; None if nobody knows it, and then nothing is said about it.
    ``zookeeper_version``: empty for the one that ``kafka_version`` brings.
    """
    text = _properties.decode(content)
    entries = _properties.read(text)
    version = zookeeper_version or _validate.zookeeper_version(kafka_version)
    found = [finding for finding in _zookeeper_config.check_server(text, myid, version) if myid is not None or finding.rule != "ZOO-MYID"]
    # ZooKeeper's own rules say as much about escapes, and about a server that is written twice.
    of_file = [
        finding
        for finding in _of_file(entries)
        if finding.rule != "PROPS-ESCAPE" and not (finding.rule == "PROPS-DUP" and finding.where.startswith("server."))
    ]
    return worst_first([*of_file, *_with_lines(found, entries)])


def _of_file(entries: t.Sequence[_properties.Entry]) -> list[Finding]:
    return [
        Finding(rule.id, rule.severity, rule.stage, problem.where, problem.message, problem.fix, rule.consequence)
        for rule in RULES
        for problem in list(rule.problems(entries))[:_MOST]
    ]


def _with_lines(findings: t.Iterable[Finding], entries: t.Iterable[_properties.Entry]) -> t.Iterator[Finding]:
    """Findings about a key with its line; of several lines the last one counts."""
    lines = {entry.key: entry.line for entry in entries}
    for finding in findings:
        line = lines.get(finding.where)
        yield finding if line is None else dataclasses.replace(finding, where=f"{finding.where} (line {line})")


def _place(entry: _properties.Entry) -> str:
    return f"{entry.key[:200]} (line {entry.line})" if entry.key else f"line {entry.line}"


@_rule(
    "PROPS-ESCAPE",
    "error",
    "config",
    "Java refuses the whole file: Malformed \\uxxxx encoding.",
    wrong="ssl.keystore.location=C:\\users\\kafka.p12",
    right="ssl.keystore.location=C:\\\\users\\\\kafka.p12",
)
def _escape(entries: t.Sequence[_properties.Entry]) -> t.Iterator[Problem]:
    """Behind ``\\u`` stand four hexadecimal digits."""
    for entry in entries:
        if entry.malformed:
            yield Problem(_place(entry), "has \\u without four hexadecimal digits behind it", "write a backslash as two")


@_rule(
    "PROPS-DUP",
    "warning",
    "runtime",
    "The last line counts, whatever the others say.",
    wrong="num.io.threads=8\nnum.io.threads=16",
    right="num.io.threads=16",
)
def _twice(entries: t.Sequence[_properties.Entry]) -> t.Iterator[Problem]:
    """Every key stands once."""
    lines = collections.defaultdict(list)
    for entry in entries:
        lines[entry.key].append(entry.line)
    for key, found in lines.items():
        if len(found) > 1:
            shown = ", ".join(map(str, found[:10])) + (", .." if len(found) > 10 else "")
            yield Problem(f"{key[:200]} (line {found[-1]})", f"is set {len(found)} times, in lines {shown}", "keep one of them")


@_rule(
    "PROPS-BACKSLASH",
    "warning",
    "runtime",
    "Java drops the backslash, and keeps the letter.",
    wrong="log.dirs=C:\\kafka",
    right="log.dirs=C:\\\\kafka",
)
def _backslash(entries: t.Sequence[_properties.Entry]) -> t.Iterator[Problem]:
    """A backslash stands before what it is needed for, or is written twice."""
    for entry in entries:
        if any(found[1] for found in _DROPPED.finditer(entry.written)):
            yield Problem(_place(entry), "has a backslash before a letter that needs none", "write a backslash as two, or leave it out")


@_rule(
    "PROPS-COMMENT",
    "warning",
    "runtime",
    "The comment is part of the value.",
    wrong="log.dirs=/var/lib/kafka # the large disk",
    right="# the large disk\nlog.dirs=/var/lib/kafka",
)
def _comment(entries: t.Sequence[_properties.Entry]) -> t.Iterator[Problem]:
    """A comment has a line of its own."""
    for entry in entries:
        if _COMMENT.search(entry.value) and not _SECRET.search(entry.key):
            yield Problem(_place(entry), "has a # behind a blank; comments only begin at the beginning of a line", "move the comment to a line of its own")


@_rule(
    "PROPS-ENCODING",
    "warning",
    "runtime",
    "Java reads the file as ISO-8859-1, so that each of them becomes two or three others.",
    wrong="broker.rack=zürich",
    right="broker.rack=z\\u00fcrich",
)
def _encoding(entries: t.Sequence[_properties.Entry]) -> t.Iterator[Problem]:
    """Characters outside of ASCII are escaped."""
    for entry in entries:
        if not entry.written.isascii() and _is_utf8(entry.written):
            if entry.written.startswith("\xef\xbb\xbf") and entry.line == 1:
                yield Problem(_place(entry), "has a byte order mark in front, which becomes a part of the key", "save the file without it")
            else:
                yield Problem(_place(entry), "has characters of UTF-8", "write them as \\u and four hexadecimal digits")


def _is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True
