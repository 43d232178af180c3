# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about what a configuration takes from elsewhere: classes, and values of configuration providers."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import OWN, class_problem, classes, is_foreign
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown

_CLASS_TEXTS = ("authorizer.class.name", "replica.selector.class")
_PROVIDER = "org.apache.kafka.common.config.provider.ConfigProvider"


@rule(
    "CLASS-NOT-FOUND",
    "A class does not exist in this release",
    step="parse",
    fix="Correct the name, or leave the key out.",
    source="ConfigDef.parseType: Class.forName",
    example=Example(
        "3.9",
        "broker",
        wrong={"sasl.login.class": "org.apache.kafka.common.security.authenticator.NoLogin"},
        right={"sasl.login.class": "org.apache.kafka.common.security.authenticator.DefaultLogin"},
    ),
)
def class_not_found(broker: Broker) -> t.Iterator[Problem]:
    """Empty names, and names in Kafka's own packages that this release does not have."""
    for name in broker.properties:
        key = broker.keys.get(name)
        if key is not None and key.kind == "CLASS" and name not in broker.refused:
            reason = class_problem(broker.release, key, broker.get(name))
            if reason is not None:
                yield Problem(name, f"{shown(broker.get(name))} {reason}")
    yield from _assignors(broker)


def _assignors(broker: Broker) -> t.Iterator[Problem]:
    """``consumerGroupAssignors``, ``shareGroupAssignors``: created in the constructor from 3.6 and 4.1 on."""
    api = "org.apache.kafka.coordinator.group.api.assignor."
    named: tuple[tuple[str, tuple[int, int], tuple[str, ...], str], ...] = (
        ("group.consumer.assignors", (3, 6), ("uniform", "range"), f"{api}ConsumerGroupPartitionAssignor"),
        ("group.share.assignors", (4, 1), ("simple",), f"{api}ShareGroupPartitionAssignor"),
    )
    for name, since, short, wanted in named:
        if name not in broker.written or name not in broker.keys or broker.minor < since:
            continue
        if broker.minor < (4, 0):
            short, wanted = (), "org.apache.kafka.coordinator.group.assignor.PartitionAssignor"
            if broker.minor >= (3, 8):
                wanted = f"{api}ConsumerGroupPartitionAssignor"
        entries = broker.get(name)
        for entry in entries:
            implemented = classes(broker.minor).get(entry, ())
            known = "." not in entry or entry.startswith(OWN) or not is_foreign(entry)
            if entry not in short and known and (wanted not in implemented or entry == wanted):
                yield Problem(name, f"{shown(entry)} is no assignor of Kafka {broker.release}")
        if name == "group.share.assignors" and len(entries) != 1:
            yield Problem(name, f"names {len(entries)} assignors, and must name exactly one")


@rule(
    "PROVIDER-CLASS",
    "A configuration provider cannot be created",
    step="parse",
    fix="Name a class that implements ConfigProvider, such as org.apache.kafka.common.config.provider.FileConfigProvider, without blanks.",
    when=("config.providers",),
    source="AbstractConfig.instantiateConfigProviders",
    example=Example(
        "3.9",
        "broker",
        common={"config.providers": "file"},
        wrong={"config.providers.file.class": "org.apache.kafka.common.config.provider.ConfigProvider"},
        right={"config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider"},
    ),
)
def provider_class(broker: Broker) -> t.Iterator[Problem]:
    """Created before anything else is looked at. Classes of others cannot be judged."""
    for name, text in broker.providers.items():
        known = classes(broker.minor).get(text, ())
        foreign = is_foreign(text) and not text.startswith("java.")
        if not foreign and (_PROVIDER not in known or text == _PROVIDER):
            yield Problem(f"config.providers.{name}.class", f"{shown(text)} is no provider of Kafka {broker.release}")


@rule(
    "CLASS-EXTERNAL",
    "A class does not come with Kafka",
    severity="info",
    stage="start",
    consequence="Without its jar in the image the broker exits: Class could not be found.",
    fix="Make sure that the image has the jar.",
    source="ConfigDef.parseType: Class.forName",
    example=Example(
        "3.9",
        "broker",
        wrong={"client.quota.callback.class": "com.example.Quotas"},
        right={},
    ),
)
def class_external(broker: Broker) -> t.Iterator[Problem]:
    """Classes of others cannot be judged from here."""
    for name, value in _named_classes(broker):
        if is_foreign(value):
            yield Problem(name, f"{shown(value)} must be on the class path")


def _named_classes(broker: Broker) -> t.Iterator[tuple[str, str]]:
    """Every place that names a class: the key, and the class as it is loaded."""
    for name, text in broker.written.items():
        key = broker.keys.get(name)
        if key is None and name.startswith("listener.name."):
            parts = name.split(".", 100)
            # What stands behind the listener, and perhaps behind its mechanism.
            behind = [broker.keys.get(".".join(parts[start:])) for start in range(3, len(parts))]
            key = next((found for found in behind if found is not None), None)
        elif name in broker.refused:
            continue
        if key is not None and (key.kind == "CLASS" or name in _CLASS_TEXTS):
            yield name, _java.trim(text)
        elif name in ("group.consumer.assignors", "group.share.assignors") and key is not None:
            yield from ((name, entry) for entry in broker.get(name) if "." in entry)
    yield from ((f"config.providers.{provider}.class", value) for provider, value in broker.providers.items() if not value.startswith("java."))


@rule(
    "VALUE-EXTERNAL",
    "A value comes from elsewhere",
    severity="info",
    stage="config",
    consequence="It can only be checked when the broker starts.",
    fix="Nothing, if the provider is there and has the key.",
    source="AbstractConfig.resolveConfigVariables",
    example=Example(
        "3.9",
        "broker",
        common={
            "config.providers": "file",
            "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        },
        wrong={"ssl.keystore.password": "${file:/etc/kafka/secrets:keystore}"},
        right={"ssl.keystore.password": "secret"},
    ),
)
def external_value(broker: Broker) -> t.Iterator[Problem]:
    """``${provider:path:key}`` of a provider in config.providers."""
    for name, reason in broker.refused.items():
        if not reason and name in broker.properties:
            yield Problem(name, "is resolved by a configuration provider")
