"""What every log promises to those who share it, and to those who come after."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.broker import Broker
from streams.kafka_log import KafkaLogs
from streams.log import MemoryLogs, Record
from streams.sqlite_log import SqliteLogs
from tests.contracts.kinds_of_log import Pair
from tests.streams.kafka_ground import new_connection


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
