"""Lanes by a consumer group, so that many sequencers share the partitions and one that dies is replaced.

The group stands over one raw topic and reads nothing of it: its assignment, cooperative and sticky, says who runs
which lane, and so the partitions of all other topics go with it. Its offsets are told for those who watch the lag;
where a lane goes on stands in its frames.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError

from streams.errors import LogError
from streams.kafka_connection import Connection
from streams.kafka_words import can_wait, log_error
from streams.positions import Positions

TOPIC = "impressions"
GROUP = "headrace-sequence"
SESSION_MS, HEARTBEAT_MS = 15_000, 1_000
WAIT_MS = 2_000
"""Above a heartbeat: a shorter wait gives up each join before the other members have heard of it."""
TELL_S = 5.0


class GroupLanes:
    """The Lanes contract over Kafka. A thread keeps the membership, so turns may take as long as they like.

    `name`, where given, makes the membership static: who comes back under it within `session_ms` gets its lanes again,
    and nobody else's move. Raises LogError where the broker is not there at the start.
    """

    shared = True

    def __init__(self, connection: Connection, *, name: str | None = None, session_ms: int = SESSION_MS) -> None:
        self._connection = connection
        self._owned: frozenset[int] = frozenset()
        self._told: dict[str, Positions] = {}
        self._failure: LogError | None = None
        self._closed = threading.Event()
        try:
            self._group = KafkaConsumer(
                group_id=connection.topic(GROUP),
                group_instance_id=name,
                partition_assignment_strategy=[CooperativeStickyAssignor],
                enable_auto_commit=False,
                auto_offset_reset="latest",
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=HEARTBEAT_MS,
                **connection.client(),
            )
            self._group.subscribe([connection.topic(TOPIC)])
        except KafkaError as error:
            raise log_error(connection, "the sequencers' group can't be joined", error) from error
        self._thread = threading.Thread(target=self._keep, name="headrace-lanes", daemon=True)
        self._thread.start()

    def owned(self) -> frozenset[int]:
        """Raises LogError where the membership was lost for good."""
        if self._failure is not None:
            raise self._failure
        return self._owned

    def tell(self, positions: dict[str, Positions]) -> None:
        self._told = positions

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _keep(self) -> None:
        told_at = time.monotonic()
        while not self._closed.is_set():
            try:
                self._group.poll(WAIT_MS if not self._owned else HEARTBEAT_MS)
                assigned = self._group.assignment()
                self._group.pause(*(assigned - self._group.paused()))
                self._owned = frozenset(place.partition for place in assigned)
            except KafkaError as error:
                if not can_wait(error):
                    self._failure = log_error(self._connection, "the sequencers' group was lost", error)
                    break
            if time.monotonic() - told_at >= TELL_S:
                told_at = time.monotonic()
                self._commit()
        self._commit()
        self._owned = frozenset()
        self._group.close(autocommit=False, timeout_ms=WAIT_MS)

    def _commit(self) -> None:
        """A commit that fails is only a hint less."""
        offsets = {
            TopicPartition(self._connection.topic(topic), p): OffsetAndMetadata(next, "", -1)
            for topic, places in self._told.items()
            for p, next in places.items()
        }
        with suppress(KafkaError):
            if offsets:
                self._group.commit(offsets, timeout_ms=WAIT_MS)
