# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends, probes and reads with kafka-python; what came of it is accounted for in ``account.py``."""

from __future__ import annotations

import bisect
import collections
import logging
import re
import threading
import time
import typing as t

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import KafkaError, NotEnoughReplicasAfterAppendError, NotEnoughReplicasError

from load.account import Account, Probe, Sent, Stored, account

NUMBERED, PROBE, FILL = b"numbered", b"probe", b"fill"
REFUSED = (NotEnoughReplicasError, NotEnoughReplicasAfterAppendError)
# kafka-python goes up to 30 s between two attempts to connect; Kafka's own clients wait no longer than a second.
PATIENCE = {"reconnect_backoff_max_ms": 1000}
REST = 0.002
"""For how many seconds a producer's sender does not look again whether something happened."""
Options = t.Dict[str, t.Any]  # noqa: UP006


class JudgeError(Exception):
    """The measurement could not be made."""


class Retries(logging.Handler):
    """Counts how often the producer sent a batch again, by the error that it was answered with."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: collections.Counter[str] = collections.Counter()

    def emit(self, record: logging.LogRecord) -> None:
        again = re.search(r", retrying \(.* left\): (\w+)", record.getMessage())
        if again:
            self.found[again[1]] += 1


class Connections(logging.Handler):
    """Writes down what the clients say of connections and of asking for leaders: a partition may wait for its client, too.

    ``now``: the clock of the load.
    """

    LOGGERS = ("kafka.cluster", "kafka.net.inet", "kafka.net.manager")

    def __init__(self, now: t.Callable[[], float]) -> None:
        super().__init__(logging.DEBUG)
        self._now = now
        self.said: list[tuple[float, str, str]] = []
        """Seconds, the thread, and what was said."""

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((round(self._now(), 3), str(record.threadName), record.getMessage()))

    def begin(self) -> None:
        for name in self.LOGGERS:
            logging.getLogger(name).addHandler(self)
            logging.getLogger(name).setLevel(logging.DEBUG)

    def end(self) -> None:
        for name in self.LOGGERS:
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).setLevel(logging.NOTSET)


def rested(producer: KafkaProducer) -> KafkaProducer:
    """A producer that leaves processors to the brokers while it waits for them.

    While a partition has something to send and may not send it yet, and while a broker's end of a connection is gone, kafka-python's sender looks
    again without a pause: a processor of its own, which on a small machine is half of what the brokers have to change a leader.
    """
    client = producer._sender._client
    poll = client.poll

    def poll_and_rest(timeout_ms: float | None = None, future: t.Any = None) -> None:
        until = time.monotonic() + REST
        poll(timeout_ms, future)
        time.sleep(max(0.0, until - time.monotonic()))

    client.poll = poll_and_rest
    return producer


class Headers:
    """Notes the header of each batch that a consumer unpacks, which kafka-python does not hand on with the records."""

    def __init__(self) -> None:
        self._batches: dict[int, dict[int, tuple[int, int, int, int]]] = collections.defaultdict(dict)

    def watch(self, consumer: KafkaConsumer) -> None:
        """Let the consumer's records pass by here."""
        note = self._note

        class Noting(Fetcher.PartitionRecords):
            """As the library unpacks them."""

            def _unpack_records(self, tp: TopicPartition, records: t.Any, *deserializers: t.Any) -> t.Any:
                return super()._unpack_records(tp, _Passing(records, tp.partition, note), *deserializers)

        consumer._fetcher.PartitionRecords = Noting

    def _note(self, partition: int, batch: t.Any) -> None:
        self._batches[partition][batch.base_offset] = (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.leader_epoch)

    def stored(self, places: t.Iterable[tuple[int, int, int]]) -> list[Stored]:
        """Records (partition, offset, number) with what their batch's header says."""
        starts = {partition: sorted(batches) for partition, batches in self._batches.items()}
        found = []
        for partition, offset, number in places:
            before = bisect.bisect_right(starts.get(partition, []), offset)
            if not before:
                found.append(Stored(partition, offset, number))
                continue
            base = starts[partition][before - 1]
            producer_id, epoch, sequence, leader_epoch = self._batches[partition][base]
            found.append(Stored(partition, offset, number, producer_id, epoch, sequence + offset - base if sequence >= 0 else -1, leader_epoch))
        return found


class _Passing:
    """The records of an answer, one batch after the other."""

    def __init__(self, records: t.Any, partition: int, note: t.Callable[[int, t.Any], None]) -> None:
        self._records, self._partition, self._note = records, partition, note

    def next_batch(self) -> t.Any:
        batch = self._records.next_batch()
        if batch is not None and batch.magic == 2:
            self._note(self._partition, batch)
        return batch


class Load:
    """Sends numbered messages to every partition of a topic in turn, until it is told to stop or its time or count is over.

    Use it as a context; afterwards ``account()`` reads the topic and says what became of the messages. Messages that stood in the
    topic before do not count.
    """

    def __init__(self, options: Options, topic: str, *, rate: float = 300, seconds: float = 600, messages: int = 300_000, size: int = 100) -> None:
        self._options, self.topic = {**options, **PATIENCE}, topic
        self._rate, self._seconds, self._messages, self._size = rate, seconds, messages, size
        self.sent: list[Sent] = []
        self.probes: list[Probe] = []
        self.retries = Retries()
        self.connections = Connections(self.now)
        self.producers: set[tuple[int, int]] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._probe)]
        self._trouble: list[str] = []
        self._begin_offsets: dict[TopicPartition, int] = {}
        self._begun = self._end = 0.0
        self.started = ""

    def __enter__(self) -> Load:
        consumer = KafkaConsumer(enable_auto_commit=False, **self._options)
        try:
            # Not every broker knows at once of a topic that was made just now.
            deadline = time.monotonic() + 10
            while not (numbers := consumer.partitions_for_topic(self.topic)) and time.monotonic() < deadline:
                time.sleep(0.2)
            places = [TopicPartition(self.topic, number) for number in sorted(numbers or ())]
            if not places:
                raise JudgeError(f"there is no topic {self.topic}: create it with three replicas and min.insync.replicas 2")
            self._begin_offsets = consumer.end_offsets(places)
        finally:
            consumer.close()
        logging.getLogger("kafka").addHandler(self.retries)
        self.started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._begun = time.monotonic()
        self.connections.begin()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._end = self.now()
        self.connections.end()
        logging.getLogger("kafka").removeHandler(self.retries)

    def now(self) -> float:
        """Seconds since the load began: the clock of its report."""
        return time.monotonic() - self._begun

    def acknowledged(self) -> int:
        return sum(1 for each in self.sent if each.acknowledged)

    def wait(self) -> None:
        """Until everything was sent that is to be sent."""
        self._threads[0].join()

    @property
    def sending(self) -> bool:
        """Whether neither its time nor its count is over."""
        return self._threads[0].is_alive()

    def _partitions(self) -> list[int]:
        return [place.partition for place in self._begin_offsets]

    def _send(self) -> None:
        try:
            producer = rested(KafkaProducer(acks="all", enable_idempotence=True, delivery_timeout_ms=240_000, **self._options))
        except KafkaError as error:
            self._trouble.append(f"the producer could not start: {error!r}")
            return
        partitions = self._partitions()
        try:
            # That a producer has to connect and to get an id first is no fault of the cluster.
            for future in [producer.send(self.topic, b"", key=FILL, partition=number) for number in partitions]:
                future.get(timeout=60)
        except KafkaError as error:
            self._trouble.append(f"nothing is acknowledged: {error!r}")
            return
        begun = self.now()
        for count in range(self._messages):
            # What was late is made up for, so that a producer that was held up does not send less.
            if self._stop.wait(max(0.0, begun + count / self._rate - self.now())) or self.now() > self._seconds:
                break
            each = Sent(partitions[count % len(partitions)], count // len(partitions), self.now())
            self.sent.append(each)
            value = b"%d %d" % (each.number, time.time_ns())
            try:
                future = producer.send(self.topic, value.ljust(self._size), key=NUMBERED, partition=each.partition)
            except KafkaError as error:
                self._failed(each, error)
                continue
            future.add_callback(lambda metadata, each=each: self._done(each, metadata.offset))
            future.add_errback(lambda error, each=each: self._failed(each, error))
        try:
            producer.flush(timeout=250)
        except KafkaError as error:
            self._trouble.append(f"not everything was answered at the end: {error!r}")
        producer.close(timeout=10)

    def _done(self, each: Sent, offset: int) -> None:
        each.offset = offset
        each.done = self.now()

    def _failed(self, each: Sent, error: BaseException) -> None:
        each.error = type(error).__name__
        each.done = self.now()

    def _probe(self, interval: float = 0.25) -> None:
        """Sends each partition a message that is never sent again, one at a time."""
        try:
            limits = {"request_timeout_ms": 3000, "delivery_timeout_ms": 4000, "max_block_ms": 4000}
            producer = rested(KafkaProducer(acks="all", enable_idempotence=False, retries=0, **limits, **self._options))
        except KafkaError as error:
            self._trouble.append(f"the probe could not start: {error!r}")
            return
        waiting: dict[int, float] = {}
        due = dict.fromkeys(self._partitions(), 0.0)

        def answered(partition: int, at: float, came: str) -> None:
            self.probes.append(Probe(partition, at, came))
            waiting.pop(partition, None)

        while not self._stop.wait(0.02) and self.now() < self._seconds:
            for partition, when in due.items():
                at = self.now()
                if at < when or partition in waiting:
                    continue
                due[partition], waiting[partition] = at + interval, at
                try:
                    future = producer.send(self.topic, b"%d" % time.time_ns(), key=PROBE, partition=partition)
                except KafkaError as error:
                    answered(partition, at, type(error).__name__)
                    continue
                future.add_callback(lambda _metadata, partition=partition, at=at: answered(partition, at, "ok"))
                future.add_errback(lambda error, partition=partition, at=at: answered(partition, at, outcome(error)))
        producer.close(timeout=10)

    def read(self, timeout: float = 120) -> tuple[list[Stored], int]:
        """All numbered messages of this load, as often as the reader is given them, and how many records it did not get in time."""
        deadline = time.monotonic() + timeout
        newest: collections.Counter[int] = collections.Counter()
        for each in self.sent:
            newest[each.partition] = max(newest[each.partition], each.offset)
        headers = Headers()
        consumer = KafkaConsumer(enable_auto_commit=False, auto_offset_reset="none", check_crcs=True, **self._options)
        try:
            places = list(self._begin_offsets)
            consumer.assign(places)
            headers.watch(consumer)
            for place, offset in self._begin_offsets.items():
                consumer.seek(place, offset)
            # A new leader may show readers less than is acknowledged for a moment: it learns from its followers how far they are.
            ends = consumer.end_offsets(places)
            while any(ends[place] <= newest[place.partition] for place in places) and time.monotonic() < deadline - timeout / 2:
                consumer.poll(timeout_ms=0, max_records=1, update_offsets=False)
                time.sleep(0.2)
                ends = consumer.end_offsets(places)
            found: list[tuple[int, int, int]] = []
            while any(consumer.position(place) < ends[place] for place in places) and time.monotonic() < deadline:
                for records in consumer.poll(timeout_ms=500).values():
                    found += [(record.partition, record.offset, int(record.value.split()[0])) for record in records if record.key == NUMBERED]
            unread = sum(max(0, ends[place] - consumer.position(place)) for place in places)
        finally:
            consumer.close()
        stored = headers.stored(found)
        self.producers = {(record.producer_id, record.epoch) for record in stored}
        return stored, unread

    def account(self, begun: float = 0.0) -> Account:
        """Read the topic and account for everything that was sent. ``begun``: when what is measured began."""
        if self._trouble:
            raise JudgeError("; ".join(self._trouble))
        stored, unread = self.read()
        return account(self.sent, stored, self._end, self.probes, unread, begun)

    def report(self, found: Account) -> dict[str, t.Any]:
        """The account with what was measured beside it, for JSON."""
        outcomes = collections.Counter(probe.outcome for probe in self.probes)
        return {
            "started": self.started,
            "seconds": round(self._end, 3),
            "topic": self.topic,
            "partitions": len(self._begin_offsets),
            "rate": self._rate,
            "probes": dict(outcomes),
            "sent_again": dict(self.retries.found),
            "producers": sorted(self.producers),
            "connections": self.connections.said,
            **found.report(),
        }


def outcome(error: BaseException) -> str:
    """What an error of a probe means."""
    return "refused" if isinstance(error, REFUSED) else type(error).__name__


def create_topic(options: Options, topic: str, partitions: int) -> None:
    """Create a topic of three replicas that takes writes as long as two are in sync; wait until all partitions have a leader."""
    admin = KafkaAdminClient(**options)
    try:
        # What it leaves is removed right after it, not a minute later, while the next one is measured.
        configs = {"min.insync.replicas": "2", "file.delete.delay.ms": "0"}
        wanted = {"num_partitions": partitions, "replication_factor": 3, "configs": configs}
        admin.create_topics({topic: wanted}, wait_for_metadata=True)
    finally:
        admin.close()


def fill(options: Options, topic: str, mebibytes: int, timeout: float = 300) -> None:
    """Write messages that are not numbered, so that a replaced broker has something to fetch."""
    producer = KafkaProducer(acks="all", enable_idempotence=True, linger_ms=20, batch_size=512 * 1024, **options)
    try:
        partitions = sorted(producer.partitions_for(topic))
        futures = [producer.send(topic, bytes(256 * 1024), key=FILL, partition=partitions[number % len(partitions)]) for number in range(mebibytes * 4)]
        producer.flush(timeout=timeout)
        for future in futures:
            future.get(timeout=1)
    finally:
        producer.close(timeout=10)
