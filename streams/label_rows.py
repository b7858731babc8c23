"""Rows of labels: what closes, and what an interaction decides.

`wait` labels are decided at their close, `fast` ones at once where the answer is yes, `delayed` ones with a no when
they open; until the first window of a label on a surface has gone round, a fast yes has weight 0, since there are no
noes yet to learn beside it. A label is decided once and corrected at most once: from no to yes at once, for a graded
label at the close, when nothing newer can come. A newer value instead of an older one has weight 0: to who learns yes
and no it says nothing new. Nothing here reads an event.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

from streams.closes import Closes
from streams.examples import Row, RowKind
from streams.given import Gathering, decode_shot, encode
from streams.graded import Graded, note
from streams.join_keys import ID_BYTES
from streams.kept import Kept
from streams.opened import Found, Item, Record, Waiting
from streams.rules import Label
from streams.slates import slated
from streams.verdicts import Standing, judge, settle, takes_over, weight_of

_UNOPENED, _UNDECIDED, _HIT = int(Standing.UNOPENED), int(Standing.UNDECIDED), int(Standing.HIT)
_POSITIVE, _EARLY_NO, _CORRECTED = int(Standing.POSITIVE), int(Standing.EARLY_NO), int(Standing.CORRECTED)

Values = dict[str, float]


class LabelRows:
    """Decides labels of open examples and writes their rows into the frame that was begun."""

    def __init__(self, kept: Kept) -> None:
        rules = kept.rules
        self._rules, self._head, self._kept = rules, kept.head, kept
        self._closes = Closes(rules)
        self._opens_as = [_EARLY_NO if label.mode == "delayed" else _UNDECIDED for label in rules.labels]
        self._says_no_early = _EARLY_NO in self._opens_as
        self._started: set[str] = set()
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
        durations, watermark = self._closes.durations_on(surface), self._head.watermark
        each = zip(durations, self._opens_as, strict=True)
        open_ = [standing if shown_at + duration > watermark else _UNOPENED for duration, standing in each]
        return open_ if any(open_) else []

    def without(self, shut: Collection[str], states: list[int]) -> list[int]:
        """Standings of a new example of which these labels are not opened."""
        each = zip(self._rules.labels, states, strict=True)
        return [_UNOPENED if label.name in shut else standing for label, standing in each]

    def started(self, shown_at: int, surface: str, states: list[int]) -> None:
        """An impression was opened: from the first of its kind on, a window goes round."""
        if surface in self._started:
            return
        for label, standing in zip(self._rules.labels, states, strict=True):
            if standing:
                self._head.first_shown.setdefault(f"{label.name}/{surface}", shown_at)
        if all(states):
            self._started.add(surface)

    def opened(self, key: bytes, record: Record) -> None:
        """Say the noes that are told at once, for all items of a new impression."""
        if not self._says_no_early:
            return
        labels = self._rules.labels
        noes = {one.name: 0.0 for one, states in zip(labels, record.states, strict=True) if states[0] == _EARLY_NO}
        if not noes:
            return
        index = self._gathering.told_shot(_shot_name(key, record.slated), record.shot)
        self._head.count("negatives", len(noes) * len(record.item_ids))
        for k in range(len(record.item_ids)):
            self._row("label", self._head.watermark, record, record.item(k), labels=noes, shot=index, first=True)

    def close(self, at: int, key: bytes, duration: int) -> None:
        """Decide all that closes at `at`, `duration` after its impression; one row for each example."""
        record = self._kept.openings.record(key)
        if record is None:
            return
        closing = self._closes.closing_on(duration, record.surface)
        if not closing:
            return
        self._closes.settle(record, duration)
        if record.graded is None:
            self._close_all(at, key, record, [(record.states[i], label.name) for i, label in closing])
        else:
            self._close_each(at, key, record, closing)

    def _close_all(self, at: int, key: bytes, record: Record, closing: list[tuple[bytes, str]]) -> None:
        """Without grades: a close leaves no more behind than the time that it was at, so the record stays as it is."""
        pending = sum(column.count(_UNDECIDED) + column.count(_HIT) for column, _ in closing)
        if not pending:
            return
        yes = sum(column.count(_HIT) for column, _ in closing)
        self._head.count("positives", yes)
        self._head.count("negatives", pending - yes)
        labels: list[Values | None]
        if len(closing) == 1:
            column, name = closing[0]
            labels = list(map({_UNDECIDED: {name: 0.0}, _HIT: {name: 1.0}}.get, column))
        else:
            labels = [
                {name: float(column[k] == _HIT) for column, name in closing if column[k] in (_UNDECIDED, _HIT)} or None
                for k in range(len(record.item_ids))
            ]
        self._rows(at, record, labels, self._shot(key, record, at))

    def _rows(self, at: int, record: Record, labels: list[Values | None], shot: int) -> None:
        """A row of each item that labels are told of."""
        examples, size, input_offset = record.examples.hex(), 2 * ID_BYTES, record.input
        firsts = [most <= _HIT for most in map(max, *record.states, bytes(len(labels)))]
        kept = [(k, told) for k, told in enumerate(labels) if told is not None]
        references = [record.attributes[k] for k, _ in kept]
        attributes = self._gathering.places(references, self._kept.items.attributes)
        sequence, item_ids, positions = self._head.sequence, record.item_ids, record.positions
        self._gathering.rows += [
            Row(
                n,
                at,
                "label",
                examples[size * k : size * (k + 1)],
                told,
                1.0,
                item_ids[k],
                positions[k],
                shot,
                place,
                firsts[k],
                input_offset,
            )
            for n, (k, told), place in zip(count(sequence), kept, attributes, strict=False)
        ]
        self._head.sequence = sequence + len(kept)

    def _close_each(self, at: int, key: bytes, record: Record, closing: list[tuple[int, Label]]) -> None:
        shot, yes, all_, corrected = -1, 0, 0, 0
        for k in range(len(record.item_ids)):
            item = record.item(k)
            before = max(item.states) > _HIT
            labels, hits, fixed = settle(item, closing)
            record.take(k, item)
            if labels or fixed:
                shot = self._shot(key, record, at) if shot < 0 else shot
            if labels:
                yes, all_ = yes + hits, all_ + len(labels)
                self._row("label", at, record, item, labels=labels, shot=shot, first=not before)
            for weight, values in fixed.items():
                corrected += len(values)
                self._row("correction", at, record, item, labels=values, shot=shot, weight=weight)
        if shot >= 0:
            self._head.count("positives", yes)
            self._head.count("negatives", all_ - yes)
            self._head.count("corrections", corrected)
            self._kept.openings.change(key, record)

    def interact(self, found: Found, done: Waiting) -> None:
        """Take an interaction with an open example."""
        record, watermark = found.record, self._head.watermark
        self._closes.settle(record, watermark - found.shown_at + 1)
        item = record.item(found.index)
        before = max(item.states) > _HIT
        yes: dict[float, Values] = {}
        fixed: dict[float, Values] = {}
        for i, label in self.by_event.get(done.type, ()):  # an older rule may have asked for its type
            window, standing = label.window_on(record.surface), item.states[i]
            to_close = found.shown_at + window + self._rules.grace - watermark
            delay, value = done.ts - found.shown_at, label.worth(done.value)
            known = item.graded.get(label.name) if item.graded else None
            newer = label.graded and takes_over(standing, known, done.ts, value)
            verdict = judge(
                label, standing, delay=delay, value=done.value, to_close=to_close, window=window, newer=newer
            )
            if verdict == "positive":
                item.states[i] = _HIT if label.mode == "wait" else _POSITIVE
                if label.mode != "wait":
                    went_round = self._head.first_shown[f"{label.name}/{record.surface}"] + window + self._rules.grace
                    yes.setdefault(1.0 if watermark >= went_round else 0.0, {})[label.name] = value
            elif verdict == "correction" and not (newer and known and known.told == value):
                item.states[i] = _CORRECTED
                fixed.setdefault(weight_of(standing), {})[label.name] = value
            else:
                self._head.count("extra" if verdict == "correction" else verdict)
            if newer and verdict in ("positive", "newer", "correction"):
                told = verdict == "correction" or item.states[i] == _POSITIVE != standing
                item.graded = note(item.graded, label.name, Graded(done.ts, value, value if told else None))
        record.take(found.index, item)
        self._kept.openings.put(found.key, found.name, record)
        shot = self._shot(found.key, record, watermark) if yes or fixed else -1
        for weight, labels in yes.items():
            self._head.count("positives", len(labels))
            self._row("label", watermark, record, item, labels=labels, shot=shot, weight=weight, first=not before)
            before = True
        for weight, labels in fixed.items():
            self._head.count("corrections", len(labels))
            self._row("correction", watermark, record, item, labels=labels, shot=shot, weight=weight)

    def attributes_index(self, reference: bytes) -> int:
        """Where the attributes stand in the frame; they are put there if need be."""
        return self._gathering.places([reference], self._kept.items.attributes)[0]

    def _row(
        self, kind: RowKind, at: int, record: Record, item: Item, *,
        labels: Values, shot: int, weight: float = 1.0, first: bool = False,
    ) -> None:  # fmt: skip
        sequence, attributes = self._head.sequence, self.attributes_index(item.attributes)
        example, item_id, position = item.example.hex(), item.item_id, item.position
        self._gathering.add(
            Row(sequence, at, kind, example, labels, weight, item_id, position, shot, attributes, first, record.input)
        )
        self._head.sequence += 1

    def _shot(self, key: bytes, record: Record, at: int) -> int:
        """The impression's circumstances; with its slate, where that came by now."""
        index = self._gathering.shot_index(_shot_name(key, True))
        if index is not None:
            return index
        if not record.slated:
            shot = decode_shot(record.shot)
            served = self._kept.slates.of(shot.user_id, shot.request_id, at=at)
            if served is not None:
                self._kept.slates.claim(shot.user_id, shot.request_id, served)
                record.shot, record.slated = encode(slated(shot, served)), True
                self._kept.openings.change(key, record)
        return self._gathering.told_shot(_shot_name(key, record.slated), record.shot)


def _shot_name(key: bytes, slated: bool) -> bytes:
    return key + (b"+" if slated else b"-")
