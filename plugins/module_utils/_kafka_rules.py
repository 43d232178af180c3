# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules for topics, users, quotas and access rules that need no cluster to be checked. Pure; private to the collection.

Whoever calls gives the variables as they are, ``kafka_topics`` and so on; wrong shapes are findings, too.
"""

from __future__ import annotations

import collections
import functools
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_acls, _kafka_topics, _kafka_users
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import did_you_mean, property_text
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _keys
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import NEWEST, Minor, minor_of, minor_text, parse

NAME = re.compile(r"[a-zA-Z0-9._-]+", re.ASCII)
MAX_NAME = 249
"""``org.apache.kafka.common.internals.Topic``."""

MIN_IN_SYNC = "min.insync.replicas"
Item = t.Mapping[str, t.Any]

RULES: dict[str, tuple[Severity, Stage, str]] = {
    "TOPIC-INPUT": ("error", "config", "The task fails before anything is changed."),
    "TOPIC-NAME": ("error", "runtime", "Kafka refuses the topic: InvalidTopicException."),
    "TOPIC-TWICE": ("error", "config", "It is not known which of them is meant; the task fails before anything is changed."),
    "TOPIC-COLLISION": ("error", "runtime", "Kafka refuses the second one: metrics names of both would be the same, since '.' becomes '_'."),
    "TOPIC-INTERNAL": ("error", "runtime", "It is left as it is, and the task fails: Kafka makes its own topics."),
    "TOPIC-RF": ("error", "runtime", "Kafka refuses the topic: InvalidReplicationFactorException."),
    "TOPIC-RF-ONE": ("warning", "runtime", "While its broker restarts the topic is not there; when its disk is lost, so are the messages."),
    "TOPIC-MIN-ISR": ("error", "runtime", "No producer with acks=all can ever write: NotEnoughReplicasException."),
    "TOPIC-MIN-ISR-ALL": ("warning", "runtime", "While any one broker is down, producers with acks=all cannot write; no broker can be restarted without that."),
    "TOPIC-KEY": ("error", "runtime", "Kafka refuses the topic: InvalidConfigurationException, unknown topic config name."),
    "TOPIC-VALUE": ("error", "runtime", "Kafka refuses the topic: InvalidConfigurationException."),
    "TOPIC-BROKER": ("error", "runtime", "Kafka refuses the topic: InvalidReplicaAssignmentException."),
    "USER-INPUT": ("error", "config", "The task fails before anything is changed."),
    "QUOTA-INPUT": ("error", "config", "The task fails before anything is changed."),
    "ACL-INPUT": ("error", "config", "The task fails before anything is changed."),
    "ACL-PRINCIPAL": ("error", "runtime", "Kafka cannot read it, and refuses the rule."),
    "ACL-POINTLESS": ("warning", "runtime", "The rule is there and changes nothing."),
    "ACL-NOBODY": ("warning", "runtime", "The rule is for a user that nobody declares; most likely a name is misspelt."),
}
"""Id, severity, when it shows, and what happens then."""


def _finding(rule: str, where: str, message: str, fix: str) -> Finding:
    severity, stage, consequence = RULES[rule]
    return Finding(rule, severity, stage, where, message, fix, consequence)


@functools.cache
def topic_keys(minor: Minor) -> dict[str, _keys.Key]:
    """The keys of topics in one minor release, by name."""
    from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_topic_keys

    found = {}
    for line in _kafka_topic_keys.KEYS.splitlines():
        name, since, until, kind, _default, check = line.split("\t")
        if minor_of(since) <= minor <= minor_of(until):
            found[name] = _keys.Key(name, kind, None, "" if check == "." else check)
    return found


def check_topics(topics: t.Sequence[Item], brokers: int, version: str, broker_ids: t.Collection[int] = ()) -> list[Finding]:
    """Findings about ``kafka_topics``. ``brokers``: how many the cluster has; ``version``: the release, such as ``3.9.2``;
    ``broker_ids``: where known, the ids that assignments may name."""
    release = parse(version)
    minor = min(release.minor, NEWEST) if release else NEWEST
    found: list[Finding] = []
    names: list[str] = []
    for index, item in enumerate(topics):
        where = f"kafka_topics[{index}]"
        try:
            (topic,) = _kafka_topics.read([item])
        except Refusal as refusal:
            found.append(_finding("TOPIC-INPUT", where, str(refusal), "see the documentation of kafka_topics"))
        except (KeyError, TypeError, ValueError, AttributeError):
            found.append(_finding("TOPIC-INPUT", where, "it is no topic", "write a dictionary with a name; see the documentation of kafka_topics"))
        else:
            names.append(topic.name)
            if not topic.absent:
                found += _topic(f"{where} ({topic.name})", topic, brokers, minor, broker_ids)
    return [*found, *_names(names)]


def _names(names: t.Sequence[str]) -> t.Iterator[Finding]:
    for name, count in collections.Counter(names).items():
        if count > 1:
            yield _finding("TOPIC-TWICE", "kafka_topics", f"{name} stands there {count} times", "keep one of them")
    alike: dict[str, set[str]] = collections.defaultdict(set)
    for name in names:
        alike[name.replace(".", "_")].add(name)
    for group in alike.values():
        if len(group) > 1:
            yield _finding("TOPIC-COLLISION", "kafka_topics", f"{' and '.join(sorted(group))} differ only in '.' and '_'", "use one of the two characters")


def _topic(where: str, topic: _kafka_topics.Topic, brokers: int, minor: Minor, broker_ids: t.Collection[int]) -> t.Iterator[Finding]:
    name = topic.name
    if not NAME.fullmatch(name) or name in (".", "..") or len(name) > MAX_NAME:
        yield _finding("TOPIC-NAME", where, f"{name[:60]!r} is no name for a topic", f"write 1 to {MAX_NAME} letters, digits, dots, hyphens and underscores")
    if name in _kafka_topics.INTERNAL:
        yield _finding("TOPIC-INTERNAL", where, f"{name} is a topic of Kafka's own", "leave it off, and use broker configuration such as offsets.topic.*")
    factors = {len(replicas) for replicas in topic.assignments} or {topic.replication_factor or 0}
    if max(factors) > brokers:
        yield _finding("TOPIC-RF", where, f"{max(factors)} replicas are wanted and there are {brokers} brokers", f"write at most {brokers}")
    if factors == {1} and brokers > 1:
        yield _finding("TOPIC-RF-ONE", where, "there is one replica of each partition", f"write {min(3, brokers)}, unless the messages may be lost")
    for number, replicas in enumerate(topic.assignments):
        strangers = sorted(set(replicas) - set(broker_ids)) if broker_ids else []
        if strangers or not replicas or len(set(replicas)) < len(replicas):
            what = f"brokers {', '.join(map(str, strangers))} are not there" if strangers else "brokers are missing or stand there twice"
            yield _finding("TOPIC-BROKER", f"{where}: assignments[{number}]", what, "name each broker once, by its id")
    yield from _config(where, topic, minor)
    yield from _in_sync(where, topic, min(factors))


def _config(where: str, topic: _kafka_topics.Topic, minor: Minor) -> t.Iterator[Finding]:
    known = topic_keys(minor)
    for name, text in topic.config.items():
        place = f"{where}: config[{name}]"
        if name not in known:
            hint = did_you_mean(name, known)
            yield _finding("TOPIC-KEY", place, f"topics of Kafka {minor_text(minor)} have no {name}{hint}", "correct the name, or leave it out")
            continue
        try:
            why = _keys.refusal(known[name], known[name].parse(text)) if known[name].check != "version" else None
        except ValueError as error:
            why = str(error)
        if why:
            yield _finding("TOPIC-VALUE", place, f"{text!r}: {why}", "write such a value")


def _in_sync(where: str, topic: _kafka_topics.Topic, factor: int) -> t.Iterator[Finding]:
    text = topic.config.get(MIN_IN_SYNC, "")
    if factor < 1 or not text.isdecimal():
        return
    wanted = int(text)
    place = f"{where}: config[{MIN_IN_SYNC}]"
    if wanted > factor:
        yield _finding("TOPIC-MIN-ISR", place, f"{wanted} replicas must be in sync and there are {factor}", f"write {max(1, factor - 1)}")
    elif wanted == factor > 1:
        yield _finding("TOPIC-MIN-ISR-ALL", place, f"all {factor} replicas must be in sync", f"write {factor - 1}")


def check_users(users: t.Sequence[Item], quotas: t.Sequence[Item] = ()) -> list[Finding]:
    """Findings about ``kafka_users`` and ``kafka_quotas``."""
    found = []
    try:
        _kafka_users.read_users(users)
    except Refusal as refusal:
        found.append(_finding("USER-INPUT", "kafka_users", str(refusal), "see the documentation of kafka_users"))
    except (KeyError, TypeError, AttributeError):
        found.append(_finding("USER-INPUT", "kafka_users", "an item is no user", "write a list of dictionaries with name and password"))
    try:
        _kafka_users.read_quotas(quotas, LIMITS)
    except Refusal as refusal:
        found.append(_finding("QUOTA-INPUT", "kafka_quotas", str(refusal), "see the documentation of kafka_users"))
    except (KeyError, TypeError, ValueError, AttributeError):
        found.append(
            _finding("QUOTA-INPUT", "kafka_quotas", "an item is no quota", "write a list of dictionaries with an entity and its limits, which are numbers")
        )
    return found


LIMITS = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate")


def check_acls(acls: t.Sequence[Item], users: t.Sequence[Item] | None = None) -> list[Finding]:
    """Findings about ``kafka_acls``. ``users``: ``kafka_users``, where all users are declared there."""
    found: list[Finding] = []
    rules: list[_kafka_acls.Rule] = []
    for index, item in enumerate(acls):
        where = f"kafka_acls[{index}]"
        try:
            present, absent = _kafka_acls.read([item])
            for rule in (*present, *absent):
                _known_words(rule)
        except Refusal as refusal:
            found.append(_finding("ACL-INPUT", where, str(refusal), "see the documentation of kafka_acls"))
            continue
        except (KeyError, TypeError, AttributeError):
            found.append(_finding("ACL-INPUT", where, "it is no rule", "write a dictionary with principal, resource_type, resource_name and operations"))
            continue
        rules += present
        principal = str(item["principal"])
        if ":" not in principal:
            found.append(_finding("ACL-PRINCIPAL", where, f"{principal!r} has no type", f"write User:{principal}"))
        elif users is not None and present and not _declared(principal, users):
            message = f"there is no user {principal.partition(':')[2]} in kafka_users"
            found.append(_finding("ACL-NOBODY", where, message, "correct the name, declare the user, or delete the rule with state: absent"))
    found += [_finding("ACL-POINTLESS", f"kafka_acls ({rule})", why, "correct or leave out the rule") for rule, why in _kafka_acls.never_match(rules)]
    return found


def _declared(principal: str, users: t.Iterable[Item]) -> bool:
    kind, _colon, name = principal.partition(":")
    # Names of certificates have an equals sign, and are declared nowhere.
    return kind != "User" or name == "*" or "=" in name or any(user.get("name") == name and user.get("state") != "absent" for user in users)


def _known_words(rule: _kafka_acls.Rule) -> None:
    for field, known in (
        ("resource_type", _kafka_acls.RESOURCE_TYPES),
        ("pattern_type", _kafka_acls.PATTERN_TYPES),
        ("operation", _kafka_acls.OPERATIONS),
        ("permission", _kafka_acls.PERMISSIONS),
    ):
        word = getattr(rule, field)
        if word not in known:
            raise Refusal(f"{field} {property_text(word)!r} is unknown; write one of {', '.join(known)}")
