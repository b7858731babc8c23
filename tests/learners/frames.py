"""Frames of examples for tests of what reads them: decided rows in several partitions, cut into frames at will."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from streams.examples import Attributes, ExampleFrame, Past, Row, Shot, encode
from streams.log import MemoryLog

Decided = tuple[int, Row]
"""A row and the watermark that its fold had when it was decided."""


def rows_of(seed: int, partition: int, count: int, *, until: int = 10_000) -> list[Decided]:
    """Rows of one partition in their order, `decided_at` never going back, values by a rule a model can learn."""
    r = random.Random(f"{seed}/{partition}")
    times = sorted(r.randrange(until) for _ in range(count))
    made: list[Decided] = []
    for i, at in enumerate(times):
        item = r.randrange(12)
        row = Row(
            i,
            at,
            "label",
            f"{partition}-{i}",
            {"click": float(r.random() < (0.8 if item % 2 else 0.1))},
            weight=float(r.random() > 0.1),
            item_id=f"i{item}",
            shot=0,
            attributes=0,
            first=True,
        )
        made.append((at + r.choice((0, 0, 3, 40)), row))
    return made


def frames_of(rows: Sequence[Decided], cuts: random.Random, *, until: int = 11_000) -> list[ExampleFrame]:
    """The rows in frames of 1 to 7, with empty frames between them; the last watermark is always `until`."""
    frames: list[ExampleFrame] = []
    i, offset, prev, watermark = 0, 0, -1, -1
    while i < len(rows):
        taken = rows[i : i + cuts.randrange(0, 8)]
        i += len(taken)
        floor = max((w for w, _ in taken), default=watermark)
        ceiling = rows[i][1].decided_at if i < len(rows) else until
        watermark = max(watermark, min(floor, ceiling), *(row.decided_at for _, row in taken), -1)
        frames.append(_frame(offset, prev, watermark, [row for _, row in taken]))
        prev, offset = offset, offset + cuts.randrange(1, 4)
    frames.append(_frame(offset, prev, until, []))
    return frames


def _frame(offset: int, prev: int, watermark: int, rows: list[Row]) -> ExampleFrame:
    shots = [
        Shot(user_id=f"u{row.sequence % 5}", ts=row.decided_at - 9, history=(Past("i1", "click", 1),)) for row in rows
    ]
    items = [Attributes(row.item_id) for row in rows]
    pointed = tuple(_pointing(row, n) for n, row in enumerate(rows))
    return ExampleFrame("", offset, prev, watermark, "c", pointed, tuple(shots), tuple(items))


def _pointing(row: Row, n: int) -> Row:
    return msgspec.structs.replace(row, shot=n, attributes=n)


def log_of(partitions: Sequence[Sequence[ExampleFrame]]) -> MemoryLog:
    """A topic of examples that holds these frames."""
    log = MemoryLog("examples", len(partitions))
    for p, frames in enumerate(partitions):
        log.append(p, [encode(frame) for frame in frames], at=0)
    return log
