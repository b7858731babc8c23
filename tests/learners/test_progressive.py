"""Which rows are in a figure."""

from __future__ import annotations

import numpy as np

from learners.evaluation import Evaluation
from learners.learner import Scores
from learners.ordering import Batch, Example
from learners.progressive import evaluate, foreseen
from streams.examples import Row, RowKind, Shot


def example(kind: RowKind, *, weight: float = 1.0, surface: str = "home", first: bool = True) -> Example:
    row = Row(0, 0, kind, "e", {"click": 1.0}, weight, "tea", first=first)
    return Example(row, Shot("ana", 0, surface=surface, producer="web"), None, 0)


def test_only_weighted_rows_of_kind_label_are_in_a_figure_and_each_impression_counts_once() -> None:
    kinds: tuple[RowKind, ...] = ("label", "correction", "organic", "item", "forget")
    examples = (*map(example, kinds), example("label", weight=0.0), example("label", surface="mail", first=False))
    n = len(examples)
    scores = Scores(
        np.full((n, 1), 0.5, np.float32),
        np.ones((n, 1), np.bool_),
        np.ones((n, 1), np.float32),
        np.array([e.row.weight for e in examples], np.float32),
    )
    evaluation = Evaluation(("click",))
    evaluate(evaluation, foreseen(Batch(examples, 0), scores))
    click = evaluation.report()["click"]
    assert (click["n"], evaluation.impressions) == (2, 2)
    counted = {name: figures["n"] for name, figures in click["slices"].items()}
    assert counted == {"surface=home": 1, "surface=mail": 1, "producer=web": 2}
