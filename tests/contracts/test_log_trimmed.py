"""What every log promises of records that are taken away: the rest stands where it stood."""

from __future__ import annotations

import threading

from streams.log import Record
from tests.contracts.kinds_of_log import Pair


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
