"""A recorded log with its joined examples and versions, and what a preview of it must count, found by brute force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.quarantine import Order
from checkpoints.store import VersionStore
from headrace.quarantine_preview import Preview, preview
from streams.decisions import Decision, DecisionLog
from streams.events import Event, Impression, Interaction, Shown, Tick, key_of, type_of
from streams.examples import Row, Shot, decode
from streams.in_force import InForce
from streams.join_disk import MemoryDisk
from streams.join_turn import Pace, Topics
from streams.log import MemoryLogs
from streams.mask import Entry, Masking
from streams.partition_joiner import PartitionJoiner
from streams.rules import Rules
from tests.chaos.world import AHEAD, Recorded
from tests.streams.messy_logs import RULES

NOW = 1 << 40
"""By this time everything has happened."""


class Town:
    """Partitions of frames; `join` brings the examples up to date with the decisions."""

    def __init__(self, folder: Path, frames: Sequence[Sequence[Recorded]], rules: Rules = RULES) -> None:
        self.frames, logs = frames, MemoryLogs()
        self.events, self.examples = (logs.open(name, len(frames)) for name in ("events", "examples"))
        self.decisions = DecisionLog(logs.open("decisions", 1))
        for p, mine in enumerate(frames):
            for frame in mine:
                self.events.append(p, [frame.data], frame.at)
        topics, pace = Topics(self.events, self.examples, self.decisions), Pace(lambda: 0, frames=7, snapshot_ms=1)
        self._joiners = [
            PartitionJoiner(p, topics, rules=rules, disk=MemoryDisk(), pace=pace) for p in range(len(frames))
        ]
        self.store = VersionStore(folder / "versions")
        self.join()

    def join(self) -> None:
        for one in self._joiners:
            while True:
                list(one.turn())
                if one.report.idle and not one.report.rewound:
                    break

    def decide(self, kind: Any, **more: Any) -> None:
        self.decisions.follow()
        self.decisions.decide(Decision(kind, 1, "ana", "", self.decisions.fold.position, **more))

    def version(self, share: float) -> Manifest:
        """A version that learned that share of each partition's examples, which serves."""
        self.decisions.follow()
        version, positions = self.store.reserve(), {}
        for p in range(self.events.partitions):
            rule, until = InForce(p, self.decisions.fold), int(share * self.examples.end(p))
            for record in self.examples.read(p, 0, limit=until or 1)[:until]:
                rule.accept(record.offset, decode(record.value), record.value)
            positions[p] = TrainerPosition(examples=until, last=rule.last, input=rule.last + 1)
        draft = Manifest(
            version, None, self.decisions.fold.position, positions, examples=int(1000 * share), verdict="pass"
        )
        made = self.store.commit(version, _weights, draft)
        self.decide("publish", version=version, input=made.input, mask_position=made.decisions)
        return made

    def look(self, *orders: Order) -> Preview:
        return preview(
            orders, store=self.store, decisions=self.decisions, events=self.events, examples=self.examples,
            ahead=AHEAD, at=NOW,
        )  # fmt: skip

    def rows(self, partition: int, since: int = 0) -> list[tuple[Row, Shot | None]]:
        """The rows in force that frames of events from `since` on decided."""
        self.decisions.follow()
        rule = InForce(partition, self.decisions.fold)
        read = [(r, decode(r.value)) for r in self.examples.read(partition, 0, limit=1_000_000)]
        held = [frame for r, frame in read if rule.accept(r.offset, frame, r.value)]
        return [
            (row, frame.shots[row.shot] if row.shot >= 0 else None)
            for frame in held
            if frame.input >= since
            for row in frame.rows
        ]


def _weights(aside: Path) -> None:
    (aside / "weights").write_text("w")


def brute(town: Town, entries: Sequence[Entry], ripple: Entry | None, versions: Sequence[int]) -> dict[str, Any]:
    """What the entries, and then the ripple, take: by asking every event and every row, from the log's begin on."""
    town.decisions.follow()
    today = town.decisions.fold.masking()
    plain = today.changed(entries)
    wide = plain.changed([ripple]) if ripple else plain
    counts: dict[str, Any] = {name: Counter() for name in ("events", "ripple events", "shut", "served", "yes", "no")}
    counts |= {"examples": 0, "ripple examples": 0, "answers": set()}
    for p, frames in enumerate(town.frames):
        undone = []
        begin = min(entry.start.get(p, 0) for entry in wide.entries if entry.id not in _ids(today))
        for offset, frame in enumerate(frames):
            for event in frame.events:
                if isinstance(event, Tick) or today.hides(p, offset, event):
                    continue
                # a version shows nothing before it has learned; these logs name versions at random
                if offset >= begin and isinstance(event, Impression) and event.model_version in versions:
                    counts["served"][event.model_version] += 1
                if plain.hides(p, offset, event):
                    counts["events"][type_of(event)] += 1
                    undone += [event] if isinstance(event, Interaction) else []
                elif wide.hides(p, offset, event):
                    counts["ripple events"][type_of(event)] += 1
                if isinstance(event, Impression) and not plain.hides(p, offset, event):
                    counts["shut"].update(_shut(plain, p, offset, event) - _shut(today, p, offset, event))
        for row, shot in town.rows(p, since=begin):
            if shot is not None:
                _row(counts, row, shot, p, _opener(town, p, row, shot), (today, plain, wide), undone)
    counts["answers"] = len(counts["answers"])
    return {name: dict(one) if isinstance(one, Counter) else one for name, one in counts.items()}


def _row(
    counts: dict[str, Any], row: Row, shot: Shot, p: int, opener: Event, masks: tuple[Masking, Masking, Masking],
    undone: list[Interaction],
) -> None:  # fmt: skip
    today, plain, wide = masks
    whole, first = plain.hides(p, row.input, opener), row.kind == "organic" or (row.kind == "label" and row.first)
    shut = _shut(plain, p, row.input, opener) - _shut(today, p, row.input, opener)
    if row.kind != "correction":
        for name, value in row.labels.items():
            if whole or name in shut:
                counts["yes" if value > 0 else "no"][name] += 1
    if whole:
        counts["examples"] += first
    elif wide.hides(p, row.input, opener):
        counts["ripple examples"] += first
    elif any((e.user_id, e.request_id, e.item_id) == (shot.user_id, shot.request_id, row.item_id) for e in undone):
        counts["answers"].add(row.example)


def _opener(town: Town, p: int, row: Row, shot: Shot) -> Event:
    """The event by which the example of a row was opened."""
    same = (
        event
        for event in town.frames[p][row.input].events
        if not isinstance(event, Tick) and (key_of(event), event.ts) == (shot.user_id, shot.ts)
    )
    for event in same:
        match event:
            case Impression() if event.request_id == shot.request_id and row.item_id in map(_item, event.items):
                return event
            case Interaction() if row.kind == "organic" and event.request_id is None and event.item_id == row.item_id:
                return event
    raise AssertionError(f"no event at {row.input} opened {row}")


def _ids(mask: Masking) -> set[str]:
    return {entry.id for entry in mask.entries}


def _item(shown: Shown) -> str:
    return shown.item_id


def _shut(mask: Masking, p: int, offset: int, event: Event) -> frozenset[str]:
    return mask.shut(p, offset, [event]).get(id(event), frozenset())


def told(found: Preview) -> dict[str, Any]:
    """The same, as a preview counted it."""
    plain, ripple = found.counted.plain, found.counted.ripple
    return {
        "events": dict(plain.events), "ripple events": dict(ripple.events), "shut": dict(plain.shut),
        "served": dict(found.counted.served), "yes": dict(plain.yes), "no": dict(plain.no),
        "examples": plain.examples, "ripple examples": ripple.examples, "answers": len(plain.answers),
    }  # fmt: skip
