"""Questions to a broker, each with its answer awaited: ends, begins, times, and reads from anywhere.

It follows nothing: who reads on gets the next records from `kafka_tails.py`. Threads share one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from streams.kafka_connection import Connection
from streams.kafka_words import can_wait, log_error, opening
from streams.log import Record

T = TypeVar("T")
SLICE_MS = 5_000
FETCH_WAIT_MS = 10
"""How long a broker may keep a fetch waiting for more: it is asked only for what is there."""


class Asker:
    """One consumer without a group. A broker that is away is waited for, `patience` ms long; then it is a LogError."""

    def __init__(self, connection: Connection, *, patience: int, within: int) -> None:
        self._connection = connection
        self._patience = patience
        self._reading = threading.Lock()
        self._consumer = consumer_of(connection, within=within, fetch_max_wait_ms=FETCH_WAIT_MS)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0 where there is none."""
        return len(self._ask(f"{topic} was not found", lambda _: self._consumer.partitions_for_topic(topic)))

    def begin(self, where: TopicPartition) -> int:
        ask = self._consumer.beginning_offsets
        return int(self._ask(_of("begin", where), lambda ms: ask([where], timeout_ms=ms))[where])

    def end(self, where: TopicPartition) -> int:
        ask = self._consumer.end_offsets
        return int(self._ask(_of("end", where), lambda ms: ask([where], timeout_ms=ms))[where])

    def offset_at(self, where: TopicPartition, at: int) -> int | None:
        """The first offset with that record time or a later one, None where there is none."""
        ask = self._consumer.offsets_for_times
        found = self._ask(_of("times", where), lambda ms: ask({where: max(at, 0)}, timeout_ms=ms))[where]
        return None if found is None else int(found.offset)

    def read(self, where: TopicPartition, since: int, until: int, limit: int) -> list[Record]:
        """At most `limit` records from `since` on; none only where there is none before `until`."""
        with self._reading:
            return records_of(self._ask(_of("records", where), lambda ms: self._read(where, since, until, limit, ms)))

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=1_000)

    def _read(self, where: TopicPartition, since: int, until: int, limit: int, within: int) -> Sequence[ConsumerRecord]:
        end = time.monotonic() + within / 1000
        if self._consumer.assignment() != {where}:
            self._consumer.assign([where])
            self._consumer.seek(where, since)
        elif self._consumer.position(where, timeout_ms=within) != since:
            self._consumer.seek(where, since)
        while time.monotonic() < end:
            found: Sequence[ConsumerRecord] = self._consumer.poll(100, max_records=limit).get(where, ())
            if found or self._consumer.position(where, timeout_ms=within) >= until:
                return found
        raise _Late(f"nothing came for {where.topic}[{where.partition}] from {since} on")

    def _ask(self, what: str, question: Callable[[int], T]) -> T:
        """The answer, however often it takes to get it."""
        end = time.monotonic() + self._patience / 1000
        while True:
            left = end - time.monotonic()
            try:
                return question(max(1, min(SLICE_MS, round(left * 1000))))
            except (KafkaError, _Late) as error:
                if left <= 0 or not (can_wait(error) or isinstance(error, _Late)):
                    raise log_error(self._connection, f"{what} can't be read", error) from error
                time.sleep(min(0.1, max(left, 0)))


class _Late(Exception):
    """No answer in one slice of time."""


def consumer_of(connection: Connection, *, within: int, fetch_max_wait_ms: int) -> KafkaConsumer:
    """A consumer without a group that sees what is committed, and starts at the begin where its place is gone."""
    with opening(connection, within):
        return KafkaConsumer(
            **connection.client(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=fetch_max_wait_ms,
            request_timeout_ms=10_000,
            bootstrap_timeout_ms=within,
            metrics_enabled=False,
        )


def records_of(found: Sequence[ConsumerRecord]) -> list[Record]:
    """What a consumer found, as records of a log."""
    return [Record(one.offset, one.timestamp, one.value or b"") for one in found]


def _of(what: str, where: TopicPartition) -> str:
    return f"the {what} of {where.topic}[{where.partition}]"
