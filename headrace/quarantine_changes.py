"""A change of the mask before it is written: what it would be, and what would have to be made anew.

Looks into the log and at manifests; writes nothing. Raises BelowFloor for what would be void.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkpoints.errors import BadOrder, BelowFloor
from checkpoints.manifest import Manifest
from checkpoints.quarantine import RIPPLE, Order, below_floor, free_id, resolve, rippled, tainted, valid
from headrace.quarantine_words import iso
from streams.decisions import Decisions
from streams.errors import LogMismatch
from streams.log import Log
from streams.mask import Entry, Masking
from streams.positions import Positions
from streams.rules import Rules


@dataclass(frozen=True, slots=True)
class Change:
    """What a line would add and remove. `tainted` are all versions that are not valid under `mask`; what lies between
    `replay_from` (None: nothing does) and `ends` is to be fed again: so many frames, over `span_ms` of the log; joiners
    feed the last `joined` of them."""

    seen: int
    add: tuple[Entry, ...]
    remove: tuple[str, ...]
    mask: Masking
    tainted: tuple[int, ...]
    ends: Positions
    replay_from: Positions | None
    frames: int
    span_ms: int
    joined: int = 0


def ordered(
    orders: Sequence[Order],
    *,
    manifests: Sequence[Manifest],
    decisions: Decisions,
    events: Log,
    ahead: int,
    at: int,
    ripple: bool,
) -> Change:
    """The change that adds these orders, and with `ripple` what the versions that fall by them caused."""
    refuse_unknown_labels(orders, decisions)
    stem, taken = f"q{decisions.position}", [entry.id for entry in decisions.masking().entries]
    entries: list[Entry] = []
    for order in orders:
        id = free_id(stem, [*taken, *(entry.id for entry in entries)])
        entries.append(resolve(order, events, ahead=ahead, at=at, id=id, floor=decisions.floor()))
    refuse_below_floor(decisions, decisions.masking().changed(entries), events)
    more = rippled(entries, decisions, manifests, decisions.lines, free_id(stem + RIPPLE, taken)) if ripple else None
    add = (*entries, more) if more is not None else tuple(entries)
    return change(decisions, manifests, events, add=add)


def change(
    decisions: Decisions,
    manifests: Sequence[Manifest],
    events: Log,
    *,
    add: tuple[Entry, ...] = (),
    remove: tuple[str, ...] = (),
) -> Change:
    """The change that adds these entries and removes those ids."""
    mask = decisions.masking().changed(add, remove)
    refuse_below_floor(decisions, mask, events)
    ends = {p: events.end(p) for p in range(events.partitions)}
    first = _differs_from(decisions, mask, ends)
    again = _again(decisions, mask, manifests, events, ends, first)
    return Change(
        seen=decisions.position,
        add=add,
        remove=remove,
        mask=mask,
        tainted=tainted(decisions, mask, manifests, decisions.lines),
        ends=ends,
        replay_from=again,
        frames=sum(ends[p] - offset for p, offset in (again or {}).items()),
        span_ms=max((_span(events, p, offset) for p, offset in (again or {}).items()), default=0),
        joined=sum(max(ends[p] - first[p], 0) for p in again or {}),
    )


def refuse_unknown_labels(orders: Sequence[Order], decisions: Decisions) -> None:
    """Raise BadOrder where an order names a label that the log was never joined with."""
    known: set[str] = set()
    for _, text in decisions.masking().settings_of("join"):
        try:
            known |= {label.name for label in Rules.of(text).labels}
        except LogMismatch:
            return  # said by another release; the joiner knows what they mean
    for name in (name for order in orders for name in order.labels or () if known and name not in known):
        raise BadOrder(
            f"there is no label {name!r}, so nothing would be left out; the log is joined with "
            f"{', '.join(sorted(known))}. See `headrace configure show`"
        )


def refuse_below_floor(decisions: Decisions, mask: Masking, events: Log) -> None:
    """Raise BelowFloor where a line that makes this the mask would be void."""
    if below_floor(decisions, mask):
        at = floor_at(decisions, events)
        since = "the floor of retention" if at is None else iso(at)
        raise BelowFloor(
            f"this reaches below what retention kept: of what came before {since}, the snapshots and versions that did "
            f"not see it are gone. Name a later begin (from={since if at is not None else 'TIME'}), close an open "
            "entry from now on (headrace quarantine close ID), or begin a new log: headrace up --var NEW_FOLDER"
        )


def floor_at(decisions: Decisions, events: Log) -> int | None:
    """The record time from which on every partition can be changed; None without a floor, or where the log ends."""
    floor = decisions.floor() or {}
    return max((at for p, offset in floor.items() if (at := _at(events, p, offset)) is not None), default=None)


def _differs_from(decisions: Decisions, mask: Masking, ends: Positions) -> Positions:
    """The first place of each partition that the mask shows otherwise than today's; its end where none does."""
    edges = {p: decisions.masking().edges(p).symmetric_difference(mask.edges(p)) for p in ends}
    return {p: min((edge[0] for edge in edges[p]), default=ends[p]) for p in ends}


def _again(
    decisions: Decisions, mask: Masking, manifests: Sequence[Manifest], events: Log, ends: Positions, first: Positions
) -> Positions | None:
    """From where on folds feed again: joiners from the first place that differs, the trainer from the newest version
    that is valid; None where nothing differs before the ends."""
    if all(first[p] >= ends[p] for p in ends):
        return None
    able = (m for m in manifests if m.verdict != "fail" and valid(decisions, mask, m.decisions, m.input))
    newest = max(able, key=lambda m: (m.examples, m.version), default=None)
    learned = {} if newest is None else newest.input
    return {p: min(first[p], ends[p], max(learned.get(p, 0), events.begin(p))) for p in ends}


def _span(events: Log, partition: int, since: int) -> int:
    first, last = _at(events, partition, since), _at(events, partition, events.end(partition) - 1)
    return 0 if first is None or last is None else max(last - first, 0)


def _at(events: Log, partition: int, offset: int) -> int | None:
    records = events.read(partition, max(offset, 0), 1)
    return records[0].at if records else None
