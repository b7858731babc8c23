"""What every log promises, asked of each of them: in memory, in SQLite, on a broker, reopened at each call, through two
handles."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from streams.errors import LogMismatch
from streams.log import Record
from tests.contracts.kinds_of_log import Pair, logs_of


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


def test_a_partition_that_is_not_there_is_an_error(pair: Pair) -> None:
    writer, reader = pair
    with pytest.raises(IndexError):
        reader.read(3, 0)
    with pytest.raises(IndexError):
        writer.append(3, [b"x"], at=1)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "kafka"])
def test_another_number_of_partitions_is_refused(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (logs,) = logs_of(kind, tmp_path, lambda: request.getfixturevalue("broker"))
    logs.open("events", 3)
    with pytest.raises(LogMismatch, match="3"):
        logs.open("events", 8)
    logs.close()
