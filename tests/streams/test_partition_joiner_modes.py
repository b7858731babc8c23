"""The host of the joiner where a label gets another mode, or a value, while examples of it are open."""

from __future__ import annotations

from dataclasses import replace

from streams.events import Event, Impression, Interaction, Shown, Tick
from streams.given import resolved
from streams.rules import Label, Rules
from tests.streams.join_runs import World, configure, frames_in_force
from tests.streams.messy_logs import S


def in_turn(label: Label, then: Label, *frames: list[Event]) -> list[tuple[str, dict[str, float], int]]:
    """(kind, labels, decided at in s) of rows where the label is another one from the second frame on."""
    base = Rules((label,), grace=2 * S, out_of_orderness=3 * S)
    world = World([[Impression("i", 10 * S, "ana", "r", (Shown("tea", 0),))], *frames, [Tick(900 * S)]], batch=2)
    configure(world, base, 0)
    configure(world, replace(base, labels=(then,)), 1)
    world.drain()
    rows = [row for row, _, _ in resolved(frames_in_force(world))]
    return [(row.kind, row.labels, row.decided_at // S) for row in rows]


def did(at: int, kind: str = "click", value: float | None = None) -> Event:
    return Interaction(f"c{at}", at * S, "ana", kind, item_id="tea", request_id="r", value=value)


DWELL = Label("seconds", event="dwell", window=60 * S)


def test_what_was_shown_before_its_label_became_delayed_is_decided_as_if_it_were_fast() -> None:
    old, new = Label("click", event="click", window=50 * S), Label("click", "click", 50 * S, mode="delayed")
    assert in_turn(old, new, [did(20)]) == [("label", {"click": 1.0}, 17)]
    assert in_turn(old, new) == [("label", {"click": 0.0}, 62)]


def test_a_no_that_was_told_early_is_corrected_at_once_under_any_later_mode() -> None:
    old, new = Label("click", "click", 50 * S, mode="delayed"), Label("click", event="click", window=50 * S)
    for then in (new, replace(new, mode="fast"), replace(new, graded=False, horizon=9 * S)):
        assert in_turn(old, then, [did(20)]) == [("label", {"click": 0.0}, 7), ("correction", {"click": 1.0}, 17)]
        assert in_turn(old, then) == [("label", {"click": 0.0}, 7)]


def test_a_yes_that_came_before_its_label_became_graded_is_worth_1() -> None:
    base = Rules((DWELL,), grace=2 * S, out_of_orderness=3 * S)
    shown: Event = Impression("i", 10 * S, "ana", "r", (Shown("tea", 0),))
    world = World([[shown], [did(20, "dwell", 7.0)], [Tick(40 * S)], [Tick(900 * S)]], batch=2)
    configure(world, base, 0)
    configure(world, replace(base, labels=(replace(DWELL, graded=True),)), 2)
    world.drain()
    assert [row.labels for row, _, _ in resolved(frames_in_force(world))] == [{"seconds": 1.0}]


def test_a_newer_value_that_waits_for_its_close_is_told_when_a_shorter_window_has_passed_already() -> None:
    graded = replace(DWELL, graded=True, mode="fast")
    base = Rules((graded,), grace=2 * S, out_of_orderness=3 * S)
    shown: Event = Impression("i", 10 * S, "ana", "r", (Shown("tea", 0),))
    frames: list[list[Event]] = [[shown], [did(20, "dwell", 7.0), did(21, "dwell", 9.0)], [Tick(40 * S)]]
    world = World([*frames, [Tick(41 * S)], [Tick(900 * S)]], batch=2)
    configure(world, base, 0)
    configure(world, replace(base, labels=(replace(graded, window=15 * S),)), 3)
    world.drain()
    rows = [(row.kind, row.labels["seconds"], row.decided_at // S) for row, _, _ in resolved(frames_in_force(world))]
    assert rows == [("label", 7.0, 17), ("correction", 9.0, 37)]
