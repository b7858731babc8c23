"""People who click more one afternoon are no fault: nothing goes back, nothing is held, versions go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.clean_day import live


def test_the_afternoon_of_a_true_step_is_learned_without_a_way_back(tmp_path: Path) -> None:
    day = live(1, tmp_path, shown_a_second=1.5, hours=(12, 18))
    assert (day.rollbacks, day.guard_holds) == (0, 0), day.said
    assert (day.looks >= 6, day.published >= 3) == (True, True), day


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(5))
def test_no_day_with_a_true_step_in_it_is_rolled_back(tmp_path: Path, seed: int) -> None:
    day = live(seed, tmp_path, shown_a_second=2.3)
    assert (day.rollbacks, day.guard_holds) == (0, 0), day.said
    assert day.looks >= 40
