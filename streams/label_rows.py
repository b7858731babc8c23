"""Rows of labels: what closes, and what an interaction decides.

`wait` labels are decided at their close, `fast` ones at once where the answer is yes; until the first window of a
label on a surface has gone round, a fast yes has weight 0, since there are no noes yet to learn beside it. A label is
decided once and corrected at most once. Nothing here reads an event.
"""

from __future__ import annotations

from streams.examples import Row, RowKind
from streams.given import Gathering
from streams.kept import Kept
from streams.known_items import UNKNOWN
from streams.opened import Found, Item, Record, Waiting
from streams.slates import slated
from streams.verdicts import Standing, judge

_UNOPENED, _UNDECIDED, _HIT = int(Standing.UNOPENED), int(Standing.UNDECIDED), int(Standing.HIT)
_POSITIVE, _NEGATIVE = int(Standing.POSITIVE), int(Standing.NEGATIVE)


class LabelRows:
    """Decides labels of open examples and writes their rows into the frame that was begun."""

    def __init__(self, kept: Kept) -> None:
        rules = kept.rules
        self._rules, self._head, self._kept = rules, kept.head, kept
        self._closing: dict[tuple[int, str], list[tuple[int, str]]] = {}
        self._durations: dict[str, list[int]] = {}
        self._started: set[str] = set()
        self._surfaces = {surface for label in rules.labels for surface in label.surfaces}
        self._gathering = Gathering()
        self.by_event = {
            event: [(i, label) for i, label in enumerate(rules.labels) if label.event == event]
            for event in {label.event for label in rules.labels}
        }

    def begin(self) -> Gathering:
        """A new frame; what follows goes into it."""
        self._gathering = Gathering()
        return self._gathering

    def undecided(self, shown_at: int, surface: str) -> list[int]:
        """Standings of a new example: those labels are open whose close lies ahead. Empty where none is."""
        durations, watermark = self._durations_on(surface), self._head.watermark
        open_ = [_UNDECIDED if shown_at + duration > watermark else _UNOPENED for duration in durations]
        return open_ if any(open_) else []

    def started(self, shown_at: int, surface: str, states: list[int]) -> None:
        """An impression was opened: from the first of its kind on, a window goes round."""
        if surface in self._started:
            return
        for label, standing in zip(self._rules.labels, states, strict=True):
            if standing:
                self._head.first_shown.setdefault(f"{label.name}/{surface}", shown_at)
        if all(states):
            self._started.add(surface)

    def close(self, at: int, key: bytes, duration: int) -> None:
        """Decide all that closes at `at`, `duration` after its impression; one row for each example."""
        record = self._kept.openings.record(key)
        if record is None:
            return
        closing = self._closing_on(duration, record.surface)
        shot, yes, all_ = -1, 0, 0
        for item in record.items:
            before = max(item.states) > _HIT
            labels = _settled(item.states, closing)
            if labels:
                shot = self._shot(key, at) if shot < 0 else shot
                yes, all_ = yes + int(sum(labels.values())), all_ + len(labels)
                self._row("label", at, record, item, labels=labels, shot=shot, first=not before)
        if shot >= 0:
            self._head.count("positives", yes)
            self._head.count("negatives", all_ - yes)
            self._kept.openings.put(key, record)

    def interact(self, found: Found, done: Waiting) -> None:
        """Take an interaction with an open example."""
        record, item, watermark = found.record, found.item, self._head.watermark
        before = max(item.states) > _HIT
        yes: dict[float, dict[str, float]] = {}
        fixed: dict[str, float] = {}
        for i, label in self.by_event.get(done.type, ()):  # an older rule may have asked for its type
            window = label.window_on(record.surface)
            to_close = found.shown_at + window + self._rules.grace - watermark
            delay = done.ts - found.shown_at
            verdict = judge(label, item.states[i], delay=delay, value=done.value, to_close=to_close, window=window)
            if verdict == "correction":
                item.states[i], fixed[label.name] = _POSITIVE, 1.0
            elif verdict != "positive":
                self._head.count(verdict)
            elif label.mode == "wait":
                item.states[i] = _HIT
            else:
                item.states[i] = _POSITIVE
                went_round = self._head.first_shown[f"{label.name}/{record.surface}"] + window + self._rules.grace
                yes.setdefault(1.0 if watermark >= went_round else 0.0, {})[label.name] = 1.0
        self._kept.openings.put(found.key, record)
        shot = self._shot(found.key, watermark) if yes or fixed else -1
        for weight, labels in yes.items():
            self._head.count("positives", len(labels))
            self._row("label", watermark, record, item, labels=labels, shot=shot, weight=weight, first=not before)
            before = True
        if fixed:
            self._head.count("corrections", len(fixed))
            self._row("correction", watermark, record, item, labels=fixed, shot=shot)

    def attributes_index(self, reference: bytes) -> int:
        """Where the attributes stand in the frame; they are put there if need be."""
        if reference == UNKNOWN:
            return -1
        index = self._gathering.attributes_at.get(reference)
        return self._gathering.attribute(reference, self._kept.items.attributes(reference)) if index is None else index

    def _row(
        self,
        kind: RowKind,
        at: int,
        record: Record,
        item: Item,
        *,
        labels: dict[str, float],
        shot: int,
        weight: float = 1.0,
        first: bool = False,
    ) -> None:
        self._gathering.add(
            Row(
                self._head.sequence,
                at,
                kind,
                item.example.hex(),
                labels,
                weight,
                item.item_id,
                item.position,
                shot,
                self.attributes_index(item.attributes),
                first,
                record.input,
            )
        )
        self._head.sequence += 1

    def _shot(self, key: bytes, at: int) -> int:
        """The impression's circumstances; with its slate, where that came by now."""
        index = self._gathering.shot_index(key + b"+")
        if index is not None:
            return index
        shot, complete = self._kept.openings.shot(key)
        served = None if complete else self._kept.slates.of(shot.user_id, shot.request_id, at=at)
        if served is not None:
            self._kept.slates.claim(shot.user_id, shot.request_id, served)
            shot, complete = slated(shot, served), True
            self._kept.openings.put_shot(key, shot, slated=True)
        return self._gathering.shot(key + (b"+" if complete else b"-"), shot)

    def _durations_on(self, surface: str) -> list[int]:
        """How long after an impression each label closes."""
        known = surface if surface in self._surfaces else ""
        if known not in self._durations:
            self._durations[known] = [one.window_on(known) + self._rules.grace for one in self._rules.labels]
        return self._durations[known]

    def _closing_on(self, duration: int, surface: str) -> list[tuple[int, str]]:
        """Which labels close so long after an impression, by number and name."""
        known = (duration, surface if surface in self._surfaces else "")
        if known not in self._closing:
            durations, labels = self._durations_on(surface), self._rules.labels
            self._closing[known] = [(i, labels[i].name) for i, one in enumerate(durations) if one == duration]
        return self._closing[known]


def _settled(states: list[int], closing: list[tuple[int, str]]) -> dict[str, float]:
    """The values at their close of those labels that are pending; they are decided now."""
    labels = {}
    for i, name in closing:
        if states[i] == _UNDECIDED:
            states[i], labels[name] = _NEGATIVE, 0.0
        elif states[i] == _HIT:
            states[i], labels[name] = _POSITIVE, 1.0
    return labels
