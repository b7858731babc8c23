"""What must come out: one uninterrupted pass over the log without the masked events, framed anew, that opens no label
which is masked.

The joins and the server's folds are the real ones; the order of rows and the cuts of batches are written down here a
second time, in their plainest form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import msgspec

from learners.ordering import Batch, Example
from learners.plan import Plan
from serving.fold_rules import FoldRules
from serving.part import Part
from streams.events import Event
from streams.given import Given
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.mask import Masking, Shut
from tests.chaos.chain import Chain, content
from tests.chaos.world import PARTITIONS, World
from tests.streams.messy_logs import RULES

FOLD_RULES = FoldRules(
    history=RULES.history, out_of_orderness=RULES.out_of_orderness, horizon=RULES.lifespan, follow_window=RULES.lifespan
)


@dataclass(frozen=True, slots=True)
class Reference:
    """`rows` by partition, without provenance; `chain` maps a count of examples to steps and digest at each batch end;
    `parts` has what a server knows of each partition, as bytes."""

    rows: list[list[tuple[object, ...]]]
    chain: dict[int, tuple[int, str]]
    parts: list[bytes]

    @property
    def end(self) -> tuple[int, int, str]:
        """Examples, steps and digest of all that can be learned."""
        examples = max(self.chain)
        return (examples, *self.chain[examples])


def single_pass(world: World, masking: Masking, plan: Plan, random: Random) -> Reference:
    """Fold the rest of the log once; `random` cuts the frames."""
    rows: list[list[Example]] = []
    parts, watermarks = [], []
    for p in range(PARTITIONS):
        frames = list(_framed(world.left(p, masking), random))
        joined, watermark = _joined(frames, p, world.shut(p, masking))
        rows.append(joined)
        watermarks.append(watermark)
        parts.append(_served(frames, p))
    merged = sorted((row for mine in rows for row in mine), key=_place)
    chain = _chained(_batches([row for row in merged if row.row.decided_at < min(watermarks)], min(watermarks), plan))
    return Reference([[content(row) for row in mine] for mine in rows], chain, parts)


def told(part: Part) -> bytes:
    """What a server knows of one partition: everything but how much of the log that took."""
    parts = [
        sorted(part.profiles.told()),
        part.popularity.told(),
        sorted(part.covisitation.told()),
        part.covisitation.origin,
        part.following.told(),
        sorted(part.catalogue.told(), key=lambda pair: pair[0].item_id),
        part.newest,
        part.forgotten,
    ]
    return msgspec.msgpack.encode(parts, order="deterministic")


def examples_of(given: Given, partition: int) -> Iterator[Example]:
    for row in given.rows:
        shot = given.shots[row.shot] if row.shot >= 0 else None
        yield Example(row, shot, given.attributes[row.attributes] if row.attributes >= 0 else None, partition)


def _framed(events: list[Event], random: Random) -> Iterator[list[Event]]:
    while events:
        size = random.choice((1, 2, 5, 20))
        yield events[:size]
        events = events[size:]


def _joined(frames: list[list[Event]], partition: int, shut: Shut) -> tuple[list[Example], int]:
    state = JoinState(MemoryStore())
    joiner = Joiner(RULES, state, partition=partition, partitions=PARTITIONS)
    rows: list[Example] = []
    for offset, events in enumerate(frames):
        given = joiner.feed(offset, events, shut=shut)
        rows += examples_of(given, partition) if given else ()
    return rows, joiner.head.watermark


def _served(frames: list[list[Event]], partition: int) -> bytes:
    part = Part(partition, PARTITIONS, FOLD_RULES)
    for offset, events in enumerate(frames):
        part.feed(partition, offset, events)
    return told(part)


def _place(example: Example) -> tuple[int, int, int]:
    return example.row.decided_at, example.partition, example.row.sequence


def _batches(rows: list[Example], least: int, plan: Plan) -> Iterator[list[Example]]:
    """Whole batches, and the rest of each bucket that the least watermark has passed."""
    buckets: dict[int, list[Example]] = {}
    for row in rows:
        buckets.setdefault(row.row.decided_at // plan.bucket_ms, []).append(row)
    for bucket, mine in buckets.items():
        for i in range(0, len(mine), plan.batch_size):
            batch = mine[i : i + plan.batch_size]
            if len(batch) == plan.batch_size or least >= (bucket + 1) * plan.bucket_ms:
                yield batch


def _chained(batches: Iterator[list[Example]]) -> dict[int, tuple[int, str]]:
    learner, chain = Chain(), {0: (0, "")}
    for steps, batch in enumerate(batches, 1):
        learner.learn(Batch(tuple(batch), 0))
        chain[learner.rows_learned] = steps, learner.digest()
    return chain
