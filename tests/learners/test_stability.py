"""Many times the rate, three tasks on shared layers, a sudden shift: what diverges without Clippy does not with it."""

from __future__ import annotations

import numpy as np

from benchmarks.stability import COIN, HIDDEN, aucs, lessons, relative_difference, risky, scores

TIMES = 10.0
"""So much that no machine's rounding decides it; the benchmark asks for twice the rate, over many starts."""


def test_a_task_is_lost_without_clippy_and_none_with_it() -> None:
    told = lessons(40_000, shift=True)
    without, with_it = (
        aucs(told, scores(told, risky(clippy=clippy, times=TIMES), seed=5, hidden=HIDDEN)) for clippy in (False, True)
    )
    assert min(without) < COIN
    assert min(with_it) > COIN + 0.04


def test_clippy_leaves_a_calm_run_as_it_is() -> None:
    told = lessons(5_000, shift=False)
    calm, clipped = (scores(told, risky(clippy=clippy, times=0.02), seed=1, hidden=HIDDEN) for clippy in (False, True))
    assert np.array_equal(calm, clipped)


def test_equal_starts_agree_to_the_bit_and_others_nearly() -> None:
    told = lessons(5_000, shift=False)
    one, same, other = (scores(told, risky(clippy=True, times=0.02), seed=seed, hidden=(8,)) for seed in (1, 1, 2))
    assert relative_difference(one, same) == 0
    assert 0 < relative_difference(one, other) < 0.5
