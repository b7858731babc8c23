import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.record.memory_records import MemoryRecords

from headrace.broker import Broker
from streams.errors import LogError
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLog, KafkaLogs
from streams.kafka_senders import BATCH_BYTES
from streams.kafka_tails import AHEAD
from streams.log import Record
from tests.streams.kafka_ground import new_connection


@pytest.fixture
def to(broker: Broker) -> Connection:
    return new_connection(broker.url, {"events": 3})


@pytest.fixture
def logs(to: Connection) -> Iterator[KafkaLogs]:
    logs = KafkaLogs(to)
    yield logs
    logs.close()


@pytest.fixture
def log(logs: KafkaLogs) -> KafkaLog:
    return logs.open("events", 3)


def batches(broker: Broker, to: Connection, partition: int) -> list[list[bytes]]:
    """What the broker has on disk, batch by batch."""
    (place,) = broker.folder.glob(f"*/{to.topic('events')}-{partition}")
    found = []
    for segment in sorted(place.glob("*.log")):
        records = MemoryRecords(segment.read_bytes())
        while (batch := records.next_batch()) is not None:
            found.append([record.value for record in batch])
    return found


def wait_for(log: KafkaLog, partition: int, since: int) -> list[Record]:
    patience = time.monotonic() + 60
    while not (records := log.read(partition, since)):
        assert time.monotonic() < patience
        time.sleep(0.01)
    return records


def test_one_append_is_one_record_batch(broker: Broker, to: Connection, log: KafkaLog) -> None:
    appended = [[b"%d %d" % (n, k) * 50 for k in range(1 + 37 * n)] for n in range(12)]
    for values in appended:
        log.append(0, values, at=1)
    assert batches(broker, to, 0) == appended


def test_appends_of_threads_stay_whole_and_in_their_partitions(broker: Broker, to: Connection, log: KafkaLog) -> None:
    def write(name: int) -> None:
        for n in range(25):
            log.append(name % 3, [b"%d %d %d" % (name, n, k) for k in range(40)], at=n)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for p in range(3):
        found = batches(broker, to, p)
        assert [len(batch) for batch in found] == [40] * 50
        assert {batch[0].rsplit(b" ", 1)[0] for batch in found} == {
            b"%d %d" % (name, n) for name in (p, p + 3) for n in range(25)
        }
        assert all(len({value.rsplit(b" ", 1)[0] for value in batch}) == 1 for batch in found)


def test_what_is_more_than_one_batch_holds_goes_in_pieces_in_order(log: KafkaLog) -> None:
    values = [b"%d" % n + bytes(BATCH_BYTES // 5) for n in range(12)]
    assert log.append(0, values, at=1) == 12
    assert log.append(0, [bytes(BATCH_BYTES + 1_000)], at=1) == 13
    found: list[Record] = []
    while len(found) < 13:
        found += wait_for(log, 0, len(found))
    assert [record.value for record in found[:12]] == values


def test_a_value_that_no_topic_takes_is_told_and_the_log_goes_on(log: KafkaLog) -> None:
    with pytest.raises(LogError, match=r"records were not appended to .*events\[0\].*larger than"):
        log.append(0, [bytes(9 << 20)], at=1)
    assert log.append(0, [b"small"], at=1) == 1


def test_a_reader_that_stands_still_costs_no_memory(to: Connection, log: KafkaLog, logs: KafkaLogs) -> None:
    assert log.read(0, 0) == []
    others = KafkaLogs(to)
    writer = others.open("events", 3)
    for n in range(40):
        writer.append(0, [bytes(1 << 20)], at=n)
    wait_for(log, 0, 0)
    tails = logs._broker.tails
    for _ in range(40):
        assert tails.held <= AHEAD + (20 << 20)
        time.sleep(0.05)
    assert tails.held <= AHEAD + (5 << 20)
    next = 0
    while next < log.end(0):
        records = log.read(0, next, limit=3)
        assert [record.offset for record in records] == list(range(next, next + len(records)))
        next = records[-1].offset + 1
    assert next == 40
    others.close()


def test_a_place_that_is_trimmed_away_while_it_is_followed_is_found_at_the_begin(log: KafkaLog) -> None:
    log.append(0, [b"%d" % n for n in range(10)], at=1)
    assert [record.offset for record in log.read(0, 0, limit=2)] == [0, 1]
    assert [record.offset for record in log.read(0, 2, limit=2)] == [2, 3]
    log.trim(0, 8)
    found = log.read(0, 0)
    assert [record.offset for record in found] == [8, 9]
    log.append(0, [b"more"], at=2)
    assert [record.offset for record in wait_for(log, 0, 10)] == [10]


def test_records_of_a_producer_that_takes_them_back_are_never_seen(to: Connection, log: KafkaLog) -> None:
    """Offsets of a topic that others write have gaps: readers go on at the last offset + 1, and never wait for one."""
    foreign = KafkaProducer(**to.client(), transactional_id=f"t{uuid4().hex}")
    foreign.init_transactions()
    for n, good in enumerate([True, False, True, False]):
        foreign.begin_transaction()
        foreign.send(to.topic("events"), b"%d" % n, partition=1)
        foreign.flush()
        (foreign.commit_transaction if good else foreign.abort_transaction)()
    foreign.close()
    patience = time.monotonic() + 30
    while log.end(1) < 8:
        assert time.monotonic() < patience
    found, next = [], 0
    while records := log.read(1, next):
        found += [record.value for record in records]
        next = records[-1].offset + 1
    assert found == [b"0", b"2"]
    for _ in range(3):
        assert log.read(1, next) == []
    assert log.append(1, [b"ours"], at=1) == 9
    assert [record.value for record in log.read(1, next)] == [b"ours"]


def test_a_topic_that_is_missing_is_named_with_the_command_that_makes_it(logs: KafkaLogs) -> None:
    with pytest.raises(LogError, match=r"there is no topic t\w+\.decisions.*headrace topics init"):
        logs.open("decisions", 1)


def test_a_broker_that_is_not_there_is_told_with_the_command_that_starts_one() -> None:
    with pytest.raises(LogError, match=r"127\.0\.0\.1:9: no connection within 0\.3 s.*headrace broker start"):
        KafkaLogs(Connection.of("kafka://127.0.0.1:9"), opening=300).open("events", 3)


def test_a_log_outlives_its_broker(tmp_path: Path) -> None:
    """Reads at the end are empty, appends wait, and both go on when it is back; an impatient append is an error."""
    broker = Broker(tmp_path, port=0, tied=True)
    broker.start()
    to = new_connection(broker.url, {"events": 1})
    patient, hasty = KafkaLogs(to), KafkaLogs(to, patience=3_000)
    log, other = patient.open("events", 1), hasty.open("events", 1)
    log.append(0, [b"before"], at=1)
    other.append(0, [b"too"], at=1)
    assert [record.offset for record in log.read(0, 0)] == [0, 1]
    assert log.read(0, 2) == []
    broker.kill()
    ends: list[int] = []
    waiting = threading.Thread(target=lambda: ends.append(log.append(0, [b"meanwhile", b"whole"], at=2)))
    waiting.start()
    assert [log.read(0, 2) for _ in range(5)] == [[]] * 5
    with pytest.raises(LogError, match=r"1 records were not appended to .*\[0\] within 3 s.*headrace broker start"):
        other.append(0, [b"lost"], at=2)
    with pytest.raises(LogError, match=r"the end of .*\[0\] can't be read.*does not answer"):
        other.end(0)
    assert not ends
    broker.start()
    waiting.join(60)
    assert ends == [4]
    assert [record.value for record in wait_for(log, 0, 2)] == [b"meanwhile", b"whole"]
    assert other.append(0, [b"after"], at=3) == 5
    assert [record.value for record in wait_for(log, 0, 4)] == [b"after"]
    for logs in (patient, hasty):
        logs.close()
    broker.kill()
