"""One order for all partitions, and batches that are a function of that order alone.

Rows are merged by (decided at, partition, sequence) and released strictly below the least watermark; batches are cut in
buckets of `decided_at`, within a bucket at each `size` rows. When frames were read, how they were cut and which
partition came first shows in no batch. Buffers and part batches are never state: `positions` alone is. Reads no log,
learns nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from checkpoints.manifest import TrainerPosition
from streams.decisions import Decisions
from streams.examples import Attributes, Counted, Row, Shot, decode
from streams.in_force import InForce
from streams.log import Record
from streams.positions import Positions


class Example(Struct, frozen=True, gc=False):
    """One row of a frame with what it points to."""

    row: Row
    shot: Shot | None
    attributes: Attributes | None
    partition: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples in their order. Every partition's watermark had passed `horizon` when the batch was complete."""

    examples: tuple[Example, ...]
    horizon: int


class Counts(NamedTuple):
    """What was counted up to a watermark, since the frame before."""

    watermark: int
    counted: tuple[Counted, ...]


class _Used(NamedTuple):
    """An accepted frame: its place in both topics, its watermark, the sequence after its last row (0 for none), what it
    counted."""

    offset: int
    input: int
    watermark: int
    end: int
    counted: tuple[Counted, ...] = ()


@dataclass(slots=True)
class _Lane:
    """One partition: where it stands, and what was read beyond that."""

    rule: InForce
    stands: TrainerPosition
    next: int
    watermark: int
    frames: deque[_Used] = field(default_factory=deque)
    waiting: deque[_Used] = field(default_factory=deque)
    """Those of the frames that have rows, from the first one on that is not learned."""
    rows: list[Example] = field(default_factory=list)


class Ordering:
    """The merge of all partitions from `positions` on.

    One round is: read the partition that `wanted` names, `feed` its records, then `cut` a batch, learn it, `advance`.

    >>> from streams.examples import ExampleFrame, encode
    >>> ordering = Ordering({0: TrainerPosition()}, Decisions(), bucket_ms=1000, size=2)
    >>> rows = tuple(Row(i, decided_at=at, kind="label", example=f"e{i}") for i, at in enumerate((10, 20, 30, 1700)))
    >>> ordering.feed(0, [Record(0, 0, encode(ExampleFrame("", 0, -1, 1700, "c", rows)))])
    1
    >>> batch = ordering.cut()
    >>> [e.row.example for e in batch.examples], batch.horizon
    (['e0', 'e1'], 20)
    >>> ordering.advance(batch)
    []
    >>> ordering.positions[0].sequence, [e.row.example for e in ordering.cut().examples]
    (2, ['e2'])
    """

    def __init__(
        self, positions: Mapping[int, TrainerPosition], decisions: Decisions, *, bucket_ms: int, size: int
    ) -> None:
        if bucket_ms < 1 or size < 1:
            raise ValueError(f"bucket_ms {bucket_ms} and size {size} must be at least 1")
        self._bucket = bucket_ms
        self._size = size
        self._pending: list[Example] = []
        self._low: int | None = None
        self._lanes = {
            p: _Lane(InForce(p, decisions, last=at.last), at, next=at.examples, watermark=at.watermark)
            for p, at in sorted(positions.items())
        }

    @property
    def positions(self) -> dict[int, TrainerPosition]:
        """Where the batches that were advanced over have brought us."""
        return {p: lane.stands for p, lane in self._lanes.items()}

    @property
    def watermark(self) -> int:
        """The least watermark: nothing decided here or later is released."""
        return min(lane.watermark for lane in self._lanes.values())

    @property
    def reached(self) -> Positions:
        """Per partition the next offset in events up to which nothing is left to learn: no row that was decided there
        waits. Beyond `input` where rows are rare."""
        return {p: _reached(lane) for p, lane in self._lanes.items()}

    def wanted(self) -> tuple[int, int]:
        """The partition that holds the others back, and the next offset of `examples` to read in it.

        Reading any other partition releases nothing, so what is buffered stays small.
        """
        p = min(self._lanes, key=lambda q: (self._lanes[q].watermark, q))
        return p, self._lanes[p].next

    def feed(self, partition: int, records: list[Record]) -> int:
        """Take the next records of one partition; how many of them hold. Raises FramesLost, FramesDiffer."""
        lane, held = self._lanes[partition], 0
        for record in records:
            frame = decode(record.value)
            lane.next = record.offset + 1
            if not lane.rule.accept(record.offset, frame, record.value):
                continue
            held += 1
            rows, shots, attributes = frame.rows, frame.shots, frame.attributes
            lane.watermark = frame.watermark
            end = rows[-1].sequence + 1 if rows else 0
            lane.frames.append(used := _Used(record.offset, frame.input, frame.watermark, end, frame.counted))
            if end > lane.stands.sequence:
                lane.waiting.append(used)
            lane.rows += [
                Example(
                    row,
                    shots[row.shot] if row.shot >= 0 else None,
                    attributes[row.attributes] if row.attributes >= 0 else None,
                    partition,
                )
                for row in rows
                if row.sequence >= lane.stands.sequence
            ]
        return held

    def cut(self) -> Batch | None:
        """The next batch, if it is complete. The same one again until `advance` is called with it."""
        self._release()
        pending = self._pending
        if not pending:
            return None
        end = (_decided_at(pending[0]) // self._bucket + 1) * self._bucket
        rows = bisect_left(pending, end, 0, min(self._size, len(pending)), key=_decided_at)
        if rows == self._size:
            return Batch(tuple(pending[:rows]), _decided_at(pending[rows - 1]))
        if self.watermark >= end:
            return Batch(tuple(pending[:rows]), end - 1)
        return None

    def advance(self, batch: Batch) -> list[Counts]:
        """Move the positions over the batch that `cut` gave, in memory only. Gives what the frames counted that lie
        behind us now: each is told once, whenever a trainer starts anew."""
        over: list[Counts] = []
        learned = {example.partition: example.row.sequence + 1 for example in batch.examples}
        for p, lane in self._lanes.items():
            over += _move(lane, learned.get(p, lane.stands.sequence), batch.horizon)
        del self._pending[: len(batch.examples)]
        return over

    def _release(self) -> None:
        """Move what lies strictly below the least watermark to the pending rows.

        Lanes are in order of decision within, and are joined in order of partition: a stable sort by decided_at is
        the order by (decided_at, partition, sequence).
        """
        low = self.watermark
        if low == self._low:
            return
        self._low = low
        ready: list[Example] = []
        for lane in self._lanes.values():
            below = bisect_left(lane.rows, low, key=_decided_at)
            ready += lane.rows[:below]
            del lane.rows[:below]
        ready.sort(key=_decided_at)
        self._pending += ready


def _move(lane: _Lane, sequence: int, horizon: int) -> list[Counts]:
    """Step over the frames that are wholly used, and name the frame whose watermark proved the batch complete.

    The proof counts as input: a mask change between it and the last learned row could else let a row appear in a
    bucket that was learned already.
    """
    stands, frames, over = lane.stands, lane.frames, list[Counts]()
    examples, last, watermark = stands.examples, stands.last, stands.watermark
    while frames and frames[0].end <= sequence and frames[0].watermark <= horizon:
        used = frames.popleft()
        examples, last, watermark = used.offset + 1, used.input, used.watermark
        if used.counted:
            over.append(Counts(used.watermark, used.counted))
    proof = next((frame.input for frame in frames if frame.watermark > horizon), last)
    lane.stands = TrainerPosition(examples, last, watermark, sequence, max(stands.input, proof + 1))
    return over


def _reached(lane: _Lane) -> int:
    waiting = lane.waiting
    while waiting and waiting[0].end <= lane.stands.sequence:
        waiting.popleft()
    return waiting[0].input if waiting else lane.rule.last + 1


def _decided_at(example: Example) -> int:
    return example.row.decided_at
