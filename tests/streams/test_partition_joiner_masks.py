"""The host of the joiner under masks that change: it ends as the log without the masked events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

import pytest
from msgspec.structs import replace

from streams.decisions import Decision
from streams.events import Event, Interaction, Tick
from streams.join_disk import MemoryDisk
from streams.mask import Entry, Masking, Shut
from tests.streams.join_runs import World, events_of, framed, killed_somewhere, rows_of
from tests.streams.messy_logs import EVERY, RULES


def quarantine(world: World, entry: Entry, *, remove: tuple[str, ...] = ()) -> None:
    world.decisions.decide(
        Decision("mask", world.now, "ana", "bad app", world.decisions.fold.position, add=(entry,), remove=remove)
    )


def left(world: World, frames: list[list[Event]]) -> list[Event]:
    """The events without those that today's mask hides."""
    return [e for e, _ in told(world, frames)]


def shut(world: World, frames: list[list[Event]]) -> Shut:
    """What today's mask keeps shut of those that are left."""
    return {id(e): names for e, names in told(world, frames) if names}


def told(world: World, frames: list[list[Event]]) -> Iterator[tuple[Event, frozenset[str]]]:
    world.decisions.follow()
    mask: Masking = world.decisions.fold.masking()
    for offset, events in enumerate(frames):
        seen = mask.visible(0, offset, events)
        kept = mask.shut(0, offset, seen)
        yield from ((e, kept.get(id(e), frozenset())) for e in seen)


def apart(frames: Iterable[Iterable[Event]]) -> list[list[Event]]:
    """The same frames, in which no event stands twice as the same object."""
    return [[replace(event) for event in events] for events in frames]


def test_a_mask_below_the_position_rewinds_and_gives_what_the_log_without_these_events_gives() -> None:
    frames = [list(events) for events in framed(events_of(3), 4)]
    world = World(frames, batch=5)
    for _ in range(20):
        world.now += 600
        list(world.joiner.turn())
    quarantine(world, Entry("q", start={0: 20}, app_version="9"))
    world.now += 600
    list(world.joiner.turn())
    assert world.joiner.report.rewound
    world.drain()
    assert world.in_force() == rows_of(left(world, frames))
    assert world.in_force() != rows_of([e for f in frames for e in f])


def test_a_mask_above_the_position_rewinds_nothing() -> None:
    frames = [list(events) for events in framed(events_of(3), 4)]
    world = World(frames, batch=5)
    list(world.joiner.turn())
    quarantine(world, Entry("q", start={0: 10}))
    world.drain()
    assert not world.joiner.report.rewound
    assert world.in_force() == rows_of(left(world, frames))


def test_a_mask_and_its_lift_give_the_rows_that_stood_before() -> None:
    frames = [list(events) for events in framed(events_of(4), 4)]
    world = World(frames, batch=5)
    world.drain()
    before = world.in_force()
    quarantine(world, Entry("q", start={0: 10}, app_version="9"))
    world.drain()
    assert world.in_force() != before
    world.decisions.decide(Decision("mask", 0, "ana", "good after all", world.decisions.fold.position, remove=("q",)))
    held = world.examples.end(0)
    world.drain()
    assert world.in_force() == before
    assert world.examples.end(0) == held, "what readers have in force already was sent again"


@pytest.mark.parametrize("seed", range(30))
def test_masks_lifts_kills_and_lost_disks_in_any_order_end_as_the_log_without_these_events(seed: int) -> None:
    random, rules = Random(seed), EVERY if seed % 2 else RULES
    frames = apart(framed(events_of(seed), random.choice((1, 3, 8))))
    world = World(frames, batch=random.choice((1, 4)), rules=rules)
    for n in range(random.randrange(2, 7)):
        for _ in range(random.randrange(12)):
            world.now += random.randrange(700)
            for _ in world.joiner.turn():
                if random.randrange(20) == 0:
                    if isinstance(world.disk, MemoryDisk) and random.randrange(3) == 0:
                        world.disk.lose()
                    world.start()
                    break
        standing = [entry.id for entry in world.decisions.fold.masking().entries]
        if standing and random.randrange(3) == 0:
            gone = (random.choice(standing),)
            world.decisions.decide(Decision("mask", 0, "ana", "lift", world.decisions.fold.position, remove=gone))
        else:
            at, app = random.randrange(len(frames)), random.choice((None, "9", "1"))
            stop = random.choice((None, {0: at + random.randrange(20)}))
            entry = Entry(f"q{n}", start={0: at}, stop=stop, app_version=app)
            names = tuple(label.name for label in rules.labels if random.randrange(2))
            quarantine(world, replace(entry, labels=names) if names and random.randrange(2) else entry)
    killed_somewhere(world, random, one_in=30)
    assert world.in_force() == rows_of(left(world, frames), rules, shut(world, frames))


def test_masked_events_are_counted_apart() -> None:
    world = World([[Interaction("c", 5, "ana", "click", item_id="tea"), Tick(9)]], batch=5)
    quarantine(world, Entry("q", start={0: 0}))
    list(world.joiner.turn())
    report = world.joiner.report
    assert (report.events, report.masked, report.rows, report.counts) == (2, 1, 0, {})
