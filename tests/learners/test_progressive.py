"""Which rows are in a figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from learners.evaluation import Evaluation
from learners.learner import Scores
from learners.ordering import Batch, Example
from learners.progressive import evaluate, foreseen
from streams.examples import Row, RowKind, Shot
from tests.learners.joined_log import fresh, joined


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


def test_what_a_learner_hands_on_gives_the_figures_that_a_walk_over_the_rows_gives() -> None:
    frames, learner = [frame for ones in joined() for frame in ones], fresh()
    handed, walked = Evaluation(learner.labels), Evaluation(learner.labels)
    kinds = set()
    for frame in frames:
        examples = tuple(
            Example(
                row,
                frame.shots[row.shot] if row.shot >= 0 else None,
                frame.attributes[row.attributes] if row.attributes >= 0 else None,
                0,
            )
            for row in frame.rows
        )
        kinds |= {row.kind for row in frame.rows}
        scores = learner.score(batch := Batch(examples, 0))
        assert scores.shown is not None
        evaluate(handed, foreseen(batch, scores))
        evaluate(walked, foreseen(batch, replace(scores, shown=None)))
        learner.learn(batch)
    assert kinds == {"label", "correction", "organic", "item", "forget"}
    assert handed.impressions == walked.impressions > 100
    assert handed.report() == walked.report()
    assert len(handed.report()["click"]["slices"]) > 1
