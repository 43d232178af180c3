# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What has to be done so that the configuration of running brokers is as wanted. Pure; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_changes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Plan, Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import Setting, config_after, config_changes, config_says

CLUSTER = "cluster"
"""The item of what holds for all brokers; Kafka's name of that resource is empty."""


KEPT = frozenset(("min.insync.replicas",))
"""Left alone unless it is listed: with eligible leader replicas (4.1) Kafka sets it for all brokers by itself, and refuses to remove it."""


@dataclasses.dataclass(frozen=True)
class Running:
    """A key as a broker runs with it. ``read_only``: it changes only in a roll. ``own``: it is set for this broker alone, at run time."""

    setting: Setting
    read_only: bool
    own: bool


@dataclasses.dataclass(frozen=True)
class State:
    """What runs. ``default``: what is set at run time for all brokers. ``brokers``: every key by broker id."""

    default: t.Mapping[str, Setting]
    brokers: t.Mapping[int, t.Mapping[str, Running]]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Configuration for all brokers, and for each of some."""

    default: t.Mapping[str, str]
    brokers: t.Mapping[int, t.Mapping[str, str]]


@dataclasses.dataclass(frozen=True)
class NeedsRoll:
    """A key that a broker takes only when it starts, and that runs with another value than the one wanted."""

    item: str
    key: str
    wanted: str
    running: str | None


def item_of(broker: int) -> str:
    """How a broker is called in results."""
    return f"broker {broker}"


def read(cluster: t.Mapping[str, t.Any], brokers: t.Mapping[t.Any, t.Mapping[str, t.Any]]) -> Wanted:
    """What is wanted, from the options of a module; broker ids may be texts, as keys of YAML from AWX are."""
    found = {}
    for name, settings in brokers.items():
        if not str(name).isdecimal():
            raise Refusal(f"brokers: {name!r} is not a broker's id; write a number")
        found[int(name)] = _kafka_changes.setting_texts(settings or {}, f"brokers.{name}")
    if len(found) < len(brokers):
        raise Refusal("brokers: an id is there twice, once as a text and once as a number")
    return Wanted(_kafka_changes.setting_texts(cluster, "cluster"), found)


def needs_roll(wanted: Wanted, state: State) -> list[NeedsRoll]:
    """Those keys that cannot be changed at run time and run with another value."""
    found: dict[tuple[str, str], NeedsRoll] = {}
    for broker, running in state.brokers.items():
        own = wanted.brokers.get(broker, {})
        for item, settings in ((CLUSTER, wanted.default), (item_of(broker), own)):
            for key, value in settings.items():
                known = running.get(key)
                if known and read_only(running, key) and not _kafka_changes.same_setting(known.setting.kind, value, known.setting.text):
                    shown = "(secret)" if is_secret(key) else value
                    found.setdefault((item, key), NeedsRoll(item, key, shown, known.setting.text))
    return list(found.values())


def read_only(running: t.Mapping[str, Running], key: str) -> bool:
    """Whether a broker takes a key only when it starts.

    A key of one listener, and of one mechanism there, can be changed where the key without these prefixes can
    (``DynamicBrokerConfig``); the broker marks it as read-only all the same.
    """
    names = [key]
    if key.startswith("listener.name."):
        names.append(key.split(".", 3)[-1])
        names.append(names[-1].partition(".")[2])
    return all(running[name].read_only for name in names if name in running)


def read_only_keys(state: State) -> frozenset[str]:
    """Keys that some broker takes only when it starts."""
    return frozenset(key for running in state.brokers.values() for key in running if read_only(running, key))


def plan(wanted: Wanted, state: State, *, reset: bool = False, secrets_again: bool = False, report_only: bool = False) -> Plan:
    """The changes that lead to what is wanted.

    ``reset``: what was set at run time and is not wanted returns to what the brokers were started with.
    ``secrets_again``: set secret values that are set already, since nobody can read which value they have.
    ``report_only``: keys that need a roll are no failure.
    """
    found = Plan()
    fixed = read_only_keys(state)
    if not report_only:
        for each in needs_roll(wanted, state):
            found.refused[f"{each.item}: {each.key}"] = (
                f"it is {each.running!r}, and {each.wanted!r} is wanted, but brokers read it only when they start. "
                "Mend: write it into kafka_config, or into the pool's config, and roll the brokers"
            )
    _resource(found, CLUSTER, wanted.default, state.default, fixed, reset, secrets_again)
    for broker, settings in wanted.brokers.items():
        if broker not in state.brokers:
            alive = ", ".join(map(str, sorted(state.brokers)))
            found.refused[item_of(broker)] = f"there is no such broker, or it is not alive; alive are {alive}"
            continue
        there = {key: entry.setting for key, entry in state.brokers[broker].items() if entry.own}
        _resource(found, item_of(broker), settings, there, fixed, reset, secrets_again)
    return found


def _resource(
    found: Plan,
    item: str,
    wanted: t.Mapping[str, str],
    there: t.Mapping[str, Setting],
    fixed: t.Collection[str],
    reset: bool,
    secrets_again: bool,
) -> None:
    possible = {key: value for key, value in wanted.items() if key not in fixed}
    changes = config_changes(possible, there, reset, keep=KEPT)
    if not secrets_again:
        changes = {key: value for key, value in changes.items() if value is None or key not in there or there[key].text is not None}
    if changes:
        # What is secret to Kafka, or becomes so when it is set, must not be shown.
        shown = {key: value if value is None or not is_secret(key) else "(secret)" for key, value in changes.items()}
        found.changes.append(Change(item, "config", config_says(shown, there), changes, repr(sorted(changes))))
        found.show(item, config_after(there, {}), config_after(there, shown))


SECRET = ("password", "secret", "passphrase", "sasl.jaas.config", "master.key", "keystore.key", "certificate.chain", "truststore.certificates")
"""How the names of the keys of type PASSWORD end; a listener's prefix may stand before them."""


def is_secret(key: str) -> bool:
    """Whether the value of a broker's key is a secret to Kafka."""
    return key.endswith(SECRET)
