# SPDX-License-Identifier: GPL-3.0-or-later
"""What the judge learns from kafka-python: the header of each batch, what is sent again, and what a refusal is."""

from __future__ import annotations

import logging
import pathlib
import socket
import struct
import subprocess
import sys
import types

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import KafkaTimeoutError, NotEnoughReplicasAfterAppendError, NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.record import MemoryRecords, MemoryRecordsBuilder
from load import clients
from load.account import Stored
from load.clients import REST, Connections, Headers, Retries, outcome, rested

BENCH = pathlib.Path(__file__).resolve().parents[3] / "bench"


def batch(base_offset: int, count: int, producer_id: int, epoch: int, sequence: int) -> bytes:
    """A batch as a broker hands it out: as a client made it, with the offset and the leader's epoch (5) that the broker wrote over its own."""
    builder = MemoryRecordsBuilder(2, 0, 1 << 16, 0, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)
    for number in range(count):
        builder.append(timestamp=1000, key=b"numbered", value=b"%d" % number)
    builder.close()
    made = bytearray(builder.buffer())
    struct.pack_into(">q", made, 0, base_offset)
    struct.pack_into(">i", made, 12, 5)
    return bytes(made)


def read(*batches: bytes, start: int = 0) -> tuple[Headers, list[int]]:
    """What a consumer's records tell of their batches, and the offsets that it hands on."""
    headers, consumer = Headers(), types.SimpleNamespace(_fetcher=types.SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))
    headers.watch(consumer)
    records = consumer._fetcher.PartitionRecords(start, TopicPartition("topic", 3), MemoryRecords(b"".join(batches)))
    return headers, [record.offset for record in records.take(100)]


def test_each_record_has_the_sequence_number_of_its_place_in_the_batch() -> None:
    headers, offsets = read(batch(10, 3, 77, 2, 40), batch(13, 1, 78, 0, 0))
    assert offsets == [10, 11, 12, 13]
    assert headers.stored([(3, 12, 5), (3, 13, 6)]) == [Stored(3, 12, 5, 77, 2, 42, 5), Stored(3, 13, 6, 78, 0, 0, 5)]


def test_records_without_a_producer_have_no_sequence_number() -> None:
    headers, _offsets = read(batch(10, 2, -1, -1, -1))
    (found,) = headers.stored([(3, 11, 5)])
    assert (found.producer_id, found.epoch, found.sequence) == (-1, -1, -1)


def test_what_clients_say_of_connections_is_written_down_while_the_load_runs() -> None:
    connections = Connections(lambda: 1.23456)
    logger, other = logging.getLogger("kafka.net.manager"), logging.getLogger("kafka.producer")
    logger.debug("before")
    connections.begin()
    logger.debug("connecting to node %s", 1)
    other.debug("of batches")
    connections.end()
    logger.debug("afterwards")
    assert connections.said == [(1.235, "MainThread", "connecting to node 1")]
    assert not logger.isEnabledFor(logging.DEBUG)


def test_a_place_of_which_no_batch_was_seen_has_no_header() -> None:
    headers, _offsets = read(batch(10, 2, 77, 0, 0))
    assert headers.stored([(4, 11, 5), (3, 9, 4)]) == [Stored(4, 11, 5), Stored(3, 9, 4)]


def test_a_consumer_that_begins_within_a_batch_knows_it_all_the_same() -> None:
    headers, offsets = read(batch(10, 3, 77, 2, 40), start=12)
    assert offsets == [12]
    assert headers.stored([(3, 12, 5)])[0].sequence == 42


def test_what_is_sent_again_is_counted_by_its_error() -> None:
    counted = Retries()
    logger = logging.getLogger("kafka.producer.sender.of-this-test")
    logger.addHandler(counted)
    # As kafka-python's sender says it.
    text = "%s: Got error produce response on topic-partition %s, retrying (%s attempts left): %s%s"
    where = TopicPartition("topic", 3)
    logger.warning(text, "<Sender>", where, float("inf"), "NotLeaderForPartitionError", ". Error Message: none")
    logger.warning(text, "<Sender>", where, float("inf"), "NotLeaderForPartitionError", "")
    logger.warning(text, "<Sender>", where, 5, "KafkaConnectionError", "")
    logger.warning("%s: Failed to produce messages to topic-partition %s: %s", "<Sender>", where, "KafkaTimeoutError")
    assert dict(counted.found) == {"NotLeaderForPartitionError": 2, "KafkaConnectionError": 1}


@pytest.mark.parametrize(("took", "slept"), [(0.0, REST), (REST / 4, REST * 3 / 4), (REST * 2, 0.0)])
def test_a_producer_does_not_look_again_at_once(monkeypatch: pytest.MonkeyPatch, took: float, slept: float) -> None:
    polled, rests, clock = [], [], [0.0]

    def poll(timeout_ms: float, future: object) -> None:
        polled.append((timeout_ms, future))
        clock[0] += took

    monkeypatch.setattr(clients, "time", types.SimpleNamespace(monotonic=lambda: clock[0], sleep=rests.append))
    producer = types.SimpleNamespace(_sender=types.SimpleNamespace(_client=types.SimpleNamespace(poll=poll)))
    assert rested(producer) is producer
    # As kafka-python's sender calls it.
    producer._sender._client.poll(timeout_ms=100)
    assert polled == [(100, None)]
    assert rests == [pytest.approx(slept)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotEnoughReplicasError("x"), "refused"),
        (NotEnoughReplicasAfterAppendError("x"), "refused"),
        (NotLeaderForPartitionError("x"), "NotLeaderForPartitionError"),
        (KafkaTimeoutError("x"), "KafkaTimeoutError"),
    ],
)
def test_what_a_refusal_is(error: Exception, expected: str) -> None:
    assert outcome(error) == expected


def test_the_command_says_what_is_wrong_and_no_traceback(tmp_path: pathlib.Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "load", "--topic", "t", *arguments]
        return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=False, timeout=60)

    wrong = tmp_path / "client.json"
    wrong.write_text("{", encoding="utf-8")
    done = run("--bootstrap-servers", "127.0.0.1:1", "--client-config", str(wrong))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert done.stderr.startswith("could not measure: ")

    options = tmp_path / "short.json"
    options.write_text('{"bootstrap_timeout_ms": 500}', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = run("--bootstrap-servers", f"127.0.0.1:{port}", "--client-config", str(options))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "could not measure: " in done.stderr
