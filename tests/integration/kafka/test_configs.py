# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_configs against real brokers; what is there is read by Kafka's own ``ConfigCommand``."""

from __future__ import annotations

import re

from brokers import Cluster
from conftest import call, thrice

CONFIG_COMMAND = "kafka.admin.ConfigCommand"


def described(cluster: Cluster, broker: str) -> dict[str, str]:
    """What is set at run time for a broker (an id), or for all (``all``), as Kafka's own tool tells it."""
    entity = ("--entity-default",) if broker == "all" else ("--entity-name", broker)
    text = cluster.tool(CONFIG_COMMAND, "--describe", "--entity-type", "brokers", *entity)
    found = re.findall(r"^\s+([\w.\-]+)=(.*?) sensitive=(true|false) synonyms=\{(.*)\}$", text, re.MULTILINE)
    mark = "DYNAMIC_DEFAULT_BROKER_CONFIG" if broker == "all" else "DYNAMIC_BROKER_CONFIG"
    # With eligible leader replicas Kafka sets min.insync.replicas for all brokers by itself.
    return {key: value for key, value, _secret, synonyms in found if synonyms.startswith(mark) and key != "min.insync.replicas"}


def test_for_all_brokers_and_for_one(cluster: Cluster) -> None:
    wanted = {"all_brokers": {"log.retention.ms": 3600000, "num.replica.fetchers": 2}, "brokers": {"1": {"log.cleaner.threads": 2}}}
    done = thrice("kafka_configs", cluster, **wanted)
    assert done.changes == {
        "cluster": ["log.retention.ms default -> 3600000; num.replica.fetchers default -> 2"],
        "broker 1": ["log.cleaner.threads default -> 2"],
    }
    assert done["diff"]["after"]["broker 1"] == {"log.cleaner.threads": "2"}
    assert described(cluster, "all") == {"log.retention.ms": "3600000", "num.replica.fetchers": "2"}
    assert described(cluster, "1") == {"log.cleaner.threads": "2"}

    # What is no longer listed stays, unless told otherwise.
    assert not call("kafka_configs", cluster, all_brokers={"num.replica.fetchers": "2"}).changed
    done = thrice("kafka_configs", cluster, all_brokers={"num.replica.fetchers": 3}, brokers={1: {}}, reset_config=True)
    assert done.changes == {
        "cluster": ["log.retention.ms 3600000 -> default; num.replica.fetchers 2 -> 3"],
        "broker 1": ["log.cleaner.threads 2 -> default"],
    }
    assert described(cluster, "all") == {"num.replica.fetchers": "3"}
    assert thrice("kafka_configs", cluster, reset_config=True).changes == {"cluster": ["num.replica.fetchers 3 -> default"]}
    assert described(cluster, "all") == described(cluster, "1") == {}


def test_keys_that_need_a_roll(cluster: Cluster) -> None:
    # The default of num.partitions is 1: that value needs nothing.
    assert not call("kafka_configs", cluster, all_brokers={"num.partitions": 1, "auto.create.topics.enable": True}).changed
    wanted = {"all_brokers": {"num.partitions": 6, "log.flush.interval.messages": 1000}}
    refused = call("kafka_configs", cluster, **wanted)
    assert "cluster: num.partitions: it is '1', and '6' is wanted, but brokers read it only when they start" in refused.message
    assert refused.values["needs_roll"] == [{"item": "cluster", "key": "num.partitions", "wanted": "6", "running": "1"}]
    assert described(cluster, "all") == {"log.flush.interval.messages": "1000"}, "all else is done"
    told = call("kafka_configs", cluster, needs_roll="report", **wanted)
    assert not told.changed
    assert told["needs_roll"] == refused.values["needs_roll"]
    assert call("kafka_configs", cluster, reset_config=True).changed


def test_what_kafka_refuses(cluster: Cluster) -> None:
    for check in (True, False):
        refused = call(
            "kafka_configs", cluster, check=check, all_brokers={"num.io.threads": -1}, brokers={1: {"log.cleaner.threads": 2}, 9: {"log.cleaner.threads": 2}}
        )
        errors = {each["name"]: each.get("error", "") for each in refused.values["results"]}
        assert "InvalidRequestError" in errors["cluster"] or "InvalidConfigurationError" in errors["cluster"]
        assert errors["broker 9"] == "there is no such broker, or it is not alive; alive are 1"
        assert errors["broker 1"] == ""
        assert described(cluster, "1") == ({} if check else {"log.cleaner.threads": "2"})
    assert call("kafka_configs", cluster, brokers={1: {}}, reset_config=True).changed
    assert "brokers: 'one' is not a broker's id" in call("kafka_configs", cluster, brokers={"one": {}}).message


def test_a_listener_s_secret_shows_nowhere(newest: Cluster) -> None:
    secret = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="x" password="{"s3cret" * 3}";'
    wanted = {"brokers": {1: {"listener.name.sasl.scram-sha-512.sasl.jaas.config": secret}}}
    first = call("kafka_configs", newest, diff=True, **wanted)
    assert first.changes == {"broker 1": ["listener.name.sasl.scram-sha-512.sasl.jaas.config default -> (secret)"]}
    returned = {key: value for key, value in first.values.items() if key != "invocation"}
    assert "s3cret" not in repr(returned)
    assert not call("kafka_configs", newest, **wanted).changed
    assert call("kafka_configs", newest, update_secrets="always", **wanted).changed
    assert call("kafka_configs", newest, brokers={1: {}}, reset_config=True).changed
