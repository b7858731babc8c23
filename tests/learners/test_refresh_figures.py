"""The worth of refreshing, in counts: figures as of the rows themselves, intervals that cover, bounded room."""

from __future__ import annotations

import numpy as np
import pytest

from learners.metrics import Sums, auc, losses
from learners.refresh_figures import FEW, MOST, POINTS, RefreshFigures


def rows(seed: int, count: int, *, blur: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Two cadences, the second of which sees more; and what came."""
    random = np.random.default_rng(seed)
    logit_B = random.normal(-1, 1, count)
    yes_B = random.random(count) < 1 / (1 + np.exp(-logit_B))
    seen_RB = logit_B + np.array([[3 * blur], [blur]]) * random.normal(size=(2, count))
    return 1 / (1 + np.exp(-seen_RB)), yes_B


def told(seed: int = 0, batches: int = 200, size: int = 100) -> tuple[RefreshFigures, np.ndarray, np.ndarray]:
    figures, parts = RefreshFigures(["1d", "online"]), []
    for n in range(batches):
        probability_RB, yes_B = rows(1000 * seed + n, size)
        figures.add(60_000 * n, probability_RB, yes_B)
        parts.append((probability_RB, yes_B))
    return figures, np.concatenate([p for p, _ in parts], axis=1), np.concatenate([y for _, y in parts])


def test_auc_and_ne_are_those_of_the_rows() -> None:
    figures, probability_RN, yes_N = told()
    for one, probability_N in zip(figures.report()["cadences"], probability_RN, strict=True):
        loss = float(losses(probability_N, yes_N).sum())
        ne = Sums(len(yes_N), probability_N.sum(), yes_N.sum(), loss).figures()["ne"]
        assert one["auc"] == pytest.approx(auc(probability_N, yes_N), abs=1e-4)
        assert one["ne"] == pytest.approx(ne, abs=1e-12)


def test_a_paired_gain_is_the_difference_and_closer_than_its_ends_are() -> None:
    report = told()[0].report()
    old, new = report["cadences"]
    (gain,) = report["gains"]
    assert (gain["from"], gain["to"]) == ("1d", "online")
    assert gain["auc"] == pytest.approx(new["auc"] - old["auc"])
    assert gain["ne"] == pytest.approx(new["ne"] - old["ne"])
    assert 0 < gain["auc_low"] < gain["auc"] < gain["auc_high"]
    apart = (old["auc_high"] - old["auc_low"]) + (new["auc_high"] - new["auc_low"])
    assert gain["auc_high"] - gain["auc_low"] < apart


def test_intervals_hold_the_figure_of_a_far_longer_stream_mostly() -> None:
    long = told(seed=99, batches=1000)[0].report()["cadences"][1]["auc"]
    inside = 0
    for seed in range(20):
        one = told(seed=seed, batches=60)[0].report()["cadences"][1]
        inside += one["auc_low"] <= long <= one["auc_high"]
    assert inside >= 16


def test_a_stream_of_any_length_takes_the_same_room() -> None:
    figures = RefreshFigures(["never"])
    probability_RB, yes_B = rows(0, 64)
    for n in range(5 * MOST + 7):
        figures.add(n, probability_RB[:1], yes_B)
    report = figures.report(draws=10)
    assert report["rows"] == 64 * (5 * MOST + 7)
    assert MOST // 2 <= report["stretches"] <= MOST
    assert [point["at"] for point in report["course"]] == sorted(point["at"] for point in report["course"])
    assert sum(point["rows"] for point in report["course"]) == report["rows"]
    assert len(report["course"]) == POINTS


def test_few_stretches_have_figures_and_no_interval() -> None:
    cadences = told(batches=FEW - 1)[0].report()["cadences"]
    assert cadences[0]["auc"] is not None
    assert cadences[0]["auc_low"] is None


def test_a_point_in_time_has_an_interval_that_shrinks_with_its_rows() -> None:
    wide, close = (told(batches=n)[0].report()["course"][0]["auc"]["online"] for n in (40, 4000))
    assert wide["low"] < wide["auc"] < wide["high"]
    assert close["high"] - close["low"] < (wide["high"] - wide["low"]) / 5


def test_a_score_that_is_no_number_takes_its_row_out_of_every_cadence() -> None:
    figures = RefreshFigures(["1d", "online"])
    figures.add(0, np.array([[np.nan, 0.4, 0.2], [0.9, 0.6, 0.1]]), np.array([True, True, False]))
    assert figures.rows == 2
    assert [one["auc"] for one in figures.report()["cadences"]] == [1.0, 1.0]


def test_one_outcome_alone_has_no_auc() -> None:
    figures = RefreshFigures(["online"])
    figures.add(0, np.array([[0.4, 0.2]]), np.array([True, True]))
    (one,) = figures.report()["cadences"]
    assert (one["auc"], one["ne"]) == (None, None)


def test_over_several_cadences_the_last_gain_is_that_of_all_of_them() -> None:
    figures = RefreshFigures(["never", "1d", "online"])
    probability_RB, yes_B = rows(0, 50)
    figures.add(0, probability_RB[[0, 0, 1]], yes_B)
    assert [(one["from"], one["to"]) for one in figures.report()["gains"]] == [
        ("never", "1d"), ("1d", "online"), ("never", "online"),
    ]  # fmt: skip


def test_no_rows_are_told_as_none() -> None:
    assert RefreshFigures(["online"]).report() == {
        "rows": 0, "stretches": 0, "cadences": [], "gains": [], "course": [],
    }  # fmt: skip
