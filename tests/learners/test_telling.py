"""What a guard is told with a batch, and when."""

from __future__ import annotations

import numpy as np

from learners.guard.slices import Slices
from learners.guard_terms import Watch
from learners.learner import Scores
from learners.ordering import Batch, Example
from learners.telling import Foreseen, Telling
from streams.examples import Row, Shot


def told(telling: Telling, values: list[float], at: int) -> list[float]:
    """Labels that the guard hears of with a batch of these, of impressions at 1,000 ms."""
    shot, n = Shot("ana", 1_000, surface="home", producer="web"), len(values)
    rows = (Row(i, at, "label", f"e{i}", {"click": value}, item_id="tea", input=3) for i, value in enumerate(values))
    batch = Batch(tuple(Example(row, shot, None, 0) for row in rows), at)
    value_B1 = np.array(values, np.float32)[:, None]
    scores = Scores(np.full((n, 1), 0.1, np.float32), np.ones((n, 1), np.bool_), value_B1, np.ones(n, np.float32))
    names = [["web"] * n, [""] * n, ["home"] * n]
    logit_B = np.full(n, -2.0)
    _, heard = telling.told(batch, scores, Foreseen(logit_B, logit_B, np.zeros((n, 4), np.int64), names))
    return sorted(heard.value_B.tolist())


def test_a_yes_that_is_told_at_once_is_judged_with_its_noes() -> None:
    telling = Telling(Watch(window=300, fast=True), 0, Slices())
    assert told(telling, [1.0], 1_050) == []
    assert told(telling, [0.0, 0.0], 1_300) == [0.0, 0.0, 1.0]
    assert told(telling, [0.0], 1_400) == [0.0]


def test_a_label_that_is_told_at_its_close_is_judged_there() -> None:
    assert told(Telling(Watch(window=300), 0, Slices()), [1.0, 0.0], 1_300) == [0.0, 1.0]
