"""The plain join: what labels and histories of a log must be. It looks at all pairs of events, and knows no state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from streams.events import Event, Impression, Interaction, Item, User
from streams.examples import ExampleFrame, Past
from streams.given import resolved
from streams.join_keys import example_id
from streams.rules import Label, Rules
from tests.streams.plain_labels import Hit, told_of

Decided = Counter[tuple[str, str, int, str, float]]
"""(example id, label, shown at, kind, value) of every decision."""


def decided(frames: Iterable[ExampleFrame]) -> Decided:
    """What frames of examples say of labels."""
    return Counter(
        (row.example, name, shot.ts, row.kind, value)
        for row, shot, _ in resolved(frames)
        if row.kind in ("label", "correction") and shot is not None
        for name, value in row.labels.items()
    )


@dataclass
class _Opening:
    index: int
    event: Impression
    item_id: str
    example: str
    cut: int
    """The index of the event that forgets the user; nothing of this opening comes after it."""


def plain_join(events: Sequence[Event], rules: Rules, shut: Sequence[Collection[str]] = ()) -> Decided:
    """Every decision that the events of one partition must give, found by looking at all pairs; `shut` names for each
    event the labels that it may not open."""
    watermark = _watermarks(events, rules)
    forgets = [(i, e.user_id, e.ts) for i, e in enumerate(events) if isinstance(e, User) and e.deleted]
    done = _interactions(events, watermark, forgets, rules)
    openings = _openings(events, watermark, forgets, rules, shut)
    taken: set[int] = set()
    found: Decided = Counter()
    for opening in openings:
        shown = opening.event
        hits: list[tuple[int, Interaction]] = []
        for j, one in done:
            same = (one.user_id, one.request_id, one.item_id) == (shown.user_id, shown.request_id, opening.item_id)
            if not same or j in taken or j >= opening.cut:
                continue
            cut = any(j < f < opening.index and user == shown.user_id for f, user, _ in forgets)
            waits = j < opening.index and one.ts + rules.lifespan > watermark[opening.index] and not cut
            meets = j > opening.index and shown.ts + rules.lifespan > watermark[j]
            if waits or meets:
                hits.append((max(j, opening.index), one))
            if waits or meets or j < opening.index:
                taken.add(j)
        for label in rules.labels:
            if not shut or label.name not in shut[opening.index]:
                found += _label(label, opening, hits, watermark, rules)
    return found


def _label(
    label: Label, opening: _Opening, hits: list[tuple[int, Interaction]], watermark: list[int], rules: Rules
) -> Decided:
    shown = opening.event
    window = label.window_on(shown.surface)
    close = shown.ts + window + rules.grace
    if close <= watermark[opening.index]:
        return Counter()
    mine = [
        Hit(watermark[m], one.ts, label.worth(one.value))
        for m, one in hits
        if one.type == label.event and one.ts - shown.ts <= window and label.reached(one.value)
    ]
    closed = any(watermark[x] >= close for x in range(opening.index, min(opening.cut, len(watermark))))
    found: Decided = Counter()
    for kind, value, _ in told_of(label, mine, close=close, closed=closed):
        found[(opening.example, label.name, shown.ts, kind, value)] += 1
    return found


def _watermarks(events: Sequence[Event], rules: Rules) -> list[int]:
    now, told = 0, []
    for event in events:
        if not isinstance(event, Item | User):
            now = max(now, event.ts - rules.out_of_orderness)
        told.append(now)
    return told


def _interactions(
    events: Sequence[Event], watermark: list[int], forgets: list[tuple[int, str, int]], rules: Rules
) -> list[tuple[int, Interaction]]:
    seen: set[str] = set()
    fresh = []
    for i, one in enumerate(events):
        if not isinstance(one, Interaction) or one.event_id in seen or one.ts + rules.lifespan <= watermark[i]:
            continue
        if any(f < i and user == one.user_id and one.ts <= ts for f, user, ts in forgets):
            continue
        seen.add(one.event_id)
        fresh.append((i, one))
    return fresh


def _openings(
    events: Sequence[Event],
    watermark: list[int],
    forgets: list[tuple[int, str, int]],
    rules: Rules,
    shut: Sequence[Collection[str]] = (),
) -> list[_Opening]:
    openings: list[_Opening] = []
    for i, one in enumerate(events):
        if not isinstance(one, Impression):
            continue
        if any(f < i and user == one.user_id and one.ts <= ts for f, user, ts in forgets):
            continue
        able = [label for label in rules.labels if not shut or label.name not in shut[i]]
        if all(one.ts + label.window_on(one.surface) + rules.grace <= watermark[i] for label in able):
            continue
        cut = min([f for f, user, _ in forgets if f > i and user == one.user_id] + [len(events)])
        for shown in one.items:
            example = example_id(one.user_id, one.request_id, shown.item_id)
            still = [o for o in openings if o.example == example and o.cut > i]
            if not any(o.event.ts + rules.lifespan > watermark[i] for o in still):
                openings.append(_Opening(i, one, shown.item_id, example, cut))
    return openings


def plain_histories(events: Sequence[Event], rules: Rules) -> dict[tuple[str, int], list[Past]]:
    """The history that each (example, shown at) must have, by looking at all that its user did before it in the log."""
    watermark = _watermarks(events, rules)
    forgets = [(i, e.user_id, e.ts) for i, e in enumerate(events) if isinstance(e, User) and e.deleted]
    done = _interactions(events, watermark, forgets, rules)
    found = {}
    for opening in _openings(events, watermark, forgets, rules):
        shown, at = opening.event, opening.index
        gone = max((f for f, user, _ in forgets if f < at and user == shown.user_id), default=-1)
        pasts = sorted(
            (one for j, one in done if gone < j < at and one.user_id == shown.user_id and one.item_id),
            key=lambda one: one.ts,
        )
        found[opening.example, shown.ts] = [
            Past(one.item_id or "", one.type, one.ts)
            for n, one in enumerate(pasts)
            if one.ts <= shown.ts
            and (
                len(pasts) - n <= rules.history
                or sum(later.type == one.type for later in pasts[n:]) <= rules.history_of.get(one.type, 0)
            )
        ]
    return found
