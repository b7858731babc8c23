"""Stories through the host of the joiner: windows of seconds to hours over restarts and lost disks."""

from __future__ import annotations

import pytest

from streams.events import Event, Impression, Interaction, Item, Shown, Tick
from streams.examples import Past
from streams.join_disk import MemoryDisk
from streams.join_keys import example_id
from streams.rules import Label, Mode, Rules
from tests.streams.join_runs import Resolved, World

S = 1000
MINUTE, HOUR = 60 * S, 3600 * S
BEGIN = 1_000 * S


def rules(mode: Mode) -> Rules:
    return Rules(
        (
            Label("click", event="click", window=2 * MINUTE, mode=mode, surfaces={"mail": 12 * HOUR}),
            Label("seconds", event="dwell", window=10 * MINUTE, surfaces={"mail": HOUR}, graded=True),
            Label("buy", event="purchase", window=6 * HOUR, mode=mode, horizon=HOUR),
        ),
        grace=5 * S,
        out_of_orderness=5 * S,
        history=2,
        history_of={"purchase": 2},
    )


def did(after: int, kind: str, item: str = "tea", request: str | None = "r", value: float | None = None) -> Interaction:
    at = BEGIN + after
    return Interaction(f"{kind}{at}{item}", at, "ana", kind, item_id=item, request_id=request, value=value)


def shown(after: int, *items: str, request: str = "r", surface: str = "") -> Impression:
    listed = tuple(Shown(item, k) for k, item in enumerate(items))
    return Impression(f"v{after}", BEGIN + after, "ana", request, listed, surface=surface)


def in_steps(world: World, *, restart: bool, lose: bool = False) -> Resolved:
    """Run to the end, a frame a turn; a process of its own each time, with an empty disk if it was lost."""
    for _ in range(40):
        world.now += 2_000  # a snapshot each turn
        list(world.joiner.turn())
        if lose and isinstance(world.disk, MemoryDisk):
            world.disk.lose()
        if restart:
            world.start()
    return world.in_force()


@pytest.mark.parametrize("mode", ["wait", "fast", "delayed"])
@pytest.mark.parametrize("lose", [False, True])
def test_click_at_5_s_dwell_at_90_s_and_purchase_at_6_h_reach_one_example(mode: Mode, lose: bool) -> None:
    frames: list[list[Event]] = [
        [shown(0, "tea", "jam")],
        [did(5 * S, "click")],
        [did(90 * S, "dwell", value=85.0)],
        [Tick(BEGIN + HOUR)],
        [did(6 * HOUR, "purchase")],
        [Tick(BEGIN + 8 * HOUR)],
    ]
    rows = in_steps(World(frames, batch=1, rules=rules(mode)), restart=True, lose=lose)
    tea = [row for row, _, _ in rows if row.example == example_id("ana", "r", "tea")]
    assert {row.item_id for row in tea} == {"tea"}
    final = {name: value for row in tea for name, value in row.labels.items()}
    assert final == {"click": 1.0, "seconds": 85.0, "buy": 1.0}
    assert [row.first for row in tea] == [True] + [False] * (len(tea) - 1)
    assert {name: value for row, _, _ in rows if row.item_id == "jam" for name, value in row.labels.items()} == {
        "click": 0.0,
        "seconds": 0.0,
        "buy": 0.0,
    }
    assert rows == in_steps(World(frames, batch=3, rules=rules(mode)), restart=False)


def test_each_label_has_a_window_of_its_own_on_each_surface() -> None:
    frames: list[list[Event]] = [
        [shown(0, "tea", request="app", surface="app"), shown(1, "tea", request="mail", surface="mail")],
        [did(3 * MINUTE, "click", request="app"), did(11 * MINUTE, "dwell", request="app", value=5.0)],
        [did(11 * HOUR, "click", request="mail"), did(50 * MINUTE, "dwell", request="mail", value=7.0)],
        [Tick(BEGIN + 20 * HOUR)],
    ]
    rows = in_steps(World(frames, batch=1, rules=rules("wait")), restart=True)
    found = {
        (shot.surface, name): (value, (row.decided_at - shot.ts) // MINUTE)
        for row, shot, _ in rows
        if shot
        for name, value in row.labels.items()
    }
    assert found == {
        ("app", "click"): (0.0, 2),
        ("app", "seconds"): (0.0, 10),
        ("app", "buy"): (0.0, 360),
        ("mail", "click"): (1.0, 720),
        ("mail", "seconds"): (0.0, 60),  # its window had passed when the dwell came
        ("mail", "buy"): (0.0, 360),
    }


@pytest.mark.parametrize("lose", [False, True])
def test_items_and_histories_are_those_of_the_impression_however_often_the_disk_was_lost_since(lose: bool) -> None:
    frames: list[list[Event]] = [
        [Item("x1", BEGIN - HOUR, "tea", author="ana", categories=("hot",)), did(-9 * S, "purchase", "pot", None)],
        [did(-8 * S, "click", "jam", None), did(-7 * S, "click", "oil", None), did(-6 * S, "click", "fig", None)],
        [shown(0, "tea")],
        [Item("x2", BEGIN + S, "tea", author="bob"), did(2 * S, "click", "nut", None)],
        [Tick(BEGIN + HOUR)],
        [Item("x3", BEGIN + 2 * HOUR, "tea", deleted=True)],
        [Tick(BEGIN + 8 * HOUR)],
    ]
    world = World(frames, batch=1, rules=rules("wait"))
    rows = [told for told in in_steps(world, restart=True, lose=lose) if told[0].kind == "label"]
    assert [tuple(row.labels) for row, _, _ in rows] == [("click",), ("seconds",), ("buy",)]
    for _, shot, item in rows:
        assert item is not None
        assert (item.author, item.categories, item.deleted) == ("ana", ("hot",), False)
        assert shot is not None
        assert shot.history == (
            Past("pot", "purchase", BEGIN - 9 * S),
            Past("oil", "click", BEGIN - 7 * S),
            Past("fig", "click", BEGIN - 6 * S),
        )
