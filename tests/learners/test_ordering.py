"""The merge and the batches: a function of what was decided, of nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints.manifest import TrainerPosition
from learners.ordering import Batch, Ordering
from streams.decisions import Decisions
from streams.examples import ExampleFrame, Row, encode
from streams.log import MemoryLog, Record
from tests.learners.frames import frames_of, log_of, rows_of

PARTITIONS = 3
Told = list[tuple[int, tuple[tuple[int, int], ...]]]


def start(partitions: int = PARTITIONS) -> dict[int, TrainerPosition]:
    return dict.fromkeys(range(partitions), TrainerPosition())


def told(batch: Batch) -> tuple[int, tuple[tuple[int, int], ...]]:
    return batch.horizon, tuple((e.partition, e.row.sequence) for e in batch.examples)


def drained(log: MemoryLog, ordering: Ordering, limit: int = 1000) -> list[Batch]:
    """Every batch that the log gives, reading the partition that is wanted."""
    batches = []
    while True:
        while batch := ordering.cut():
            batches.append(batch)
            ordering.advance(batch)
        p, offset = ordering.wanted()
        records = log.read(p, offset, limit)
        if not records:
            return batches
        ordering.feed(p, records)


def ordering_at(positions: dict[int, TrainerPosition], size: int = 5) -> Ordering:
    return Ordering(positions, Decisions(), bucket_ms=500, size=size)


def oracle(seed: int, size: int, low: int, bucket: int = 500) -> Told:
    """The batches by the plain rule over the sorted rows."""
    rows = sorted((row.decided_at, p, row.sequence) for p in range(PARTITIONS) for _, row in rows_of(seed, p, 60))
    out: Told = []
    for b in sorted({at // bucket for at, _, _ in rows}):
        inside = [r for r in rows if r[0] // bucket == b and r[0] < low]
        for i in range(0, len(inside), size):
            part = inside[i : i + size]
            if len(part) == size:
                out.append((part[-1][0], tuple(r[1:] for r in part)))
            elif low >= (b + 1) * bucket:
                out.append(((b + 1) * bucket - 1, tuple(r[1:] for r in part)))
    return out


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 30), polls=st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_batches_depend_neither_on_frame_cuts_nor_on_polls_nor_on_which_partition_came_first(
    seed: int, size: int, polls: list[int]
) -> None:
    cuts = random.Random(seed)
    log = log_of([frames_of(rows_of(seed, p, 60), cuts) for p in range(PARTITIONS)])
    ordering = ordering_at(start(), size)
    at, got, idle = [0] * PARTITIONS, [], 0
    while idle < 40:
        p, limit = cuts.randrange(PARTITIONS), cuts.choice(polls)
        records = log.read(p, at[p], limit)
        ordering.feed(p, records)
        at[p] += len(records)
        idle = 0 if records else idle + 1
        while cuts.random() < 0.7 and (batch := ordering.cut()):
            got.append(told(batch))
            ordering.advance(batch)
    while batch := ordering.cut():
        got.append(told(batch))
        ordering.advance(batch)
    assert got == oracle(seed, size, low=11_000)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), stop=st.integers(0, 40))
def test_from_its_positions_an_ordering_gives_the_batches_that_were_left(seed: int, stop: int) -> None:
    log = log_of([frames_of(rows_of(seed, p, 60), random.Random(seed + p)) for p in range(PARTITIONS)])
    whole = [told(b) for b in drained(log, ordering_at(start()))]
    first = ordering_at(start())
    taken: Told = []
    while len(taken) < stop and len(taken) < len(whole):
        p, offset = first.wanted()
        first.feed(p, log.read(p, offset, 2))
        while len(taken) < stop and (batch := first.cut()):
            taken.append(told(batch))
            first.advance(batch)
    assert taken + [told(b) for b in drained(log, ordering_at(first.positions))] == whole


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_positions_at_a_batch_end_are_the_same_for_any_poll(seed: int) -> None:
    log = log_of([frames_of(rows_of(seed, p, 60), random.Random(seed + p)) for p in range(PARTITIONS)])
    slow, fast = ordering_at(start()), ordering_at(start())
    drained(log, slow, limit=1)
    drained(log, fast, limit=1000)
    assert slow.positions == fast.positions


def record(offset: int, watermark: int, *decided: int, prev: int = -1, first: int = 0) -> Record:
    rows = tuple(Row(first + i, at, "label", f"e{first + i}") for i, at in enumerate(decided))
    return Record(offset, 0, encode(ExampleFrame("", offset, prev, watermark, "c", rows)))


def test_a_row_decided_at_the_least_watermark_waits() -> None:
    ordering = Ordering(start(2), Decisions(), bucket_ms=10, size=1)
    ordering.feed(0, [record(0, 50, 30)])
    ordering.feed(1, [record(0, 30)])
    assert ordering.cut() is None
    ordering.feed(1, [record(1, 31, prev=0)])
    assert ordering.cut() is not None


def test_the_rest_of_a_bucket_waits_for_the_end_of_the_bucket() -> None:
    ordering = Ordering(start(1), Decisions(), bucket_ms=100, size=10)
    ordering.feed(0, [record(0, 99, 5, 6)])
    assert ordering.cut() is None
    ordering.feed(0, [record(1, 100, prev=0)])
    batch = ordering.cut()
    assert batch is not None
    assert told(batch) == (99, ((0, 0), (0, 1)))


def test_the_frame_whose_watermark_proved_the_batch_counts_as_input() -> None:
    ordering = Ordering(start(2), Decisions(), bucket_ms=100, size=10)
    ordering.feed(0, [record(0, 60, 5), record(3, 170, prev=0)])
    ordering.feed(1, [record(0, 40), record(7, 130, prev=0), record(8, 140, prev=7)])
    batch = ordering.cut()
    assert batch is not None
    ordering.advance(batch)
    assert {p: at.input for p, at in ordering.positions.items()} == {0: 4, 1: 8}
    assert ordering.positions[0] == TrainerPosition(examples=1, last=0, watermark=60, sequence=1, input=4)


def test_a_frame_that_was_used_in_part_is_read_again() -> None:
    ordering = Ordering(start(1), Decisions(), bucket_ms=100, size=2)
    ordering.feed(0, [record(0, 60, 5, 6, 7)])
    batch = ordering.cut()
    assert batch is not None
    ordering.advance(batch)
    assert ordering.positions[0] == TrainerPosition(examples=0, last=-1, sequence=2, input=1)


def test_the_partition_that_holds_the_others_back_is_wanted() -> None:
    ordering = Ordering(start(3), Decisions(), bucket_ms=100, size=2)
    ordering.feed(0, [record(0, 60)])
    ordering.feed(1, [record(0, 40)])
    assert ordering.wanted() == (2, 0)
    ordering.feed(2, [record(0, 90)])
    assert ordering.wanted() == (1, 1)


def test_a_bucket_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="bucket_ms 0"):
        Ordering(start(1), Decisions(), bucket_ms=0, size=2)
