"""What changed since a mark, against a list of everything that was ever touched."""

from __future__ import annotations

import numpy as np
import pytest

from learners.tables.changed import Changed


@pytest.mark.parametrize("seed", range(5))
def test_lines_since_a_mark_are_those_of_a_list_of_all_touches(seed: int) -> None:
    random, changed = np.random.default_rng(seed), Changed()
    marks, touched = [0], list[tuple[int, int]]()
    for step in range(60):
        line_N = random.integers(0, 50, int(random.integers(0, 9)))
        changed.touch(line_N)
        touched += [(step, int(line)) for line in line_N]
        if random.random() < 0.3:
            marks.append(changed.mark())
            touched.append((step, -len(marks)))
        at = int(random.integers(len(marks)))
        start = next((n for n, (_, line) in enumerate(touched) if line == -(at + 1)), 0) if at else 0
        wanted = sorted({line for _, line in touched[start:] if line >= 0})
        assert changed.since(marks[at]).tolist() == wanted


def test_what_is_forgotten_is_not_told_and_what_came_after_is() -> None:
    changed = Changed()
    changed.touch(np.array([4]))
    mark = changed.mark()
    changed.touch(np.array([2]))
    changed.forget(mark)
    assert changed.since(0).tolist() == changed.since(mark).tolist() == [2]
