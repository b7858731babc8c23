"""The trainer over a replay: the same loop as live, fed by a joiner that reads a file.

A replay is deterministic, so a version made in one run is gone on from in the next: the file is joined again, and the
trainer skips to its positions. Opens no file and shows nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from learners.plan import Plan
from learners.trainer import EXAMPLES, Trainer
from streams.examples import ExampleFrame, encode
from streams.log import MemoryLog, MemoryLogs, Record

Frames = Iterator[tuple[int, ExampleFrame]]

PROTOCOL = "progressive: each row is scored before it is learned, in order of decision, one pass"


class ReplayedLog:
    """A topic that a replay fills as it is read, and that forgets what lies below a read: readers only go forward.

    When the replay ends, time runs on for `bucket_ms`, so that the last bucket ends too.

    >>> frames = iter([(0, ExampleFrame("", 0, -1, 5, "c")), (1, ExampleFrame("", 0, -1, 6, "c"))])
    >>> log = ReplayedLog(frames, partitions=2, bucket_ms=100)
    >>> [record.offset for record in log.read(1, 0)], log.end(0), log.read(0, 1)[0].offset, log.read(0, 2)
    ([0], 1, 1, [])
    """

    topic = EXAMPLES

    def __init__(self, frames: Frames, *, partitions: int, bucket_ms: int) -> None:
        self.partitions = partitions
        self._frames = _closed(frames, bucket_ms)
        self._ends = [0] * partitions
        self._records: list[deque[Record]] = [deque() for _ in range(partitions)]

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        raise NotImplementedError("a replayed topic is written by its replay alone")

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        """The next records; empty only at the end of the replay."""
        records = self._records[partition]
        while records and records[0].offset < since:
            records.popleft()
        while self._ends[partition] <= since and (given := next(self._frames, None)) is not None:
            p, frame = given
            self._records[p].append(Record(self._ends[p], 0, encode(frame)))
            self._ends[p] += 1
            if p == partition and self._ends[p] <= since:
                records.clear()
        return [record for record, _ in zip(records, range(limit), strict=False)]

    def begin(self, partition: int) -> int:
        return 0

    def end(self, partition: int) -> int:
        return self._ends[partition]

    def offset_at(self, partition: int, at: int) -> int:
        return 0

    def trim(self, partition: int, before: int) -> None:
        """Nothing to take away: what was read is forgotten anyhow."""

    def close(self) -> None:
        """Nothing to let go of."""


class ReplayedLogs:
    """A deployment whose examples are replayed, and whose other topics lie in memory."""

    def __init__(self, examples: ReplayedLog) -> None:
        self._examples = examples
        self._others = MemoryLogs()

    def open(self, topic: str, partitions: int) -> ReplayedLog | MemoryLog:
        return self._examples if topic == EXAMPLES else self._others.open(topic, partitions)

    def close(self) -> None:
        """Nothing to let go of."""


def _closed(frames: Frames, bucket_ms: int) -> Frames:
    """The frames, and one more for each partition in which time runs on."""
    last: dict[int, ExampleFrame] = {}
    for p, frame in frames:
        last[p] = frame
        yield p, frame
    for p, frame in sorted(last.items()):
        yield p, ExampleFrame(frame.lineage, frame.input + 1, frame.input, frame.watermark + bucket_ms, frame.config)


def to_the_end(plan: Plan) -> Plan:
    """A plan for files: nobody is served, so nothing is published, and figures are exact over the whole."""
    return replace(plan, until_end=True, publish=False, exact_rows=1 << 23)


def report_of(trainer: Trainer, plan: Plan, *, seconds: float, learned: int, seed: int) -> dict[str, Any]:
    """What a backtest says at its end; `learned` is how many impressions this run learned itself."""
    return {
        "rows": trainer.impressions,
        "rows_per_second": learned / seconds if seconds else None,
        "seconds": seconds,
        "protocol": f"{PROTOCOL}; batches of at most {plan.batch_size} rows and {plan.bucket_ms} ms",
        "seed": seed,
        "labels": trainer.report(),
    }
