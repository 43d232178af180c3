# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_users against real brokers: who can log in afterwards, and what Kafka's own ``ConfigCommand`` tells of quotas."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_road
from brokers import Cluster
from conftest import call, thrice

CONFIG_COMMAND = "kafka.admin.ConfigCommand"


def can_log_in(cluster: Cluster, user: str, password: str, mechanism: str = "SCRAM-SHA-512") -> bool:
    """Whether a client gets through the SASL listener."""
    security = _kafka_road.Security("SASL_PLAINTEXT", mechanism=mechanism, username=user, password=password)
    try:
        with _kafka_road.Road(_kafka_road.Settings("test", (cluster.address("SASL"),), security, timeout=3)) as road:
            return bool(road.cluster_id)
    except _kafka_road.RoadError:
        return False


def limits(cluster: Cluster, *entity: str) -> dict[str, float]:
    """The limits of an entity as Kafka's own tool tells them."""
    text = cluster.tool(CONFIG_COMMAND, "--describe", *entity)
    return {key: float(value) for key, value in re.findall(r"([a-z_]+)=([\d.E]+)", text.rpartition(" are ")[2]) if not key.startswith("SCRAM")}


def test_a_user_comes_changes_and_goes(cluster: Cluster, name: str) -> None:
    first = {"name": name, "password": f"first-{name}", "mechanisms": ["SCRAM-SHA-512", "SCRAM-SHA-256"]}
    foretold = call("kafka_users", cluster, check=True, users=[first])
    assert foretold.changed
    assert foretold["records"] == {}
    assert not can_log_in(cluster, name, first["password"])

    done = call("kafka_users", cluster, diff=True, users=[first])
    assert done.changes == foretold.changes == {name: ["set SCRAM-SHA-512 (new)", "set SCRAM-SHA-256 (new)"]}
    assert can_log_in(cluster, name, first["password"])
    assert can_log_in(cluster, name, first["password"], "SCRAM-SHA-256")
    assert not can_log_in(cluster, name, "guessed")
    records = done["records"]
    assert not call("kafka_users", cluster, users=[first], records=records).changed
    assert first["password"] not in repr(done.values)

    second = {**first, "password": f"second-{name}", "mechanisms": ["SCRAM-SHA-512"], "iterations": 8192}
    changed = call("kafka_users", cluster, users=[second], records=records)
    assert changed.changes == {name: ["set SCRAM-SHA-512 (iterations 4096 -> 8192)", "remove SCRAM-SHA-256"]}
    assert can_log_in(cluster, name, second["password"])
    assert not can_log_in(cluster, name, first["password"])
    assert not can_log_in(cluster, name, first["password"], "SCRAM-SHA-256")
    assert list(changed["records"][name]) == ["SCRAM-SHA-512"]

    third = {**second, "password": f"third-{name}"}
    changed = call("kafka_users", cluster, users=[third], records=changed["records"])
    assert changed.changes == {name: ["set SCRAM-SHA-512 (another password)"]}
    assert can_log_in(cluster, name, third["password"])
    # Whoever has lost the records sets the password once more, and has records again.
    assert call("kafka_users", cluster, users=[third]).changes == {name: ["set SCRAM-SHA-512 (no record of the password)"]}
    # Only a new user gets a password.
    assert not call("kafka_users", cluster, users=[{**third, "password": "x"}], update_password="on_create").changed
    assert can_log_in(cluster, name, third["password"])

    gone = call("kafka_users", cluster, users=[{"name": name, "state": "absent"}], records=changed["records"])
    assert gone.changes == {name: ["remove SCRAM-SHA-512"]}
    assert gone["records"][name] == {}
    assert not can_log_in(cluster, name, third["password"])
    assert not call("kafka_users", cluster, users=[{"name": name, "state": "absent"}]).changed


def test_a_password_that_stands_in_its_record(newest: Cluster, name: str) -> None:
    """Passwords are crossed out in all that is told, but for the records: else they would belong to no password any more."""
    user = {"name": name, "password": "4"}
    made = call("kafka_users", newest, users=[user])
    assert made["records"][name]["SCRAM-SHA-512"].startswith("4096$")
    assert not call("kafka_users", newest, users=[user], records=made["records"]).changed


def test_purge(cluster: Cluster, name: str) -> None:
    users = [{"name": f"{name}-{number}", "password": "secret"} for number in range(3)]
    made = call("kafka_users", cluster, users=users)
    assert made.changed
    too_many = call("kafka_users", cluster, users=users[:1], records=made["records"], purge={"pattern": f"{name}-.*", "limit": 1})
    assert "purge would delete 2 users, and purge.limit is 1" in too_many.message
    assert can_log_in(cluster, f"{name}-2", "secret")
    purged = call("kafka_users", cluster, users=users[:1], records=made["records"], purge={"pattern": f"{name}-.*", "limit": 2})
    assert set(purged.changes) == {f"{name}-1", f"{name}-2"}
    assert can_log_in(cluster, f"{name}-0", "secret")
    assert not can_log_in(cluster, f"{name}-2", "secret")


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ([{"name": "a"}], "user a has no password"),
        ([{"name": "a", "password": "x", "iterations": 100}], "user a: iterations is 100; Kafka accepts 4096 to 16384"),
        ([{"name": "a", "password": "x"}] * 2, "more than once on the list of users: a"),
    ],
)
def test_a_wrong_list_is_refused_as_a_whole(newest: Cluster, name: str, users: list[dict[str, t.Any]], message: str) -> None:
    assert message in call("kafka_users", newest, users=[{"name": name, "password": "secret"}, *users]).message
    assert not can_log_in(newest, name, "secret")


def test_what_kafka_refuses_and_the_rest(cluster: Cluster, name: str) -> None:
    good = {"name": name, "password": "secret"}
    refused = call("kafka_users", cluster, users=[good, {**good, "name": ""}, {**good, "name": f"{name}-2"}])
    assert set(refused.changes) == set(refused.values["records"]) == {name, f"{name}-2"}
    assert "UnacceptableCredentialError" in refused.message
    assert can_log_in(cluster, name, "secret")
    assert can_log_in(cluster, f"{name}-2", "secret")


ENTITIES: list[tuple[dict[str, str], tuple[str, ...], dict[str, float]]] = [
    ({"user": "NAME"}, ("--entity-type", "users", "--entity-name", "NAME"), {"producer_byte_rate": 1000000, "consumer_byte_rate": 2000000}),
    ({"client_id": "NAME"}, ("--entity-type", "clients", "--entity-name", "NAME"), {"request_percentage": 150, "controller_mutation_rate": 5}),
    (
        {"user": "NAME", "client_id": "<default>"},
        ("--entity-type", "users", "--entity-name", "NAME", "--entity-type", "clients", "--entity-default"),
        {"producer_byte_rate": 5000},
    ),
    ({"user": "<default>"}, ("--entity-type", "users", "--entity-default"), {"consumer_byte_rate": 7000000}),
    ({"client_id": "<default>"}, ("--entity-type", "clients", "--entity-default"), {"producer_byte_rate": 8000000}),
    ({"ip": "192.0.2.9"}, ("--entity-type", "ips", "--entity-name", "192.0.2.9"), {"connection_creation_rate": 10}),
    ({"ip": "<default>"}, ("--entity-type", "ips", "--entity-default"), {"connection_creation_rate": 1000}),
]


def test_quotas_of_every_entity(cluster: Cluster, name: str) -> None:
    def put(words: t.Any) -> t.Any:
        return tuple(word.replace("NAME", name) for word in words) if isinstance(words, tuple) else {k: v.replace("NAME", name) for k, v in words.items()}

    call("kafka_users", cluster, purge_quotas=100)  # what other tests left
    wanted = [{**put(who), **values} for who, _arguments, values in ENTITIES]
    done = thrice("kafka_users", cluster, quotas=wanted)
    assert f"user={name}, client-id=<default>" in done.changes
    assert len(done.changes) == len(ENTITIES)
    for _who, arguments, values in ENTITIES:
        assert limits(cluster, *put(arguments)) == values

    # One limit changes, one goes; whole entities go by name and by purge.
    changed = call("kafka_users", cluster, diff=True, quotas=[{"user": name, "producer_byte_rate": 42}])
    assert changed.changes == {f"user={name}": ["consumer_byte_rate 2000000 -> none; producer_byte_rate 1000000 -> 42"]}
    assert limits(cluster, *put(ENTITIES[0][1])) == {"producer_byte_rate": 42}
    assert call("kafka_users", cluster, quotas=[{"ip": "192.0.2.9", "state": "absent"}]).changes == {"ip=192.0.2.9": ["connection_creation_rate 10 -> none"]}
    assert "purge would delete 5 quotas" in call("kafka_users", cluster, quotas=[{"user": name, "producer_byte_rate": 42}], purge_quotas=3).message
    assert len(call("kafka_users", cluster, quotas=[{"user": name, "producer_byte_rate": 42}], purge_quotas=5).changes) == 5
    assert call("kafka_users", cluster, purge_quotas=1).changes == {f"user={name}": ["producer_byte_rate 42 -> none"]}
    assert not call("kafka_users", cluster, purge_quotas=0).changed


def test_wrong_quotas(cluster: Cluster, name: str) -> None:
    call("kafka_users", cluster, purge_quotas=100)  # what other tests left
    good = {"user": name, "producer_byte_rate": 1000}
    for check in (True, False):
        refused = call("kafka_users", cluster, check=check, quotas=[good, {"ip": "192.0.2.9", "producer_byte_rate": 1}])
        assert refused.failed
        assert "producer_byte_rate" in refused.message
        assert limits(cluster, "--entity-type", "users", "--entity-name", name) == ({} if check else {"producer_byte_rate": 1000})
    assert "a quota names nobody" in call("kafka_users", cluster, quotas=[{"producer_byte_rate": 1}]).message
    assert "cannot be one of a user or client too" in call("kafka_users", cluster, quotas=[{"ip": "192.0.2.9", "user": "a"}]).message
    assert call("kafka_users", cluster, purge_quotas=1).changed
