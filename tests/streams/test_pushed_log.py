"""A log with a driver beside it: whatever the driver does, a reader sees each record once, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.log import MemoryLog, Record
from streams.pushed_log import PushedLog, Window


class Asked:
    """A log that counts how often it is read, and a driver that keeps what it was told."""

    def __init__(self, *, records: int = 5) -> None:
        self.log, self.reads, self.wishes = MemoryLog("events", 1), 0, list[int | None]()
        inner = self.log.read

        def read(partition: int, since: int, limit: int = 1000) -> list[Record]:
            self.reads += 1
            return inner(partition, since, limit)

        self.log.read = read  # type: ignore[method-assign]
        self.pushed = PushedLog(
            self.log, lambda _, position: self.wishes.append(position), window=lambda: Window(records=records)
        )

    def append(self, count: int) -> None:
        for _ in range(count):
            end = self.log.end(0)
            self.log.append(0, [b"%d" % end], at=end)

    def bring(self, first: int, count: int) -> None:
        for offset in range(first, min(first + count, self.log.end(0))):
            self.pushed.push(0, Record(offset, offset, b"%d" % offset), self.log.end(0))


def offsets(records: list[Record]) -> list[int]:
    return [record.offset for record in records]


def test_a_reader_reads_the_log_itself_up_to_the_end_and_then_asks_the_driver_to_go_on() -> None:
    world = Asked()
    world.append(7)
    assert offsets(world.pushed.read(0, 0, 4)) == [0, 1, 2, 3]
    assert world.wishes == []
    assert offsets(world.pushed.read(0, 4, 4)) == [4, 5, 6]
    assert world.wishes == [7]


def test_what_the_driver_brings_is_not_read_again() -> None:
    world = Asked()
    world.append(3)
    assert len(world.pushed.read(0, 0)) == 3
    reads = world.reads
    world.append(2)
    world.bring(3, 2)
    assert offsets(world.pushed.read(0, 3)) == [3, 4]
    assert world.pushed.read(0, 5) == []
    assert world.reads == reads


def test_a_driver_that_is_faster_than_the_reader_is_stopped_and_asked_again_at_the_end() -> None:
    world = Asked(records=5)
    world.pushed.read(0, 0)
    world.append(9)
    world.bring(0, 9)
    assert world.wishes == [0, None], "a window of five must not take nine"
    assert offsets(world.pushed.read(0, 0)) == [0, 1, 2, 3, 4]
    assert offsets(world.pushed.read(0, 5)) == [5, 6, 7, 8]
    assert world.wishes == [0, None, 9]


def test_a_reader_that_goes_back_reads_the_log_until_it_meets_the_window_again() -> None:
    world = Asked()
    world.append(4)
    world.pushed.read(0, 0)
    world.append(3)
    world.bring(4, 3)
    world.pushed.read(0, 4)
    assert offsets(world.pushed.read(0, 1, 3)) == [1, 2, 3]
    reads = world.reads
    assert offsets(world.pushed.read(0, 4)) == [4, 5, 6]
    assert world.reads == reads


def test_a_driver_that_was_displaced_is_not_believed_until_it_was_asked_again() -> None:
    world = Asked()
    world.append(2)
    world.pushed.read(0, 0)
    world.pushed.stop(0)
    world.append(2)
    world.bring(2, 2)
    assert offsets(world.pushed.read(0, 2)) == [2, 3]
    assert world.wishes == [2, 4]


def test_a_driver_that_skips_a_record_is_not_followed_over_the_gap() -> None:
    world = Asked()
    world.pushed.read(0, 0)
    world.append(4)
    world.bring(0, 1)
    world.bring(2, 2)
    assert offsets(world.pushed.read(0, 0)) == [0]
    assert offsets(world.pushed.read(0, 1)) == [1, 2, 3]


def test_the_end_is_asked_for_where_the_driver_is_not_in_step() -> None:
    world = Asked()
    world.append(4)
    assert world.pushed.end(0) == 4
    world.pushed.read(0, 0)
    world.append(3)
    assert world.pushed.end(0) == 4, "in step, the end is what the driver told"
    world.pushed.push(0, Record(4, 4, b"4"), 7)
    assert world.pushed.end(0) == 7


moves = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 8), st.just(0)),
    st.tuples(st.just("bring"), st.integers(0, 9), st.integers(1, 12)),
    st.tuples(st.just("obey"), st.integers(1, 12), st.just(0)),
    st.tuples(st.just("read"), st.integers(1, 6), st.just(0)),
    st.tuples(st.just("back"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("displace"), st.just(0), st.just(0)),
)


@given(st.lists(moves, max_size=60))
def test_no_record_is_lost_repeated_or_changed_whatever_the_driver_does(does: list[tuple[str, int, int]]) -> None:
    world, next = Asked(records=4), 0
    for name, one, two in [*does, *[("read", 5, 0)] * 60]:
        if name == "append":
            world.append(one)
        elif name == "bring":
            world.bring(max(world.log.end(0) - one, 0), two)
        elif name == "obey" and world.wishes and (at := world.wishes[-1]) is not None:
            world.bring(at, one)
        elif name == "back":
            next = max(next - one, 0)
        elif name == "displace":
            world.pushed.stop(0)
        elif name == "read":
            for record in world.pushed.read(0, next, one):
                assert record == Record(next, next, b"%d" % next)
                next += 1
    if (at := next) < world.log.end(0):  # the driver is in step, and has not brought them yet
        assert world.wishes[-1] is not None
        world.bring(at, 100)
        while records := world.pushed.read(0, next):
            next = records[-1].offset + 1
    assert next == world.log.end(0)
