"""Digests of what a log says: equal for logs that say the same, however it is framed, stored or was arrived at.

This is the proof of "same log, same labels". Offsets, lineages, configurations and frames are not content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from heapq import merge

import msgspec

from streams.decisions import Decisions
from streams.examples import ExampleFrame, Row, decode
from streams.frames import decode_frame
from streams.in_force import InForce
from streams.log import Log, Record
from streams.mask import Masking


def digest_of_events(log: Log, mask: Masking | None = None) -> str:
    """sha256 (hex) over the events of each partition that `mask` leaves visible, in order.

    >>> from streams.frames import EventFrame, encode_frame
    >>> from streams.events import Tick
    >>> from streams.log import MemoryLog
    >>> one, two = MemoryLog("events", 1), MemoryLog("events", 1)
    >>> _ = one.append(0, [encode_frame(EventFrame((Tick(1), Tick(2))))], at=5)
    >>> _ = two.append(0, [encode_frame(EventFrame((Tick(ts),), {"users": {0: ts}})) for ts in (1, 2)], at=6)
    >>> digest_of_events(one) == digest_of_events(two)
    True
    """
    told, mask = hashlib.sha256(), mask or Masking(())
    for p in range(log.partitions):
        for record in _records(log, p):
            for event in mask.visible(p, record.offset, decode_frame(record.value).in_order()):
                told.update(_canonical((p, event)))
    return told.hexdigest()


def digest_of_examples(log: Log, decisions: Decisions) -> str:
    """sha256 (hex) over the rows in force under `decisions`, in the order in which a trainer learns them.

    Rows decided at the least watermark or later are left out: others may still come before them. Of a log that was
    trimmed, the digest is that of what is left. FramesLost and FramesDiffer where the log is not what one joiner per
    partition writes.
    """
    least = min((_watermark(log, p, decisions) for p in range(log.partitions)), default=0)
    told = hashlib.sha256()
    for _, row in merge(*(_rows(log, p, decisions, least) for p in range(log.partitions))):
        told.update(row)
    return told.hexdigest()


Ordered = tuple[tuple[int, int, int], bytes]
"""A row's place in the order (decided_at, partition, sequence), and its bytes."""


def _rows(log: Log, partition: int, decisions: Decisions, least: int) -> Iterator[Ordered]:
    for frame in _in_force(log, partition, decisions):
        for row in frame.rows:
            if row.decided_at < least:
                yield (row.decided_at, partition, row.sequence), _canonical((partition, *_resolved(row, frame)))


def _resolved(row: Row, frame: ExampleFrame) -> tuple[object, ...]:
    """The row with what it points to, without where it came from."""
    shot = frame.shots[row.shot] if row.shot >= 0 else None
    attributes = frame.attributes[row.attributes] if row.attributes >= 0 else None
    return msgspec.structs.replace(row, shot=-1, attributes=-1, input=-1), shot, attributes


def _watermark(log: Log, partition: int, decisions: Decisions) -> int:
    watermark = 0
    for frame in _in_force(log, partition, decisions):
        watermark = frame.watermark
    return watermark


def _in_force(log: Log, partition: int, decisions: Decisions) -> Iterator[ExampleFrame]:
    rule, trimmed = InForce(partition, decisions), log.begin(partition) > 0
    for record in _records(log, partition):
        frame = decode(record.value)
        if trimmed and frame.lineage == rule.lineage(frame.input):
            rule.last, trimmed = frame.prev, False  # what came before it was taken by retention
        if rule.accept(record.offset, frame, record.value):
            yield frame


def _records(log: Log, partition: int) -> Iterator[Record]:
    offset = log.begin(partition)
    while records := log.read(partition, offset):
        offset = records[-1].offset + 1
        yield from records


_canonical = msgspec.msgpack.Encoder(order="deterministic").encode
