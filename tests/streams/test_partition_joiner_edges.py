"""Labels over an edge between two sets of rules: decided once, as pairs of events say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from streams.events import Event, Impression, Interaction, Item, Shown, Tick, User
from streams.given import resolved
from streams.rules import Label, Rules
from tests.streams.join_runs import Resolved, World, configure, frames_in_force
from tests.streams.messy_logs import S
from tests.streams.rules_that_change import ALL, messy, told


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
