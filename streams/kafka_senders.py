"""Appends to a broker: one append is one record batch, and done when every replica in sync has it.

kafka-python sends a batch whenever something of that broker is ready, so two threads that share a producer cut each
other's batches. Here each append has a producer for itself while it runs; producers are made when needed and kept.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.kafka_connection import Connection
from streams.kafka_words import log_error, opening

BATCH_BYTES = 4 << 20
"""Bytes of one batch: so much is atomic. A value that is larger goes alone."""
MESSAGE_BYTES = 8 << 20
"""The largest message that our topics take."""
MOST = 8
"""Producers at most, so appends side by side."""

_RECORD, _BATCH = 80, 100
"""Bytes that a record and a batch have beside their values, at most."""


class Senders:
    """Appends of many threads, side by side where their partitions differ, one after the other where not.

    A broker that is away is waited for, `patience` ms long; then the append is an error, and whether it was written is
    not known: as after any crash, who repeats it may write it twice.
    """

    def __init__(self, connection: Connection, *, patience: int, within: int) -> None:
        self._connection = connection
        self._patience = patience
        self._within = within
        self._orders: defaultdict[TopicPartition, threading.Lock] = defaultdict(threading.Lock)
        self._places = threading.BoundedSemaphore(MOST)
        self._idle: list[KafkaProducer] = []
        self._lock = threading.Lock()

    def send(self, where: TopicPartition, values: Sequence[bytes], at: int) -> int:
        """Append; the offset after the last of them. Pieces of BATCH_BYTES go one after the other, each acknowledged
        before the next. Raises LogError."""
        with self._lock:
            order = self._orders[where]
        topic, partition = where
        end = -1
        with order, self._named(where, len(values)), self._borrowed() as producer:
            for piece in pieces(values):
                sent = [producer.send(topic, value, partition=partition, timestamp_ms=at) for value in piece]
                producer.flush(self._patience / 1000 + 1)
                end = int(sent[-1].get(1).offset) + 1
        return end

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for producer in idle:
            producer.close(timeout=1)

    @contextmanager
    def _borrowed(self) -> Iterator[KafkaProducer]:
        with self._places:
            with self._lock:
                producer = self._idle.pop() if self._idle else None
            producer = producer or self._made()
            try:
                yield producer
            except BaseException:
                _drop(producer)  # what it still holds must not be sent later
                raise
            with self._lock:
                self._idle.append(producer)

    def _made(self) -> KafkaProducer:
        with opening(self._connection, self._within):
            return KafkaProducer(
                **self._connection.client(),
                acks="all",
                enable_idempotence=True,
                batch_size=BATCH_BYTES,
                max_request_size=MESSAGE_BYTES,
                linger_ms=self._patience // 3,  # nothing leaves before the whole append is there and flushed
                request_timeout_ms=min(15_000, self._patience // 3),
                delivery_timeout_ms=self._patience,
                max_block_ms=self._patience,
                bootstrap_timeout_ms=self._within,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )

    @contextmanager
    def _named(self, where: TopicPartition, count: int) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            what = f"{count} records were not appended to {where.topic}[{where.partition}] within "
            raise log_error(self._connection, f"{what}{self._patience / 1000:g} s", error) from error


def pieces(values: Sequence[bytes], most: int = BATCH_BYTES) -> Iterator[Sequence[bytes]]:
    """Values in order, cut so that each piece fits one batch.

    >>> [len(piece) for piece in pieces([b"x" * 500] * 5, most=2_000)]
    [3, 2]
    >>> [len(piece) for piece in pieces([b"x", b"y" * 3_000, b"z"], most=2_000)]
    [1, 1, 1]
    """
    first, size = 0, _BATCH
    for place, value in enumerate(values):
        bytes_ = len(value) + _RECORD
        if place > first and size + bytes_ > most:
            yield values[first:place]
            first, size = place, _BATCH
        size += bytes_
    if first < len(values):
        yield values[first:]


def _drop(producer: KafkaProducer) -> None:
    with suppress(KafkaError):  # it says that not all was sent, which is why it goes
        producer.close(timeout=0)
