"""The loop that keeps a server's folds up with `events`: read, mask, feed, snapshot, and go back when the mask changes.

It never sleeps, logs or counts: it yields one report per turn, and the shell waits while `idle`. Requests go on reading
the parts in place; a part that is no longer what the mask gives is built again aside and swapped when it has caught up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.fold_rules import FoldRules
from serving.known import Known
from serving.part import Part
from serving.part_changeover import change_over
from serving.part_files import restore, snapshot
from serving.part_heads import prune, snapshots
from streams.decisions import TOPIC, DecisionLog, Decisions
from streams.frames import decode_frame
from streams.log import Log, Logs
from streams.positions import Positions
from streams.rules_in_force import RulesInForce

KEPT = 4
"""The newest snapshots of a partition; older ones are thinned down to the floor of the decisions."""

REFRESH = 500
"""Milliseconds between two views."""


@dataclass(frozen=True, slots=True)
class Folded:
    """One turn. `events` were fed; `behind` are frames not read as of the last view; `rewinding` partitions are built
    again aside; `cut` ones lack events that retention had taken before they could be read."""

    idle: bool
    events: int
    positions: Positions
    behind: int
    snapshots: int
    rewinding: int
    caught_up: bool
    cut: int = 0


@dataclass(slots=True)
class _Pace:
    refresh_at: int = 0
    snapshot_at: int = 0
    behind: int = 0
    seen: tuple[tuple[Part, int], ...] = ()
    """What was folded as of the last view."""


def fold(
    logs: Logs,
    known: Known,
    *,
    folder: Path,
    clock: Callable[[], int],
    snapshot_every: int = 30_000,
    limit: int = 20,
) -> Iterator[Folded]:
    """Keep `known` up with the log, for ever; `folder` holds the snapshots (`p{n}` below it).

    1. restore the newest valid snapshot of each partition, unless `known` has come as far already;
    2. each turn: follow the decisions, and start aside every part that they made invalid;
    3. feed at most `limit` frames to each part, those aside too; where other rules begin, change it over before; swap
       what has caught up;
    4. bring the stock up at once, the view each half second; 5. when due, snapshot the parts that are valid.

    A crash between any two lines repeats frames and skips none: state and position are in one snapshot.
    """
    events, decisions = logs.open("events", known.partitions), DecisionLog(logs.open(TOPIC, 1))
    _decide(known, decisions)
    rules = _begun(known, decisions.fold, folder)
    aside: dict[int, Part] = {}
    pace = _Pace(snapshot_at=clock() + snapshot_every)
    while True:
        if _decide(known, decisions):
            aside |= {
                p: _restored(known, rules[p], p, decisions.fold, folder) for p in _invalid(known, aside, decisions.fold)
            }
        parts = [*known.parts, *aside.values()]
        whole = [part for part in parts if not part.cut]
        fed = sum(_feed(part, known, events, rules[part.partition], decisions.fold, limit) for part in parts)
        aside |= _beyond(known, rules, [part.partition for part in whole if part.cut], decisions.fold, folder)
        _swap(known, aside)
        known.restock()
        known.awaited.settle()
        now, taken = clock(), 0
        _look(known, events, pace, now)
        if now >= pace.snapshot_at:
            taken = _snapshot(known, aside, decisions.fold, folder)
            pace.snapshot_at = now + snapshot_every
        cut = sum(part.cut for part in known.parts)
        yield Folded(fed == 0, fed, known.positions, pace.behind, taken, len(aside), known.caught_up, cut)


def _begun(known: Known, decisions: Decisions, folder: Path) -> list[RulesInForce[FoldRules]]:
    """Each part as far as a snapshot has it, or as it stands; the rules of each."""
    rules = [_rules(known, partition, decisions) for partition in range(known.partitions)]
    for standing in known.parts:
        part = _furthest(known, rules[standing.partition], standing, decisions, folder)
        if part is not standing:
            known.put(part)
    return rules


def _beyond(
    known: Known, rules: list[RulesInForce[FoldRules]], cut: list[int], decisions: Decisions, folder: Path
) -> dict[int, Part]:
    """Parts for those of which retention took what they would have read next, where a later snapshot is there."""
    found = {p: _restored(known, rules[p], p, decisions, folder) for p in cut}
    return {p: part for p, part in found.items() if part.next}


def _look(known: Known, events: Log, pace: _Pace, now: int) -> None:
    """How far behind the log we are, until it was reached once at each turn; and, when due, the view made anew."""
    if now >= pace.refresh_at or not known.caught_up:
        pace.behind = sum(events.end(part.partition) - part.next for part in known.parts)
        known.caught_up = known.caught_up or pace.behind == 0
    if now >= pace.refresh_at:
        seen = tuple((part, part.next) for part in known.parts)
        if seen != pace.seen:  # without a new event a new view would be the same
            known.refresh()
        pace.refresh_at, pace.seen = now + REFRESH, seen


def _decide(known: Known, decisions: DecisionLog) -> bool:
    """Follow the decisions; whether there were new ones. Parts that they leave valid are stamped with that."""
    fresh = decisions.follow()
    known.published = known.published or any(line.kind in ("publish", "promote") for line in fresh)
    return bool(fresh)


def _invalid(known: Known, aside: dict[int, Part], decisions: Decisions) -> list[int]:
    invalid = []
    for standing in known.parts:
        part = aside.get(standing.partition, standing)
        if decisions.valid(part.decisions, part.positions):
            part.decisions = decisions.position
        else:
            invalid.append(part.partition)
    return invalid


def _rules(known: Known, partition: int, decisions: Decisions) -> RulesInForce[FoldRules]:
    return RulesInForce("serve", partition, decisions, given=known.rules, read=FoldRules.of)


def _furthest(known: Known, rules: RulesInForce[FoldRules], standing: Part, decisions: Decisions, folder: Path) -> Part:
    """The part as it stands, or from a snapshot where that is further, or what stands is not valid."""
    least = standing.next if decisions.valid(standing.decisions, standing.positions) else 0
    part = _restored(known, rules, standing.partition, decisions, folder, beyond=least)
    return part if part.next > least or not least else standing


def _restored(
    known: Known,
    rules: RulesInForce[FoldRules],
    partition: int,
    decisions: Decisions,
    folder: Path,
    *,
    beyond: int = 0,
) -> Part:
    """A part from its newest snapshot that is what today's mask gives and `beyond` a position, empty where there is
    none."""
    for home, head in snapshots(folder / f"p{partition}"):
        if head.next <= beyond:
            break
        behind = rules.behind(head.next)
        if head.rules != behind.digest() or not decisions.valid(head.decisions, head.positions):
            continue
        part = Part(partition, known.partitions, behind)
        try:
            restore(part, home)
        except (OSError, ValueError):
            continue
        part.decisions = decisions.position
        return part
    part = Part(partition, known.partitions, rules.behind(0))
    part.decisions = decisions.position
    return part


def _feed(
    part: Part, known: Known, events: Log, rules: RulesInForce[FoldRules], decisions: Decisions, limit: int
) -> int:
    mask, fed = decisions.masking(), 0
    records = events.read(part.partition, part.next, limit)
    part.cut |= bool(records) and records[0].offset > part.next
    for record in records:
        if (wanted := rules.at(record.offset)) != part.rules:
            change_over(part, wanted)
        frame = decode_frame(record.value)
        part.feed(part.partition, record.offset, mask.visible(part.partition, record.offset, frame.events))
        if known.awaited.pending():
            known.awaited.heard(event for event in frame.events if part.is_home_of(event))
        fed += len(frame.events)
    return fed


def _swap(known: Known, aside: dict[int, Part]) -> None:
    for partition, part in list(aside.items()):
        if part.next >= known.parts[partition].next:
            known.put(part)
            del aside[partition]


def _snapshot(known: Known, aside: dict[int, Part], decisions: Decisions, folder: Path) -> int:
    taken = 0
    for part in known.parts:
        if part.partition not in aside and part.next:
            snapshot(part, folder / f"p{part.partition}")
            prune(folder / f"p{part.partition}", decisions, keep=KEPT, newest=part.next)
            taken += 1
    return taken
