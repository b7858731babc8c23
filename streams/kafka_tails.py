"""Partitions followed where they are read: the next records are in memory before anybody asks for them.

One thread and one consumer for all of them. It is a cache and no more: what it does not have, `kafka_asker.py` reads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from streams.errors import LogError
from streams.kafka_asker import records_of
from streams.kafka_window import Window
from streams.log import Record

POLL_MS = 250
"""Longest wait for news; also how long a partition that is new here may wait for its first look."""
AHEAD = 4 << 20
"""Bytes of one partition that lie ready; then it stands still until half of them are read."""
HOLD_S = 1.0
"""As long as somebody reads a window, nobody else may move it."""
FORGET_S = 60.0
"""A window that nobody reads is given up."""
CATCH_UP_S = 0.25
AWAY_S = 0.5


@dataclass(slots=True)
class _Tail:
    window: Window
    read_to: int
    read_at: float = field(default_factory=time.monotonic)
    stopped: bool = False


class Tails:
    """What is followed, and its windows. `make` makes the consumer, on the thread that uses it.

    A broker that is away is no error here: windows stand still until it is back.
    """

    def __init__(self, make: Callable[[], KafkaConsumer]) -> None:
        self._make = make
        self._tails: dict[TopicPartition, _Tail] = {}
        self._moved: dict[TopicPartition, int] = {}
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def take(self, where: TopicPartition, since: int, limit: int, told: int) -> list[Record] | None:
        """Records from `since` on, none where nothing new came; None where the broker must be asked.

        What lies before `told` is known to be there: it is waited for, but not long.
        """
        with self._news:
            tail = self._tails.get(where)
            if tail is None or since not in tail.window:
                return None
            tail.read_to, tail.read_at = max(tail.read_to, since), time.monotonic()
            if since == tail.window.high and since < told:
                self._news.wait_for(lambda: tail.window.high > since or self._closed, CATCH_UP_S)
                if since not in tail.window or since == tail.window.high:
                    return None
            return tail.window.take(since, limit)

    def follow(self, where: TopicPartition, at: int) -> None:
        """Follow a partition from `at` on, if nobody reads another place of it just now."""
        with self._news:
            tail = self._tails.get(where)
            if self._closed or (tail is not None and time.monotonic() - tail.read_at < HOLD_S):
                return
            self._tails[where] = _Tail(Window(at), at)
            self._moved[where] = at
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="headrace-tails", daemon=True)
                self._thread.start()
            self._news.notify_all()

    @property
    def held(self) -> int:
        """Bytes of values in memory."""
        with self._news:
            return sum(tail.window.size for tail in self._tails.values())

    def close(self) -> None:
        with self._news:
            self._closed = True
            self._news.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(10)

    def _run(self) -> None:
        consumer: KafkaConsumer | None = None
        while not self._closed:
            try:
                consumer = consumer or self._make()
                if self._arrange(consumer):
                    self._add(consumer.poll(POLL_MS, max_records=2_000))
            except (KafkaError, LogError):
                with self._news:
                    self._news.wait_for(lambda: self._closed, AWAY_S)
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=1_000)

    def _arrange(self, consumer: KafkaConsumer) -> bool:
        """Tell the consumer what to follow from where; False after a while without anything."""
        with self._news:
            now = time.monotonic()
            for where in [where for where, tail in self._tails.items() if now - tail.read_at > FORGET_S]:
                del self._tails[where]
                self._moved.pop(where, None)
            if not self._tails:
                self._news.wait_for(lambda: self._tails or self._closed, FORGET_S)
                return False
            moved, self._moved = self._moved, {}
            if consumer.assignment() != self._tails.keys():
                consumer.assign(list(self._tails))
            for where, at in moved.items():
                consumer.seek(where, at)
                consumer.resume(where)
            for where, tail in self._tails.items():
                self._keep_in_bounds(consumer, where, tail)
            return True

    def _keep_in_bounds(self, consumer: KafkaConsumer, where: TopicPartition, tail: _Tail) -> None:
        if tail.window.size > AHEAD // 2:
            tail.window.forget(tail.read_to)
        stop = tail.window.size > (AHEAD // 2 if tail.stopped else AHEAD)
        if stop != tail.stopped:
            (consumer.pause if stop else consumer.resume)(where)
            tail.stopped = stop

    def _add(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        with self._news:
            for where, records in found.items():
                if where in self._tails and where not in self._moved:  # moved meanwhile: these are of the old place
                    self._tails[where].window.add(records_of(records))
            self._news.notify_all()
