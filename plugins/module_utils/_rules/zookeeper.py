# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about the connection to ZooKeeper."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _connect
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule

_CONNECT = "zookeeper.connect"


@rule(
    "ZK-CONNECT-REQUIRED",
    "A ZooKeeper broker does not know its ZooKeeper",
    until="3.9",
    step="ids",
    fix="Set zookeeper.connect, or process.roles for a broker without ZooKeeper.",
    source="KafkaConfig.validateValues, until 2.7 ConfigDef",
    example=Example("3.9", "zookeeper", wrong={_CONNECT: None}, right={_CONNECT: "zk-0.zk:2181"}),
)
def connect_required(broker: Broker) -> t.Iterator[Problem]:
    """An empty text passes here, see ZK-CONNECT-EMPTY."""
    if broker.zookeeper and not broker.has(_CONNECT):
        yield Problem(_CONNECT, "is not set")


def _connect_check(rule_id: str) -> t.Callable[[Broker], t.Iterator[Problem]]:
    def check(broker: Broker) -> t.Iterator[Problem]:
        for finding in broker.connect.findings if broker.connect else []:
            if finding.rule == rule_id:
                yield Problem(_CONNECT, finding.message)

    return check


for _id, _about in _connect.CONNECT_RULES.items():
    rule(
        _id,
        _about.title,
        until="3.9",
        severity=_about.severity,
        stage=_about.stage,
        consequence=_about.consequence,
        when=(_CONNECT,),
        fix=_about.fix,
        source="org.apache.zookeeper.client.ConnectStringParser",
        example=Example("3.9", "zookeeper", wrong={_CONNECT: _about.wrong}, right={_CONNECT: _about.right}),
    )(_connect_check(_id))


@rule(
    "ZK-TIMEOUT",
    "The ZooKeeper session times out at once",
    until="3.9",
    severity="warning",
    stage="runtime",
    consequence="ZooKeeper grants at least two of its ticks, whatever is asked for; the broker's own waiting is over at once.",
    fix="Leave the key out for 18 seconds.",
    when=("zookeeper.session.timeout.ms", "zookeeper.connection.timeout.ms"),
    source="ZkConfigs has no lower bound; the server clamps to 2..20 ticks",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"zookeeper.session.timeout.ms": "-1"},
        right={"zookeeper.session.timeout.ms": "18000"},
    ),
)
def timeouts(broker: Broker) -> t.Iterator[Problem]:
    """Session and connection timeout."""
    if broker.zookeeper:
        for key in ("zookeeper.session.timeout.ms", "zookeeper.connection.timeout.ms"):
            value = broker.get(key)
            if value is not None and value <= 0:
                yield Problem(key, f"is {value} milliseconds")


@rule(
    "ZK-TLS-SOCKET",
    "TLS to ZooKeeper without the client that can do it",
    since="2.5",
    until="3.9",
    severity="error",
    stage="start",
    consequence="The default client speaks plain text to a TLS port, and times out.",
    fix="Set zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty.",
    when=("zookeeper.ssl.client.enable",),
    source="ZkConfigs.zkTlsClientAuthEnabled; ClientCnxnSocketNIO has no TLS",
    example=Example(
        "3.9",
        "zookeeper",
        common={"zookeeper.ssl.client.enable": "true"},
        wrong={},
        right={"zookeeper.clientCnxnSocket": "org.apache.zookeeper.ClientCnxnSocketNetty"},
    ),
)
def tls_socket(broker: Broker) -> t.Iterator[Problem]:
    """The class has no default of its own."""
    used = (broker.zookeeper or broker.migrating) and broker.get("zookeeper.ssl.client.enable")
    if used and not (broker.get("zookeeper.clientCnxnSocket") or "").endswith("Netty"):
        yield Problem("zookeeper.clientCnxnSocket", "must be the Netty client for zookeeper.ssl.client.enable=true")


@rule(
    "ZK-ACL",
    "ZooKeeper ACLs without a way to authenticate",
    until="3.9",
    severity="warning",
    stage="start",
    consequence="Unless a JAAS file with a Client section is given to the JVM, the broker exits: zookeeper.set.acl is true, but ..",
    fix="Give the JVM a JAAS file, or use TLS with a key store (2.5 and later).",
    when=("zookeeper.set.acl",),
    source="KafkaServer.initZkClient",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"zookeeper.set.acl": "true"},
        right={
            "zookeeper.set.acl": "true",
            "zookeeper.ssl.client.enable": "true",
            "zookeeper.clientCnxnSocket": "org.apache.zookeeper.ClientCnxnSocketNetty",
            "zookeeper.ssl.keystore.location": "/etc/kafka/keystore.p12",
        },
    ),
)
def acl(broker: Broker) -> t.Iterator[Problem]:
    """The JAAS file is no property, so that this can only warn."""
    if broker.zookeeper and broker.get("zookeeper.set.acl"):
        tls = broker.get("zookeeper.ssl.client.enable") and broker.get("zookeeper.ssl.keystore.location")
        if not tls:
            yield Problem("zookeeper.set.acl", "is true, and nothing here authenticates the broker to ZooKeeper")


@rule(
    "ZK-IGNORED",
    "A KRaft node has ZooKeeper settings",
    since="2.8",
    until="3.9",
    severity="info",
    stage="runtime",
    consequence="process.roles wins; they have no effect.",
    when=("zookeeper.connect",),
    fix="Take them away.",
    source="KafkaConfig.requiresZookeeper",
    example=Example("3.9", "broker", wrong={_CONNECT: "zk-0.zk:2181"}, right={_CONNECT: None}),
)
def ignored(broker: Broker) -> t.Iterator[Problem]:
    """Unless it migrates."""
    if broker.roles and not broker.migrating and broker.has(_CONNECT):
        yield Problem(_CONNECT, "has no effect on a node with process.roles")
