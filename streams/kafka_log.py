"""The log on a broker: one Kafka topic per log, through kafka-python.

It makes no topic (`kafka_topics.py` does) and has no consumer group: readers keep their own positions. What the broker
does with a loss of power is the matter of its replication.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from streams.errors import LogError, LogMismatch
from streams.kafka_asker import Asker, consumer_of
from streams.kafka_connection import Connection
from streams.kafka_senders import Senders
from streams.kafka_tails import POLL_MS, Tails
from streams.kafka_words import log_error, opening
from streams.log import Record

PATIENCE_MS = 180_000
OPENING_MS = 15_000


@dataclass(slots=True)
class _Told:
    """What one partition's readers and writers were told: the largest end, and where the last read stopped."""

    end: int = 0
    read_to: int = -1


class KafkaLog:
    """The Log contract over one topic. Threads may share it; a fork may not.

    `end`, `begin` and `offset_at` ask the broker. A read first looks at what was followed; the broker is asked where
    the place is another one, or where it is known that there is more. Who reads on from where the last read stopped is
    followed from then on. A broker that is away: reads at the end are empty, all else waits.
    """

    def __init__(self, topic: str, partitions: int, *, name: str, broker: Broker) -> None:
        self.topic = topic
        self.partitions = partitions
        self._places = [TopicPartition(name, p) for p in range(partitions)]
        self._told = [_Told() for _ in range(partitions)]
        self._broker = broker

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        """Append `values` as one record batch with record time `at`, acknowledged by all replicas in sync."""
        where = self._where(partition)
        if not values:
            return self.end(partition)
        return self._tell(partition, self._broker.senders.send(where, values, at))

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        where, told, since = self._where(partition), self._told[partition], max(since, 0)
        found = self._broker.tails.take(where, since, limit, told.end)
        if found is not None:
            return found
        end = self.end(partition)
        if since > end:
            return []
        records = self._broker.asker.read(where, since, end, limit) if since < end else []
        goes_on, told.read_to = told.read_to == since, records[-1].offset + 1 if records else end
        if goes_on or not records:
            self._broker.tails.follow(where, told.read_to)
        return records

    def begin(self, partition: int) -> int:
        return self._broker.asker.begin(self._where(partition))

    def end(self, partition: int) -> int:
        return self._tell(partition, self._broker.asker.end(self._where(partition)))

    def offset_at(self, partition: int, at: int) -> int:
        found = self._broker.asker.offset_at(self._where(partition), at)
        return self.end(partition) if found is None else found

    def trim(self, partition: int, before: int) -> None:
        """Take away what lies below `before` but the last record, by delete_records."""
        where = self._where(partition)
        wanted = min(before, self.end(partition) - 1)
        if wanted > self.begin(partition):
            self._broker.trim(where, wanted)

    def close(self) -> None:
        """Its clients are those of all logs; KafkaLogs closes them."""

    def _where(self, partition: int) -> TopicPartition:
        if not 0 <= partition < self.partitions:
            raise IndexError(f"{self.topic} has partitions 0 to {self.partitions - 1}; {partition} was asked for")
        return self._places[partition]

    def _tell(self, partition: int, end: int) -> int:
        told = self._told[partition]
        told.end = max(told.end, end)
        return end


class Broker:
    """The clients that all logs of one deployment share, each made when it is first needed, `within` ms."""

    def __init__(self, connection: Connection, *, patience: int, within: int) -> None:
        self.connection = connection
        self._patience = patience
        self._within = within
        self.senders = Senders(connection, patience=patience, within=within)
        self.tails = Tails(lambda: consumer_of(connection, within=within, fetch_max_wait_ms=POLL_MS))

    @cached_property
    def asker(self) -> Asker:
        return Asker(self.connection, patience=self._patience, within=self._within)

    @cached_property
    def _admin(self) -> KafkaAdminClient:
        with opening(self.connection, self._within):
            return KafkaAdminClient(**self.connection.client(), bootstrap_timeout_ms=self._within)

    def trim(self, where: TopicPartition, before: int) -> None:
        try:
            self._admin.delete_records({where: before}, timeout_ms=self._patience)
        except KafkaError as error:
            raise log_error(self.connection, f"{where.topic}[{where.partition}] was not trimmed", error) from error

    def close(self) -> None:
        self.tails.close()
        self.senders.close()
        if "_admin" in self.__dict__:
            self._admin.close()
        if "asker" in self.__dict__:
            self.asker.close()


class KafkaLogs:
    """All topics of one deployment on its broker; each is opened once and shared.

    `patience` ms long a broker that went away is waited for, `opening` ms one that was never there.
    """

    def __init__(self, connection: Connection, *, patience: int = PATIENCE_MS, opening: int = OPENING_MS) -> None:
        self.connection = connection
        self._broker = Broker(connection, patience=patience, within=opening)
        self._logs: dict[str, KafkaLog] = {}
        self._opening = threading.Lock()

    def open(self, topic: str, partitions: int) -> KafkaLog:
        """The log of a topic. Raises LogError where it does not exist, LogMismatch where it has other partitions."""
        with self._opening:
            log = self._logs.get(topic)
            if log is None or log.partitions != partitions:
                self._check(topic, partitions)
                name = self.connection.topic(topic)
                log = self._logs[topic] = KafkaLog(topic, partitions, name=name, broker=self._broker)
            return log

    def close(self) -> None:
        self._broker.close()
        self._logs.clear()

    def _check(self, topic: str, partitions: int) -> None:
        name, servers = self.connection.topic(topic), self.connection.servers
        found = self._broker.asker.partitions(name)
        if not found:
            raise LogError(f"{servers}: there is no topic {name}. Make the topics: `headrace topics init`")
        if found != partitions:
            raise LogMismatch(
                f"{servers}: {name} has {found} partitions, but {partitions} are asked for; keys would not be found "
                f"where they are. Set partitions = {found} in headrace.toml, or begin a new log under another prefix: "
                f"`headrace up --log kafka://{servers}/NEW_PREFIX`"
            )
