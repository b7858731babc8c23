"""Rules of labels that differ in one way each, and a joiner that is told of them on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streams.events import Event
from streams.rules import Label, Rules
from tests.streams.join_runs import World, configure, events_of, framed
from tests.streams.messy_logs import EVERY, RULES, S

CLICK, LONG_VIEW, BUY = RULES.labels
LONGER = replace(RULES, labels=(replace(CLICK, window=60 * S), LONG_VIEW, BUY))
SHORTER = replace(
    RULES, labels=(replace(CLICK, window=4 * S), replace(LONG_VIEW, window=9 * S), replace(BUY, window=20 * S))
)
MORE = replace(RULES, labels=(Label("like", event="like", window=30 * S, mode="fast"), *RULES.labels))
FEWER = replace(RULES, labels=(BUY,), out_of_orderness=9 * S, history=2)
OTHERS = replace(RULES, labels=(Label("like", event="like", window=70 * S),), grace=S)
FASTER = replace(RULES, labels=tuple(replace(label, mode="fast") for label in reversed(RULES.labels)), history=9)
DELAYED = replace(RULES, labels=tuple(replace(label, mode="delayed") for label in RULES.labels))
GRADED = replace(
    RULES,
    labels=(replace(CLICK, window=30 * S), replace(LONG_VIEW, mode="fast", graded=True), BUY),
    history_of={"purchase": 3},
)
ALL = (RULES, LONGER, SHORTER, MORE, FEWER, OTHERS, FASTER, DELAYED, GRADED, EVERY)


def messy(seed: int, size: int = 4) -> list[list[Event]]:
    return [list(events) for events in framed(events_of(seed), size)]


def told(frames: Sequence[Sequence[Event]], *edges: tuple[Rules, int], batch: int = 5) -> World:
    """A world whose lines were there from the first."""
    world = World(frames, batch=batch)
    configure(world, RULES, 0)
    for rules, at in edges:
        configure(world, rules, at)
    world.drain()
    return world
