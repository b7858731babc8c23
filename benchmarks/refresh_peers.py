"""The peers of benchmarks/refresh.py: models made anew at each midnight from all days before, on the same columns.

Their settings are chosen on the second day, from a model of the first one, and on no row that is reported.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.refresh_rows import Doubles, Ints, Told
from learners.column_learner import ColumnLearner
from learners.metrics import auc
from learners.models.columns import ColumnShape

Floats = NDArray[np.float32]

EPOCHS = 2
PRIOR = 10.0
CATEGORIES = 20
TREES: tuple[dict[str, Any], ...] = tuple(
    {"learning_rate": rate, "max_leaf_nodes": leaves, "max_iter": trees, "min_samples_leaf": least}
    for rate, leaves, trees in ((0.1, 15, 100), (0.05, 31, 200), (0.05, 15, 200), (0.1, 31, 200), (0.03, 15, 200))
    for least in (50, 200)
)
Chosen = tuple[str, Floats]


def daily_deepfm(told: Told, batch: int) -> Chosen:
    """The setting, and the scores of all rows after the first day; the model of each day starts from nothing. Its first
    epoch is what one learner going through the days has done by that midnight, byte for byte, so that is copied."""
    score_EN = np.zeros((EPOCHS, len(told)), np.float32)
    through = ColumnLearner(ColumnShape(told.key_NF.shape[1]))
    learned, chosen = 0, 0
    for n, day in enumerate(_days(told)):
        rows = _rows(told, day)
        _learn(through, told, batch, slice(learned, rows.start))
        learner, learned = through.copy(), rows.start
        for epoch in range(EPOCHS if n == 0 else chosen + 1):
            if epoch:
                _learn(learner, told, batch, slice(0, rows.start))
            scored = [learner.score(columns)[:, 0].copy() for columns in told.batches(1024, rows)]
            score_EN[epoch, rows] = np.concatenate(scored)
        if n == 0:
            chosen = _best(told, rows, score_EN)
    return f"epochs {chosen + 1}", score_EN[chosen]


def _learn(learner: ColumnLearner, told: Told, batch: int, rows: slice) -> None:
    for columns in told.batches(batch, rows):
        learner.learn(columns)


def daily_trees(told: Told, settings: Sequence[dict[str, Any]] = TREES) -> Chosen | None:
    """The same of scikit-learn's gradient boosting; None where that is not installed. Each id is told by its count and
    smoothed rate: for rows to score as of the last midnight, for rows to train on as of the row itself; the
    `CATEGORIES` most frequent values of each column also as they are."""
    try:
        ensemble = importlib.import_module("sklearn.ensemble")
    except ImportError:
        return None
    code_NF = np.stack([np.unique(key_N, return_inverse=True)[1] for key_N in told.key_NF.T], axis=1)
    category_NF = np.stack([_frequent(code_N) for code_N in code_NF.T], axis=1)
    trained_NF = np.concatenate([*_rates(told, code_NF, by_row=True), category_NF], axis=1)
    scored_NF = np.concatenate([*_rates(told, code_NF, by_row=False), category_NF], axis=1)
    fields = code_NF.shape[1]

    def scores(rows: slice, setting: dict[str, Any]) -> Floats:
        model = ensemble.HistGradientBoostingClassifier(
            **setting, categorical_features=[*range(2 * fields, 3 * fields)], early_stopping=False, random_state=0
        )
        model.fit(trained_NF[: rows.start], told.yes_N[: rows.start])
        score_N: Floats = model.predict_proba(scored_NF[rows])[:, 1].astype(np.float32)
        return score_N

    score_N = np.zeros(len(told), np.float32)
    second, *later = [_rows(told, day) for day in _days(told)]
    tried_SN = np.zeros((len(settings), len(told)), np.float32)
    for n, setting in enumerate(settings):
        tried_SN[n, second] = scores(second, setting)
    chosen = _best(told, second, tried_SN)
    score_N[second] = tried_SN[chosen, second]
    for rows in later:
        score_N[rows] = scores(rows, settings[chosen])
    return ", ".join(f"{name} {value}" for name, value in settings[chosen].items()), score_N


def _best(told: Told, rows: slice, score_SN: Floats) -> int:
    """The setting of the highest AUC on these rows."""
    return int(np.argmax([auc(score_N[rows], told.yes_N[rows]) or 0.0 for score_N in score_SN]))


def _frequent(code_N: Ints) -> Floats:
    """Values by how frequent they are, the rest as one."""
    rank_U = np.argsort(np.argsort(-np.bincount(code_N), kind="stable"), kind="stable")
    return np.minimum(rank_U, CATEGORIES).astype(np.float32)[code_N]


def _rates(told: Told, code_NF: Ints, *, by_row: bool) -> tuple[Floats, Floats]:
    """Log count and smoothed rate of each id, as of the row or as of the last midnight."""
    mean_N = _before(np.zeros(len(told), np.int64), told, by_row=by_row)
    overall_N = (mean_N[1] + 1) / (mean_N[0] + 2)
    count_NF, rate_NF = np.empty(code_NF.shape, np.float32), np.empty(code_NF.shape, np.float32)
    for field, code_N in enumerate(code_NF.T):
        seen_N, yes_N = _before(code_N, told, by_row=by_row)
        count_NF[:, field] = np.log1p(seen_N)
        rate_NF[:, field] = (yes_N + PRIOR * overall_N) / (seen_N + PRIOR)
    return count_NF, rate_NF


def _before(code_N: Ints, told: Told, *, by_row: bool) -> tuple[Doubles, Doubles]:
    """How often the value of each row was seen, and with a yes, before the row or before its day."""
    order_N = np.argsort(code_N, kind="stable")
    code_S, yes_S, day_S = code_N[order_N], told.yes_N[order_N].astype(np.float64), told.days()[order_N]
    own_S = np.arange(len(code_S))
    begun_S = np.maximum.accumulate(np.where(np.diff(code_S, prepend=-1) != 0, own_S, 0))
    fresh_S = (np.diff(code_S, prepend=-1) != 0) | (np.diff(day_S, prepend=-1) != 0)
    until_S = own_S if by_row else np.maximum.accumulate(np.where(fresh_S, own_S, 0))
    sum_S = np.concatenate([[0.0], np.cumsum(yes_S)])
    seen_N, yes_N = np.empty(len(code_S)), np.empty(len(code_S))
    seen_N[order_N], yes_N[order_N] = until_S - begun_S, sum_S[until_S] - sum_S[begun_S]
    return seen_N, yes_N


def _days(told: Told) -> list[int]:
    """Every day but the first."""
    days: list[int] = np.unique(told.days())[1:].tolist()
    return days


def _rows(told: Told, day: int) -> slice:
    low, high = np.searchsorted(told.days(), [day, day + 1])
    return slice(int(low), int(high))
