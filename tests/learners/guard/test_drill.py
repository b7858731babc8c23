"""The guard's drill in short: a DeepFM on a drawn stream, faults, a change, nothing (whole: benchmarks/guard.py)."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.guard_cases import Begin, Fault, change, fault, quiet
from benchmarks.guard_report import summary
from benchmarks.guard_runs import Run, fresh, guarded, unguarded
from benchmarks.guard_streams import BATCH, SLICE, Drawn, Floats, Size, drawn, moved

SIZE = Size(start=81_920, fault=10_240, after=8_192, shift=40_960, clean=122_880, drift=40_960)


@pytest.fixture(scope="module")
def made() -> Drawn:
    return drawn(11, 0.12, SIZE)


@pytest.fixture(scope="module")
def before(made: Drawn) -> tuple[Begin, Run]:
    shell = fresh(made.scene)
    passed = guarded(made.scene, made.scene.label_N, shell, slice(0, SIZE.start))
    return Begin(made.scene, shell, SIZE.start), passed


@pytest.fixture(scope="module")
def unspoilt(made: Drawn, before: tuple[Begin, Run]) -> Floats:
    rows = slice(SIZE.start, SIZE.start + SIZE.fault + SIZE.after)
    return unguarded(made.scene, made.scene.label_N, before[0].shell.live, rows)


@pytest.mark.parametrize(("kind", "group"), [("flip30", 0), ("ones", 0), ("shuffled", 0), ("flip100", SLICE)])
def test_a_fault_is_held_leaves_nothing_and_is_over_soon(
    before: tuple[Begin, Run], unspoilt: Floats, kind: str, group: int
) -> None:
    found = fault(before[0], Fault(kind, group, SIZE.fault, SIZE.after), 11, unspoilt)
    assert found["held_at"] == 1
    assert found["learned_share"] == 0
    assert found["right_group"]
    assert found["back_after"] <= 3
    assert found["held_at_end"] == 0
    assert found["ne_guard"] < found["ne_open"]


def test_a_true_step_is_learned_after_its_probation(made: Drawn, before: tuple[Begin, Run]) -> None:
    found = change(before[0], moved(made, "x0.6"), 4 * BATCH)
    assert found["learned_by"] <= 36
    assert (found["held_at_end"], found["learned_share"]) == (0, 1.0)


def test_a_clean_stream_is_learned_whole(made: Drawn, before: tuple[Begin, Run]) -> None:
    found = quiet([before[1]], made.scene, SIZE.start)
    assert (found["holds"], found["rows_lost"], found["learned_share"]) == (0, 0, 1.0)


def test_more_rows_of_a_seed_begin_like_fewer(made: Drawn) -> None:
    more = drawn(11, 0.12, Size(SIZE.start, 0, 0, 0, SIZE.clean + BATCH, 0))
    rows = len(made.scene.label_N)
    assert np.array_equal(more.scene.group_NA[:rows], made.scene.group_NA)
    assert np.array_equal(more.draw_N[:rows], made.draw_N)


def test_the_summary_takes_the_worst_of_all_seeds() -> None:
    one = {"part": "", "rate": 0.12, "seed": 7, "case": "ones.all", "held_at": 1, "learned_share": 0.0}
    one |= {"ne_clean": 0.8, "ne_guard": 0.801, "back_after": 1, "held_at_end": 0}
    other = one | {"seed": 8, "held_at": None, "learned_share": 0.5, "held_at_end": 1}
    told = summary([one, other, one | {"part": "kuairand_"}])
    assert (told["worst_held_at_global"], told["worst_learned_share_global"]) == (999, 0.5)
    assert (told["any_held_at_end"], told["kuairand_any_held_at_end"]) == (True, False)
