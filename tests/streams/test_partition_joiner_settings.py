"""The host of the joiner over changes of its rules: rows are a function of the log and the lines alone."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from streams.decisions import Decision
from streams.errors import LogMismatch
from streams.examples import encode
from streams.given import resolved
from streams.join_disk import MemoryDisk
from streams.mask import Entry
from streams.rocks_join_state import RocksDisk
from streams.rules import Rules
from tests.streams.join_runs import World, configure, frames_in_force, killed_somewhere
from tests.streams.messy_logs import RULES
from tests.streams.rules_that_change import ALL, LONGER, SHORTER, messy, told


def bytes_of(world: World) -> list[bytes]:
    return [encode(frame) for frame in frames_in_force(world)]


@pytest.mark.parametrize("rules", ALL[1:])
def test_other_rules_change_nothing_below_their_edge_and_something_above(rules: Rules) -> None:
    frames = messy(3)
    changed, before = told(frames, (rules, 30)), told(frames)
    old = [encode(frame) for frame in frames_in_force(before) if frame.input < 30]
    assert bytes_of(changed)[: len(old)] == old
    above = frames_in_force(changed)[len(old) :]
    assert {frame.config for frame in above} == {rules.digest()}
    assert resolved(above) != resolved(frames_in_force(before)[len(old) :])


def test_the_same_rules_said_again_are_no_edge() -> None:
    frames = messy(3)
    again = told(frames, (RULES, 20))
    assert again.decisions.fold.masking().edges(0) == frozenset()
    assert bytes_of(again) == bytes_of(told(frames))


@pytest.mark.parametrize("seed", range(8))
def test_other_batches_give_the_same_bytes(seed: int) -> None:
    frames, random = messy(seed, 3), Random(seed)
    edges = [(random.choice(ALL), at) for at in sorted(random.sample(range(1, 50), 3))]
    wanted = bytes_of(told(frames, *edges, batch=1))
    for batch in (2, 7, 1000):
        assert bytes_of(told(frames, *edges, batch=batch)) == wanted


@pytest.mark.parametrize("seed", range(30))
def test_kills_masks_and_lines_that_are_seen_late_give_the_bytes_of_lines_seen_at_once(
    seed: int, tmp_path: Path
) -> None:
    random = Random(seed)
    frames = messy(seed, random.choice((1, 3, 6)))
    disk = RocksDisk(tmp_path / "state", tmp_path / "aside") if seed % 10 == 0 else MemoryDisk()
    world, twin = World(frames, disk, batch=random.choice((1, 4))), World(frames, batch=3)
    lines: list[tuple[Rules, int] | Entry] = [(RULES, 0)]
    lines += [(random.choice(ALL), at) for at in sorted(random.sample(range(1, len(frames)), 3))]
    lines.insert(random.randrange(1, 4), Entry("q", start={0: random.randrange(len(frames))}, app_version="9"))
    for n, line in enumerate(lines):
        for one in (world, twin):
            if isinstance(line, Entry):
                one.decisions.decide(Decision("mask", 0, "ana", "bad", one.decisions.fold.position, add=(line,)))
            else:
                configure(one, *line)
        for _ in range(random.randrange(12) if n else 0):
            world.now += random.randrange(700)
            for _ in world.joiner.turn():
                if random.randrange(20) == 0:
                    world.disk.close()
                    world.start()
                    break
    killed_somewhere(world, random, one_in=30)
    twin.drain()
    world.disk.close()
    assert bytes_of(world) == bytes_of(twin)


def test_a_death_at_every_effect_of_the_changeover_gives_the_same_bytes() -> None:
    frames = messy(5)
    wanted = bytes_of(told(frames, (SHORTER, 31)))
    for effects in range(1, 80):
        world = World(frames, batch=5)
        configure(world, RULES, 0)
        configure(world, SHORTER, 31)
        left = effects
        while left > 0:
            world.now += 300
            for _ in world.joiner.turn():
                left -= 1
                if left == 0:
                    world.start()
                    break
            else:
                left = 0 if world.joiner.report.idle else left
        world.drain()
        assert bytes_of(world) == wanted


def test_a_rewind_below_an_edge_goes_back_to_the_rules_of_there() -> None:
    frames = messy(4)
    world = World(frames, batch=5)
    configure(world, RULES, 0)
    configure(world, LONGER, 40)
    for _ in range(30):
        world.now += 600
        list(world.joiner.turn())
    assert {one.config for one in world.disk.snapshots()} == {RULES.digest(), LONGER.digest()}
    world.decisions.decide(Decision("mask", 0, "ana", "bad", 2, add=(Entry("q", start={0: 20}, app_version="9"),)))
    list(world.joiner.turn())
    assert world.joiner.report.rewound
    world.drain()
    twin = World(frames, batch=5)
    configure(twin, RULES, 0)
    configure(twin, LONGER, 40)
    twin.decisions.decide(Decision("mask", 0, "ana", "bad", 2, add=(Entry("q", start={0: 20}, app_version="9"),)))
    twin.drain()
    assert bytes_of(world) == bytes_of(twin)
    assert {frame.config for frame in frames_in_force(world)} == {RULES.digest(), LONGER.digest()}


def test_a_line_above_the_position_rewinds_nothing() -> None:
    world = World(messy(4), batch=5)
    configure(world, RULES, 0)
    list(world.joiner.turn())
    configure(world, LONGER, 40)
    world.drain()
    assert not world.joiner.report.rewound


def test_other_rules_from_the_begin_on_hold_for_a_joiner_that_has_read_nothing() -> None:
    world = World([], batch=5)
    configure(world, RULES, 0)
    world.drain()
    configure(world, LONGER, 0)
    world.drain()
    late = World(messy(4), batch=5)
    configure(late, LONGER, 0)
    late.drain()
    world.events.append(0, [record.value for record in late.events.read(0, 0)], at=0)
    world.drain()
    assert resolved(frames_in_force(world)) == resolved(frames_in_force(late))


def test_rules_that_no_line_allows_are_refused_with_the_way_out() -> None:
    world = World(messy(4), batch=5)
    list(world.joiner.turn())
    configure(world, LONGER, 0)
    with pytest.raises(LogMismatch, match="headrace configure apply"):
        list(world.joiner.turn())


def test_a_base_that_holds_a_digest_alone_is_told_apart() -> None:
    world = World(messy(4))
    world.decisions.decide(Decision("configure", 0, "ana", "old", 0, settings={"join": "c0ffee"}))
    with pytest.raises(LogMismatch, match="another version of Headrace"):
        list(world.joiner.turn())
