"""What a quarantine would take out, counted before it is written: by reading the log from the first place on that it
reaches, and of the examples those that may stand on it.

Looks only. It reads up to where the logs ended at the command; it may run beside everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from checkpoints.errors import VersionError
from checkpoints.good_versions import last_good
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.quarantine import NEVER, Order
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.affected import Affected
from headrace.quarantine_changes import Change, ordered
from streams.decisions import DecisionLog, Decisions
from streams.errors import LogMismatch
from streams.examples import ExampleFrame, decode
from streams.frames import decode_frame
from streams.in_force import InForce
from streams.log import Log, Record
from streams.positions import Positions
from streams.rules import Rules

Told = Callable[[int, int], None]
"""Is told how many records were read, and of how many."""


@dataclass(frozen=True, slots=True)
class Preview:
    """`plain` is the change as ordered, `wide` the same with the ripple (the same one where nothing fell). `tainted`
    are the versions that fall by it, `counted` what they and the orders concern; `target` is the newest version that
    does not fall, None where there is none; `live` serves now. `frames` of events were read;
    `windows` has how long each label may be answered (ms), by the newest rules."""

    plain: Change
    wide: Change
    tainted: tuple[int, ...]
    counted: Affected
    target: int | None
    live: int | None
    frames: int
    windows: dict[str, int]


def preview(
    orders: Sequence[Order],
    *,
    store: VersionStore,
    decisions: DecisionLog,
    events: Log,
    examples: Log,
    ahead: int,
    at: int,
    told: Told = lambda *_: None,
) -> Preview:
    """Count what the orders, were they given at `at`, would take out. Raises QuarantineError as they would."""
    manifests = store.manifests()
    decisions.follow()
    fold = decisions.fold
    plain, wide = (
        ordered(orders, manifests=manifests, decisions=fold, events=events, ahead=ahead, at=at, ripple=ripple)
        for ripple in (False, True)
    )
    before = set(_tainted_now(fold, manifests))
    tainted = tuple(version for version in wide.tainted if version not in before)
    counted = Affected(fold.masking(), plain.mask, wide.mask, versions=tainted)
    frames = _count(counted, wide, fold, manifests, events, examples, told)
    try:
        target: int | None = last_good(manifests, fold, wide.mask).version
    except VersionError:
        target = None
    return Preview(plain, wide, tainted, counted, target, Registry.of(fold).live, frames, _windows(fold))


def _windows(fold: Decisions) -> dict[str, int]:
    told = fold.masking().settings_of("join")
    try:
        rules = Rules.of(told[-1][1]) if told else None
    except LogMismatch:
        rules = None  # another release wrote them
    labels = rules.labels if rules else ()
    return {label.name: max(label.window, *label.surfaces.values(), 0) for label in labels}


def _tainted_now(fold: Decisions, manifests: Sequence[Manifest]) -> Iterator[int]:
    return (m.version for m in manifests if not fold.valid(m.decisions, m.input))


def _count(
    counted: Affected, wide: Change, fold: Decisions, manifests: Sequence[Manifest], events: Log, examples: Log,
    told: Told,
) -> int:  # fmt: skip
    """Partition by partition, since an example stands on events of its own partition alone; the frames read."""
    begins = {p: at for p, at in _begins(wide, events).items() if at < wide.ends[p]}
    bases = {p: _base(p, at, fold, manifests, examples) for p, at in begins.items()}
    until = {p: examples.end(p) for p in begins}
    frames = sum(wide.ends[p] - at for p, at in begins.items())
    total = frames + sum(until[p] - (base.examples if base else examples.begin(p)) for p, base in bases.items())
    read = 0
    for p, begin in begins.items():
        for record in _records(events, p, begin, wide.ends[p]):
            counted.frame(p, record.offset, decode_frame(record.value).events)
            told(read := read + 1, total)
        for frame, seen in _in_force(examples, p, fold, bases[p], until[p]):
            read += seen
            told(read, total)
            if frame is not None and frame.input >= begin:
                counted.examples(frame)
    return frames


def _begins(wide: Change, events: Log) -> Positions:
    """The first place that one of the entries reaches, in each partition that they do not leave alone."""
    starts = {p: min(entry.start.get(p, 0) for entry in wide.add) for p in range(events.partitions)}
    return {p: max(start, events.begin(p)) for p, start in starts.items() if start < NEVER}


def _base(
    partition: int, begin: int, fold: Decisions, manifests: Sequence[Manifest], examples: Log
) -> TrainerPosition | None:
    """Where to begin with the examples, so that none of those is missed that were decided from `begin` on."""
    able = (m.positions.get(partition) for m in manifests if fold.valid(m.decisions, m.input))
    good = [at for at in able if at is not None and at.last < begin and at.examples >= examples.begin(partition)]
    return max(good, key=lambda at: at.examples, default=None)


def _in_force(
    log: Log, partition: int, fold: Decisions, base: TrainerPosition | None, end: int
) -> Iterator[tuple[ExampleFrame | None, int]]:
    """The frames in force, each with how many records were read for it; None at the end."""
    rule = InForce(partition, fold, last=base.last if base else -1)
    trimmed, read = base is None and log.begin(partition) > 0, 0
    for record in _records(log, partition, base.examples if base else log.begin(partition), end):
        read, frame = read + 1, decode(record.value)
        if trimmed and frame.lineage == rule.lineage(frame.input):
            rule.last, trimmed = frame.prev, False  # what came before it was taken by retention
        if rule.accept(record.offset, frame, record.value):
            yield frame, read
            read = 0
    yield None, read


def _records(log: Log, partition: int, since: int, end: int) -> Iterator[Record]:
    while since < end and (records := log.read(partition, since)):
        yield from (record for record in records if record.offset < end)
        since = records[-1].offset + 1
