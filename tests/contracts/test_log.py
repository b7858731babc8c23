"""What every log promises, asked of each of them: in memory, in SQLite, on a broker, reopened at each call, through two
handles."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.broker import Broker
from streams.errors import LogMismatch
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLogs
from streams.log import Log, Logs, MemoryLogs, Record
from streams.sqlite_log import SqliteLogs
from tests.streams.kafka_ground import new_connection

T = TypeVar("T")
Pair = tuple[Log, Log]
"""Where to write, and where to read."""


class Reopened:
    """A log whose every call opens the file anew."""

    topic, partitions = "events", 3

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        return self._ask(lambda log: log.append(partition, values, at))

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        return self._ask(lambda log: log.read(partition, since, limit))

    def begin(self, partition: int) -> int:
        return self._ask(lambda log: log.begin(partition))

    def end(self, partition: int) -> int:
        return self._ask(lambda log: log.end(partition))

    def offset_at(self, partition: int, at: int) -> int:
        return self._ask(lambda log: log.offset_at(partition, at))

    def trim(self, partition: int, before: int) -> None:
        self._ask(lambda log: log.trim(partition, before))

    def close(self) -> None:
        """Nothing stays open."""

    def _ask(self, question: Callable[[Log], T]) -> T:
        logs = SqliteLogs(self._folder)
        try:
            return question(logs.open(self.topic, self.partitions))
        finally:
            logs.close()


KINDS = ["memory", "sqlite", "sqlite, synced", "reopened", "two handles", "kafka", "kafka, two handles"]


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    if request.param == "reopened":
        log: Log = Reopened(tmp_path)
        yield log, log
        return
    made = logs_of(request.param, tmp_path, lambda: request.getfixturevalue("broker"))
    opened = [logs.open("events", 3) for logs in made]
    yield opened[0], opened[-1]
    for logs in made:
        logs.close()
        logs.close()


def logs_of(kind: str, folder: Path, broker: Callable[[], Broker]) -> list[Logs]:
    """One or two handles of a new log with the topic events."""
    if kind.startswith("kafka"):
        to: Connection = new_connection(broker().url, {"events": 3})
        return [KafkaLogs(to), KafkaLogs(to)] if "two" in kind else [KafkaLogs(to)]
    kinds: dict[str, Callable[[], list[Logs]]] = {
        "memory": lambda: [MemoryLogs()],
        "sqlite": lambda: [SqliteLogs(folder)],
        "sqlite, synced": lambda: [SqliteLogs(folder, synchronous="FULL")],
        "two handles": lambda: [SqliteLogs(folder), SqliteLogs(folder)],
    }
    return kinds[kind]()


def test_a_new_log_is_empty_from_offset_zero(pair: Pair) -> None:
    _, reader = pair
    assert (reader.begin(2), reader.end(2), reader.read(2, 0), reader.offset_at(2, 7)) == (0, 0, [], 0)


def test_offsets_are_dense_and_append_gives_the_next(pair: Pair) -> None:
    writer, reader = pair
    assert writer.append(1, [b"a", b"b"], at=5) == 2
    assert writer.append(1, [b""], at=5) == 3
    assert reader.read(1, 0) == [Record(0, 5, b"a"), Record(1, 5, b"b"), Record(2, 5, b"")]
    assert reader.end(1) == 3


def test_partitions_know_nothing_of_each_other(pair: Pair) -> None:
    writer, reader = pair
    writer.append(0, [b"zero"], at=1)
    writer.append(2, [b"two", b"too"], at=1)
    assert [reader.end(p) for p in range(3)] == [1, 0, 2]
    assert [[record.value for record in reader.read(p, 0)] for p in range(3)] == [[b"zero"], [], [b"two", b"too"]]


def test_a_reader_at_the_end_sees_what_comes_next(pair: Pair) -> None:
    writer, reader = pair
    for n in range(5):
        assert reader.read(0, n) == []
        writer.append(0, [b"%d" % n], at=n)
        assert reader.end(0) == n + 1
        assert reader.read(0, n) == [Record(n, n, b"%d" % n)]


def test_who_appended_reads_it_without_asking(pair: Pair) -> None:
    log, _ = pair
    for n in range(5):
        assert log.read(0, n) == []
        assert log.append(0, [b"%d" % n], at=n) == n + 1
        assert log.read(0, n) == [Record(n, n, b"%d" % n)]


def test_news_of_others_comes_without_asking_too_in_a_while(pair: Pair) -> None:
    writer, reader = pair
    assert reader.read(1, 0) == []
    writer.append(1, [b"a"], at=1)
    patience = time.monotonic() + 30
    while not (records := reader.read(1, 0)) and time.monotonic() < patience:
        time.sleep(0.005)
    assert records == [Record(0, 1, b"a")]


def test_many_readers_at_many_places_read_the_same(pair: Pair) -> None:
    writer, reader = pair
    for n in range(60):
        writer.append(0, [b"%d" % n], at=n)
    assert reader.end(0) == 60
    for start in (0, 59, 30, 10, 60, 0):
        found, next = [], start
        while records := reader.read(0, next, limit=7):
            found += records
            next = records[-1].offset + 1
            assert reader.read(0, 5, limit=1) == [Record(5, 5, b"5")]
        assert [record.offset for record in found] == list(range(start, 60))


def test_reading_starts_at_since_and_stops_at_limit(pair: Pair) -> None:
    writer, reader = pair
    writer.append(0, [b"%d" % n for n in range(10)], at=1)
    assert [record.offset for record in reader.read(0, 4, limit=3)] == [4, 5, 6]
    assert [record.offset for record in reader.read(0, -5, limit=2)] == [0, 1]
    assert reader.read(0, 99) == []


def test_appending_nothing_changes_nothing(pair: Pair) -> None:
    writer, reader = pair
    writer.append(0, [b"a"], at=1)
    assert writer.append(0, [], at=9) == 1
    assert reader.read(0, 0) == [Record(0, 1, b"a")]


def test_offset_at_is_the_first_record_of_that_time_or_later(pair: Pair) -> None:
    writer, reader = pair
    for at in (10, 10, 20, 30):
        writer.append(1, [b"x"], at=at)
    assert [reader.offset_at(1, at) for at in (0, 10, 11, 20, 30, 31)] == [0, 0, 2, 2, 3, 4]


def test_what_is_trimmed_is_gone_and_the_rest_stands_where_it_stood(pair: Pair) -> None:
    writer, reader = pair
    for n in range(6):
        writer.append(1, [b"%d" % n], at=10 * n)
    writer.append(2, [b"other"], at=1)
    writer.trim(1, before=4)
    assert (reader.begin(1), reader.end(1)) == (4, 6)
    assert reader.read(1, 0) == reader.read(1, 4) == [Record(4, 40, b"4"), Record(5, 50, b"5")]
    assert reader.read(1, 0, limit=1) == [Record(4, 40, b"4")]
    assert [reader.offset_at(1, at) for at in (0, 40, 41, 51)] == [4, 4, 5, 6]
    assert reader.read(2, 0) == [Record(0, 1, b"other")]


def test_a_trim_may_be_repeated_and_never_brings_anything_back(pair: Pair) -> None:
    writer, reader = pair
    writer.append(0, [b"%d" % n for n in range(6)], at=1)
    for before in (4, 4, 2, 0, -3):
        writer.trim(0, before)
        assert (reader.begin(0), reader.end(0)) == (4, 6)


def test_the_last_record_stays_so_offsets_go_on(pair: Pair) -> None:
    writer, reader = pair
    writer.trim(0, before=5)
    assert (reader.begin(0), reader.end(0)) == (0, 0)
    writer.append(0, [b"a", b"b", b"c"], at=1)
    writer.trim(0, before=1_000)
    assert (reader.begin(0), reader.end(0)) == (2, 3)
    assert reader.read(0, 0) == [Record(2, 1, b"c")]
    assert writer.append(0, [b"d"], at=2) == 4
    assert [record.offset for record in reader.read(0, 0)] == [2, 3]


def test_who_reads_while_others_append_and_trim_sees_every_record_from_somewhere_on(pair: Pair) -> None:
    writer, reader = pair
    done = threading.Event()

    def write() -> None:
        for n in range(150):
            writer.append(0, [b"%d" % n], at=n)
        done.set()

    def trim() -> None:
        while not done.is_set():
            writer.trim(0, reader.end(0) - 5)

    threads = [threading.Thread(target=write), threading.Thread(target=trim)]
    for thread in threads:
        thread.start()
    next = 0
    while not done.is_set() or next < reader.end(0):
        records = reader.read(0, next)
        offsets = [record.offset for record in records]
        assert offsets == list(range(offsets[0], offsets[0] + len(offsets))) if offsets else True
        assert all(record.value == b"%d" % record.offset for record in records)
        assert reader.begin(0) <= reader.offset_at(0, 75) <= reader.end(0)
        next = records[-1].offset + 1 if records else next
    for thread in threads:
        thread.join()
    assert next == 150


def test_a_partition_that_is_not_there_is_an_error(pair: Pair) -> None:
    writer, reader = pair
    with pytest.raises(IndexError):
        reader.read(3, 0)
    with pytest.raises(IndexError):
        writer.append(3, [b"x"], at=1)


def test_threads_that_share_a_log_lose_and_tear_nothing(pair: Pair) -> None:
    writer, reader = pair

    def write(name: int) -> None:
        for n in range(20):
            writer.append(0, [b"%d %d %d" % (name, n, half) for half in (0, 1)], at=n)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = reader.read(0, 0)
    assert [record.offset for record in records] == list(range(160))
    assert {record.value for record in records[::2]} == {b"%d %d 0" % (a, n) for a in range(4) for n in range(20)}
    assert [record.value[:-1] for record in records[::2]] == [record.value[:-1] for record in records[1::2]]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "kafka"])
def test_another_number_of_partitions_is_refused(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (logs,) = logs_of(kind, tmp_path, lambda: request.getfixturevalue("broker"))
    logs.open("events", 3)
    with pytest.raises(LogMismatch, match="3"):
        logs.open("events", 8)
    logs.close()


Steps = st.lists(st.tuples(st.integers(0, 2), st.lists(st.binary(max_size=9), max_size=4), st.integers(0, 3)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=Steps)
def test_sqlite_is_memory_that_stays(steps: list[tuple[int, list[bytes], int]], tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    folder, at = tmp_path_factory.mktemp("log"), 0
    memory, logs = MemoryLogs().open("events", 3), SqliteLogs(folder)
    for partition, values, later in steps:
        at += later
        log = logs.open("events", 3)
        assert log.append(partition, values, at) == memory.append(partition, values, at)
    logs.close()
    stayed = SqliteLogs(folder).open("events", 3)
    for p in range(3):
        assert stayed.read(p, 0) == memory.read(p, 0)
        assert [stayed.offset_at(p, t) for t in range(at + 2)] == [memory.offset_at(p, t) for t in range(at + 2)]
    stayed.close()


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=Steps)
def test_a_broker_is_memory_that_stays(steps: list[tuple[int, list[bytes], int]], broker: Broker) -> None:
    to, at = new_connection(broker.url, {"events": 3}), 0
    memory, writing, reading = MemoryLogs().open("events", 3), KafkaLogs(to), KafkaLogs(to)
    for partition, values, later in steps:
        at += later
        log = writing.open("events", 3)
        assert log.append(partition, values, at) == memory.append(partition, values, at)
    writing.close()
    stayed = reading.open("events", 3)
    for p in range(3):
        assert stayed.read(p, 0) == memory.read(p, 0)
        assert [stayed.offset_at(p, t) for t in range(at + 2)] == [memory.offset_at(p, t) for t in range(at + 2)]
    reading.close()


WRITE = """
import sys
from pathlib import Path
from streams.sqlite_log import SqliteLogs

log = SqliteLogs(Path(sys.argv[1])).open("events", 2)
for n in range(200):
    log.append(n % 2, [f"{sys.argv[2]} {n} {half}".encode() for half in (0, 1)], at=n)
"""


def test_two_processes_write_and_a_third_reads_along(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), name]) for name in ("ana", "bob")]
    log = SqliteLogs(tmp_path).open("events", 2)
    read: list[list[Record]] = [[], []]
    while min(map(len, read)) < 400 and any(writer.poll() in (None, 0) for writer in writers):
        for p in (0, 1):
            read[p] += log.read(p, len(read[p]), limit=7)
    assert [writer.wait() for writer in writers] == [0, 0]
    log.close()
    for p in (0, 1):
        values = [record.value for record in read[p]]
        assert [record.offset for record in read[p]] == list(range(400))
        assert [value[:-1] for value in values[::2]] == [value[:-1] for value in values[1::2]]
        for name in (b"ana", b"bob"):
            own = [value for value in values[::2] if value.startswith(name)]
            assert own == [b"%s %d 0" % (name, n) for n in range(p, 200, 2)]
