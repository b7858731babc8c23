"""Reading raw topics: logs that show others' news a moment late, backlogs larger than memory, slow appends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events import Item, Slate, Tick
from streams.frames import encode_frame
from streams.log import Log, MemoryLogs, Record
from streams.sequencing import MAX_FRAME_BYTES
from streams.sources import READ_BYTES
from tests.streams.raw_topics import (
    PARTS,
    Clock,
    Hooked,
    click,
    frames,
    impression,
    put,
    settle,
    slate,
    slates_first,
    turns,
    written,
)


@dataclass
class Late:
    """Logs of a broker: a reader sees what others wrote only after `reads` more looks, or once it asked for the end."""

    logs: MemoryLogs
    reads: int
    seen: dict[tuple[str, int], int] = field(default_factory=dict)
    looks: dict[tuple[str, int], int] = field(default_factory=dict)

    def open(self, topic: str, partitions: int) -> Log:
        return LateLog(self.logs.open(topic, partitions), self)

    def close(self) -> None:
        """Nothing to let go of."""


class LateLog:
    def __init__(self, log: Log, late: Late) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self.append, self.begin, self.trim, self.close = log.append, log.begin, log.trim, log.close
        self.offset_at = log.offset_at
        self._log, self._late = log, late

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        place = self.topic, partition
        self._late.looks[place] = self._late.looks.get(place, 0) + 1
        looks = self._late.reads + 1 + 3 * (self.topic == "slates")  # not all topics are equally late
        if self._late.looks[place] % looks == 0:
            self._late.seen[place] = self._log.end(partition)
        shown = self._late.seen.get(place, 0)
        return [record for record in self._log.read(partition, since, limit) if record.offset < shown]

    def end(self, partition: int) -> int:
        self._late.seen[self.topic, partition] = self._log.end(partition)
        return self._log.end(partition)


@settings(deadline=None, max_examples=100)
@given(
    skews=st.lists(st.integers(-300, 300), min_size=1, max_size=15),
    bursts=st.lists(st.integers(0, 3), max_size=60),
    reads=st.integers(1, 6),
)
def test_no_impression_overtakes_its_slate_on_a_log_that_shows_news_late(
    skews: list[int], bursts: list[int], reads: int
) -> None:
    logs = MemoryLogs()
    todo = [
        (event, 10_000 + n + skew * isinstance(event, Slate))
        for n, skew in enumerate(skews)
        for event in (slate(f"r{n}"), impression(f"r{n}"), click(n, request_id=f"r{n}"))
    ]
    running = turns(Late(logs, reads), Clock(step=3), frame_ms=0)
    for burst in [*bursts, len(todo)]:
        for event, at in todo[:burst]:
            put(logs, 0, event, at)
        del todo[:burst]
        next(running)
    for _ in range(20):
        next(running)
    assert slates_first(logs, 0) == len(skews)


@settings(deadline=None, max_examples=50)
@given(reads=st.integers(1, 50), gaps=st.lists(st.integers(0, 2_500), min_size=1, max_size=12))
def test_no_tick_overtakes_what_was_received_before_it(reads: int, gaps: list[int]) -> None:
    logs, clock = MemoryLogs(), Clock()
    running = turns(Late(logs, reads), clock)
    for n, gap in enumerate(gaps):
        put(logs, 0, click(n, ts=clock.now), clock.now)
        for _ in range(gap // 10 + 1):
            clock.now += 10
            next(running)
    newest = 0
    for _, frame in frames(logs, 0):
        for event in frame.events:
            if isinstance(event, Tick):
                newest = event.ts
            else:
                assert event.ts > newest - 10, "a tick said that this had been read"


def test_a_backlog_of_large_records_is_read_in_pieces_that_fit_and_loses_nothing() -> None:
    logs, held = MemoryLogs(), [0]
    big = Item("e", 5, "tea", text="x" * 60_000)

    class Watched:
        def open(self, topic: str, partitions: int) -> Log:
            log = logs.open(topic, partitions)
            return Measured(log, held) if topic == "items" else log

        def close(self) -> None:
            """Nothing to let go of."""

    for n in range(1_500):
        put(logs, 0, Item(f"e{n}", 5, f"i{n}", text=big.text if n >= 256 else "small"), 1_000)
    settle(Watched(), Clock())
    assert [event.item_id for event in written(logs, 0) if isinstance(event, Item)] == [f"i{n}" for n in range(1_500)]
    assert max(held[1:6]) > READ_BYTES, "the first large read can't be foreseen"
    assert max(held[8:]) <= 1.2 * READ_BYTES
    assert all(len(encode_frame(frame)) < MAX_FRAME_BYTES + 70_000 for _, frame in frames(logs, 0))


class Measured:
    """A log that notes the bytes of each read."""

    def __init__(self, log: Log, held: list[int]) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self.append, self.begin, self.trim, self.close = log.append, log.begin, log.trim, log.close
        self.offset_at, self.end = log.offset_at, log.end
        self._log, self._held = log, held

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        found = self._log.read(partition, since, limit)
        if partition == 0 and found:
            self._held.append(sum(len(record.value) for record in found))
        return found


def test_while_an_append_waits_nothing_more_is_read() -> None:
    logs, reads = MemoryLogs(), [0]
    for n in range(3_000):
        put(logs, 0, click(n), 1_000)

    def slow(effect: Callable[[], int]) -> int:
        before = reads[0]
        end = effect()
        assert reads[0] == before
        return end

    class Slow:
        def open(self, topic: str, partitions: int) -> Log:
            log = logs.open(topic, partitions)
            return Hooked(log, on_append=slow) if topic == "events" else Hooked(log, on_read=count)

        def close(self) -> None:
            """Nothing to let go of."""

    def count() -> None:
        reads[0] += 1

    settle(Slow(), Clock())
    assert len(written(logs, 0)) == 3_000


def test_what_waits_is_bounded_while_a_source_can_not_be_read_on() -> None:
    logs = MemoryLogs()
    sizes: Sequence[int] = []
    for n in range(5_000):
        put(logs, 0, click(n), 1_000 + n)
    for report in turns(logs, Clock(step=1), read_limit=300):
        sizes = [*sizes, report.events]
        if not report.behind:
            break
    assert max(sizes) <= 300
    assert sum(sizes) == 5_000
    assert PARTS == 2
