"""Logs as they come in real life, and the plain join that says what their labels must be.

Times are whole seconds in ms. Impressions come twice, late, after their clicks, or never; clicks are repeated, late,
out of their window; users are forgotten; items change. `plain_join` looks at all pairs of events and knows no state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from streams.events import Event, Impression, Interaction, Item, Shown, Slate, Tick, User, key_of
from streams.examples import ExampleFrame
from streams.given import resolved
from streams.join_keys import example_id
from streams.positions import partition_of
from streams.rules import Label, Rules

S = 1000
RULES = Rules(
    (
        Label("click", event="click", window=20 * S, mode="fast", horizon=30 * S, surfaces={"mail": 40 * S}),
        Label("long_view", event="dwell", window=45 * S, horizon=40 * S, min_value=18),
        Label("buy", event="purchase", window=90 * S, surfaces={"mail": 45 * S}),
    ),
    grace=3 * S,
    out_of_orderness=5 * S,
    history=4,
)

Decided = Counter[tuple[str, str, int, str, float]]
"""(example id, label, shown at, kind, value) of every decision."""


def messy_log(random: Random, visits: int) -> list[tuple[int, Event]]:
    """(received_at, event) of one stream, in order of arrival."""
    log: list[tuple[int, Event]] = []

    def lag() -> int:
        return random.choice((0, 0, 0, 1, 2, 4, 9, 60)) * S

    for n in range(visits):
        at, user, request = random.randrange(0, 300) * S, f"u{random.randrange(5)}", f"r{n}"
        app, surface = random.choice(("1", "1", "9")), random.choice(("", "mail"))
        shown = tuple(
            Shown(f"i{i}", k, score=0.5) for k, i in enumerate(random.sample(range(6), random.randrange(1, 4)))
        )
        if random.randrange(2):
            log.append(
                (at + lag(), Slate(f"s{n}", at, user, request, shown, surface, {"n": float(n)}, app_version=app))
            )
        impression = Impression(f"v{n}", at, user, request, shown, surface, app_version=app)
        log += [(at + lag(), impression) for _ in range(random.choice((0, 1, 1, 1, 1, 2)))]
        if random.randrange(6) == 0:  # scrolled on: the same request, a later event, an item more
            more = Impression(f"w{n}", at + 2 * S, user, request, (*shown, Shown("i9", 9)), surface, app_version=app)
            log.append((at + 2 * S + lag(), more))
        for k in range(random.choice((0, 0, 1, 2, 3))):
            done = at + random.randrange(-1, 110) * S
            asked = None if random.randrange(8) == 0 else request
            kind = random.choice(("click", "dwell", "purchase", "like"))
            click = Interaction(
                f"c{n}.{k}",
                max(done, 0),
                user,
                kind,
                item_id=random.choice(shown).item_id,
                request_id=asked,
                surface=surface,
                value=float(random.choice((5, 18, 30))) if kind == "dwell" else None,
                app_version=app,
            )
            log += [(max(done, 0) + lag(), click) for _ in range(random.choice((1, 1, 2)))]
    for n in range(visits // 4):
        at = random.randrange(0, 300) * S
        log.append((at, Item(f"x{n}", at - lag(), f"i{random.randrange(6)}", author=f"a{n}", deleted=n % 5 == 4)))
    for _ in range(random.randrange(3)):
        at = random.randrange(0, 300) * S
        log.append((at, User(f"f{at}", max(at - lag(), 0), f"u{random.randrange(5)}", deleted=True)))
    log += [(at * S, Tick(at * S)) for at in range(0, 700, 7) if at > 380 or random.randrange(3) == 0]
    return sorted(log, key=lambda arrival: arrival[0])


def shares(log: Iterable[tuple[int, Event]], partitions: int) -> list[list[Event]]:
    """The events of each partition: items and ticks are in all."""
    split: list[list[Event]] = [[] for _ in range(partitions)]
    for _, event in log:
        for p in range(partitions):
            if isinstance(event, Tick | Item) or partition_of(key_of(event), partitions) == p:
                split[p].append(event)
    return split


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


def plain_join(events: Sequence[Event], rules: Rules) -> Decided:
    """Every decision that the events of one partition must give, found by looking at all pairs."""
    watermark = _watermarks(events, rules)
    forgets = [(i, e.user_id, e.ts) for i, e in enumerate(events) if isinstance(e, User) and e.deleted]
    done = _interactions(events, watermark, forgets, rules)
    openings = _openings(events, watermark, forgets, rules)
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
        watermark[m]
        for m, one in hits
        if one.type == label.event and one.ts - shown.ts <= window and label.reached(one.value)
    ]
    closed = any(watermark[x] >= close for x in range(opening.index, min(opening.cut, len(watermark))))
    yes = any(at < close for at in mine)
    key = (opening.example, label.name, shown.ts)
    if yes and (label.mode == "fast" or closed):
        return Counter({(*key, "label", 1.0): 1})
    if yes or not closed:
        return Counter()
    told: Decided = Counter({(*key, "label", 0.0): 1})
    if any(close <= at < close + label.horizon for at in mine):
        told[(*key, "correction", 1.0)] = 1
    return told


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
    events: Sequence[Event], watermark: list[int], forgets: list[tuple[int, str, int]], rules: Rules
) -> list[_Opening]:
    openings: list[_Opening] = []
    for i, one in enumerate(events):
        if not isinstance(one, Impression):
            continue
        if any(f < i and user == one.user_id and one.ts <= ts for f, user, ts in forgets):
            continue
        if all(one.ts + label.window_on(one.surface) + rules.grace <= watermark[i] for label in rules.labels):
            continue
        cut = min([f for f, user, _ in forgets if f > i and user == one.user_id] + [len(events)])
        for shown in one.items:
            example = example_id(one.user_id, one.request_id, shown.item_id)
            still = [o for o in openings if o.example == example and o.cut > i]
            if not any(o.event.ts + rules.lifespan > watermark[i] for o in still):
                openings.append(_Opening(i, one, shown.item_id, example, cut))
    return openings
