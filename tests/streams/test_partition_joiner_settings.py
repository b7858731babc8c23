"""The host of the joiner over changes of its rules: rows are a function of the log and the lines alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from streams.decisions import Decision
from streams.errors import LogMismatch
from streams.events import Event, Impression, Interaction, Item, Shown, Tick, User
from streams.examples import encode
from streams.given import resolved
from streams.join_disk import MemoryDisk
from streams.mask import Entry
from streams.rocks_join_state import RocksDisk
from streams.rules import Label, Rules
from tests.streams.join_runs import Resolved, World, configure, events_of, framed, frames_in_force, killed_somewhere
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


# ---- labels over an edge ---------------------------------------------------------------------------------------------


def labels_of(rows: Resolved, kind: str) -> Counter[tuple[str, int, str]]:
    return Counter(
        (row.example, shot.ts, name) for row, shot, _ in rows if row.kind == kind and shot for name in row.labels
    )


@pytest.mark.parametrize("seed", range(40))
def test_over_edges_a_label_is_decided_once_corrected_once_and_time_never_goes_back(seed: int) -> None:
    random = Random(seed)
    frames = [[e for e in frame if not isinstance(e, User)] for frame in messy(seed, 3)]
    edges = [(random.choice(ALL), at) for at in sorted(random.sample(range(1, len(frames)), 4))]
    rows = resolved(frames_in_force(told(frames, *edges)))
    assert max(labels_of(rows, "label").values()) == 1
    assert max(labels_of(rows, "correction").values(), default=1) == 1
    assert not labels_of(rows, "correction").keys() - labels_of(rows, "label").keys()
    assert [row.decided_at for row, _, _ in rows] == sorted(row.decided_at for row, _, _ in rows)
    assert [row.sequence for row, _, _ in rows] == list(range(len(rows)))
    firsts = Counter((row.example, shot.ts) for row, shot, _ in rows if row.first and shot)
    assert max(firsts.values()) == 1


def clicks(*windows: int, horizon: int = 0) -> list[Rules]:
    label = Label("click", event="click", window=1, horizon=horizon)
    return [Rules((replace(label, window=window * S),), grace=2 * S, out_of_orderness=3 * S) for window in windows]


def simple_log(random: Random) -> list[Event]:
    """Impressions once each, of one item; clicks behind them, each in order of arrival; nothing later than 6 s."""
    log: list[tuple[int, Event]] = []
    for n in range(40):
        at = random.randrange(200) * S
        log.append((at + random.randrange(6) * S, Impression(f"i{n}", at, "ana", f"r{n}", (Shown("tea", 0),))))
        for k in range(random.randrange(3)):
            then = at + random.randrange(1, 40) * S
            click = Interaction(f"c{n}.{k}", then, "ana", "click", item_id="tea", request_id=f"r{n}")
            log.append((then + random.randrange(6) * S, click))
    log += [(t * S, Tick(t * S)) for t in range(200, 320, 5)]
    return [event for _, event in sorted(log, key=lambda one: one[0])]


def plain(events: Sequence[Event], old: Rules, new: Rules, edge: int) -> dict[int, tuple[float, int]]:
    """Of each impression, by its time: the value and when it was decided. One label, looked at pair by pair."""
    found: dict[int, tuple[float, int]] = {}
    for i, shown in enumerate(events):
        if not isinstance(shown, Impression):
            continue
        now, yes, opened = 0, False, False
        early: list[Interaction] = []
        for j, event in enumerate(events):
            rules = new if j >= edge else old
            window = rules.labels[0].window
            if j == edge and opened and shown.ts + window + rules.grace <= now:
                found.setdefault(i, (float(yes), now))
            now = max(now, event.ts - rules.out_of_orderness)
            close = shown.ts + window + rules.grace
            if opened and close <= now:
                found.setdefault(i, (float(yes), close))
            if j == i:
                opened = close > now
                yes = opened and any(one.ts - shown.ts <= window for one in early)
            mine = isinstance(event, Interaction) and event.request_id == shown.request_id
            if mine and isinstance(event, Interaction):
                if not opened:
                    early.append(event)
                elif event.ts - shown.ts <= window and close > now:
                    yes = True
            if not opened and j == i:
                break
    return found


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize(("before", "after"), [(10, 30), (30, 10), (10, 12), (30, 1)])
def test_what_is_open_at_an_edge_is_decided_as_pairs_of_events_say(before: int, after: int, seed: int) -> None:
    events, edge = simple_log(Random(seed)), Random(seed).randrange(30, 70)
    old, new = clicks(before, after)
    world = World([[event] for event in events], batch=4)
    configure(world, old, 0)
    configure(world, new, edge)
    world.drain()
    rows = [(row, shot) for row, shot, _ in resolved(frames_in_force(world)) if row.kind == "label" and shot]
    got = {shot.request_id: (row.labels["click"], row.decided_at) for row, shot in rows}
    wanted = {
        event.request_id: value
        for i, value in plain(events, old, new, edge).items()
        if isinstance(event := events[i], Impression)
    }
    assert got == wanted
    assert len(rows) == len(got)


def test_a_new_label_asks_of_what_is_shown_from_the_edge_on_and_a_dropped_one_asks_no_more() -> None:
    def visit(n: int, at: int) -> list[list[Event]]:
        shown = Impression(f"i{n}", at * S, "ana", f"r{n}", (Shown("tea", 0),))
        like = Interaction(f"l{n}", (at + 2) * S, "ana", "like", item_id="tea", request_id=f"r{n}")
        return [[shown], [like]]

    frames: list[list[Event]] = [[Item("x", 0, "tea")], *visit(1, 10), *visit(2, 16), [Tick(900 * S)]]
    click, like = Label("click", event="click", window=50 * S), Label("like", event="like", window=50 * S)
    base = Rules((click,), grace=0, out_of_orderness=0)
    world = World(frames, batch=2)
    configure(world, base, 0)
    configure(world, replace(base, labels=(like,)), 3)
    world.drain()
    rows = [(shot.request_id, row.labels) for row, shot, _ in resolved(frames_in_force(world)) if shot]
    assert rows == [("r2", {"like": 1.0})]


def test_a_yes_after_a_no_in_a_window_that_was_made_longer_is_a_correction() -> None:
    frames: list[list[Event]] = [
        [Impression("i", 10 * S, "ana", "r", (Shown("tea", 0),))],
        [Tick(30 * S)],
        [Interaction("c", 35 * S, "ana", "click", item_id="tea", request_id="r")],
        [Tick(900 * S)],
    ]
    for horizon, kinds in ((20 * S, ["label", "correction"]), (0, ["label"])):
        old, new = clicks(10, 60, horizon=horizon)
        world = World(frames, batch=2)
        configure(world, old, 0)
        configure(world, new, 2)
        world.drain()
        assert [row.kind for row, _, _ in resolved(frames_in_force(world))] == kinds


def test_what_the_old_rules_forgot_is_not_opened_again_by_longer_ones() -> None:
    shown: Event = Impression("i", 10 * S, "ana", "r", (Shown("tea", 0),))
    frames: list[list[Event]] = [[shown], [Tick(40 * S)], [Tick(41 * S)], [shown], [Tick(900 * S)]]
    old, new = clicks(10, 600)
    world = World(frames, batch=2)
    configure(world, old, 0)
    configure(world, new, 3)
    world.drain()
    assert [row.kind for row, _, _ in resolved(frames_in_force(world))] == ["label"]
