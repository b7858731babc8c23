"""Figures of processes, cut into windows; and the whole way from a bad model to an older one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checkpoints.automatic import Terms, Watcher
from headrace.live_figures import Bounds, Figures
from headrace.settings import Settings
from headrace.watching import Watching, watching_of
from learners.gate import Limits
from streams.decisions import DecisionLog
from tests.learners.gated_town import PLAN, Town

LAX = Limits(every=2, rows=200, young=1_000, calibration=99, ne=99, auc=2, shift=99, order=2, growth=1e9)


def counted(n: float, rate: float, expected: float) -> dict[str, Any]:
    """Windows of rows as a trainer tells them, all alike."""
    sums = {"n": n, "came": rate * n, "foreseen": rate * n, "copy_foresaw": expected * n}
    return sums | {"loss": 0.3 * n, "copy_loss": 0.3 * n}


def read(figures: Figures, windows: list[dict[str, Any]]) -> list[bool | None]:
    """What one metric says of windows that come one after the other."""
    told: list[bool | None] = []
    sums = dict.fromkeys(windows[0], 0.0)
    for window in windows:
        figures_before = dict(sums)
        sums = {name: sums[name] + value for name, value in window.items()}
        if not told:
            figures.read({"rehearsed": figures_before}, {})
        told.append(figures.read({"rehearsed": dict(sums)}, {})[0].beyond)
    return told


def test_a_fall_that_what_was_shown_explains_is_one_of_the_versions() -> None:
    usual, fallen = [counted(2_000, 0.2, 0.2)] * 8, [counted(2_000, 0.1, 0.12)] * 2
    assert read(Figures(("clicks",), Bounds()), usual + fallen)[-2:] == [True, True]


@pytest.mark.parametrize("rate", [0.32, 0.1])
def test_a_step_of_the_world_is_none(rate: float) -> None:
    usual, moved = [counted(2_000, 0.2, 0.2)] * 8, [counted(2_000, rate, 0.2)] * 6
    assert set(read(Figures(("clicks",), Bounds()), usual + moved)[-6:]) == {False}


def test_lists_of_other_rungs_and_failures_are_counted_since_the_last_look() -> None:
    figures = Figures(("fallback", "errors"), Bounds())
    figures.read({}, {"requests": 1_000, "failed": 0, "version": 7, "rungs": {"model": 900, "popular": 100}})
    serve = {"requests": 1_100, "failed": 9, "version": 7, "rungs": {"model": 910, "popular": 190}}
    assert [(one.beyond, one.why) for one in figures.read({}, serve)] == [
        (True, "90% of lists were not the model's"), (True, "9.0% of requests failed"),
    ]  # fmt: skip


def test_a_process_that_began_anew_says_nothing_for_a_window() -> None:
    figures = Figures(("errors",), Bounds())
    figures.read({}, {"requests": 1_000, "failed": 0})
    assert figures.read({}, {"requests": 90, "failed": 90})[0].beyond is None
    assert figures.read({}, {"requests": 190, "failed": 90})[0].beyond is False


def test_a_guard_that_holds_everything_is_bad() -> None:
    figures = Figures(("guard",), Bounds())
    holds: list[list[dict[str, str]]] = [[], [{"axis": "producer"}], [{"axis": ""}]]
    told = [figures.read({"guard": {"held": held}}, {})[0].beyond for held in holds]
    assert told == [False, False, True]


def test_it_does_not_start_without_a_metric() -> None:
    with pytest.raises(ValidationError, match="watches nothing"):
        Settings(rollback={"automatic": {"on": True}})  # type: ignore[arg-type]


def test_it_is_off_by_default(tmp_path: Path) -> None:
    town = Town(tmp_path)
    decisions = DecisionLog(town.logs.open("decisions", 1))
    assert watching_of(Settings(), town.store, decisions, lambda: ({}, {})) is None


def test_a_model_that_went_bad_is_left_for_the_version_before_and_nothing_flaps(tmp_path: Path) -> None:
    town = Town(tmp_path, plan=replace(PLAN, gate=LAX, commit_batches=1))
    decisions = DecisionLog(town.logs.open("decisions", 1))
    terms = Terms(windows=4, bad=2, bake=0)
    watching = Watching(
        town.store, decisions,
        lambda: ({"rehearsed": next((t.rehearsed for t in reversed(town.turns) if t.rehearsed), {})}, {}),
        watcher=Watcher(terms), figures=Figures(("ne", "calibration"), Bounds()), every=1,
    )  # fmt: skip
    rolled: list[int] = []

    def look() -> None:
        seen = watching.look(town.clock())
        rolled.extend([seen.rolled_back] if seen and seen.rolled_back else [])

    town.play(1_000)
    for _ in range(3):
        town.play(100)
        look()
    good = town.registry.live or 0
    _wreck(town)
    for _ in range(5):
        town.play(100)
        look()
    assert len(rolled) == 1
    assert good - 4 <= rolled[0] <= good
    assert (town.registry.live, town.registry.paused) == (rolled[0], True)
    (line,) = [line for line in _lines(town) if line.kind == "rollback"]
    assert (line.who, "normalised entropy" in line.why) == ("automatic", True)


def _wreck(town: Town) -> None:
    """Turn what the model says round, and make it sure of it."""
    weights: Any = town.live._model.dense["rank"]  # type: ignore[attr-defined]
    weights["head.weight"][:] *= -6


def _lines(town: Town) -> Any:
    decisions = DecisionLog(town.logs.open("decisions", 1))
    decisions.follow()
    return decisions.fold.lines
