"""Progressive figures against brute force."""

from __future__ import annotations

import math
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.evaluation import Evaluation
from learners.metrics import Histogram, auc, ece, losses
from tests.learners.sliced import sliced

Pairs = list[tuple[float, bool]]
pairs = st.lists(
    st.tuples(st.sampled_from([0.05, 0.2, 0.2001, 0.5, 0.7, 0.93]), st.booleans()), min_size=1, max_size=80
)


def arrays(rows: Pairs) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.array([p for p, _ in rows], np.float32), np.array([y for _, y in rows], np.bool_)


def brute_auc(rows: Pairs) -> float | None:
    above, below = [p for p, y in rows if y], [p for p, y in rows if not y]
    if not above or not below:
        return None
    return sum((a > b) + (a == b) / 2 for a, b in product(above, below)) / (len(above) * len(below))


def brute(rows: Pairs) -> dict[str, float | None]:
    n, y = len(rows), sum(y for _, y in rows)
    loss = -sum(math.log(p if y else 1 - p) for p, y in rows) / n
    rate = y / n
    entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate)) if 0 < rate < 1 else None
    return {
        "n": n,
        "log_loss": loss,
        "ne": loss / entropy if entropy else None,
        "calibration": sum(p for p, _ in rows) / y if y else None,
        "auc": brute_auc(rows),
    }


def feed(evaluation: Evaluation, rows: Pairs, size: int, slices: list[str] | None = None) -> None:
    p, y = arrays(rows)
    names = slices or [""] * len(rows)
    for i in range(0, len(rows), size):
        cut = slice(i, i + size)
        counted = np.ones((len(p[cut]), 1), np.bool_)
        evaluation.add(p[cut, None], y[cut, None].astype(np.float32), counted, *sliced(names[cut]))


def close(got: dict[str, Any], wanted: dict[str, float | None]) -> bool:
    return all(
        got[k] is None if v is None else got[k] is not None and math.isclose(got[k], v, rel_tol=1e-5)
        for k, v in wanted.items()
    )


@settings(max_examples=80, deadline=None)
@given(rows=pairs, size=st.integers(1, 30))
def test_the_whole_is_what_brute_force_says_for_any_batch_size(rows: Pairs, size: int) -> None:
    evaluation = Evaluation(("click",))
    feed(evaluation, rows, size)
    assert close(evaluation.report()["click"], brute(rows))


@settings(max_examples=60, deadline=None)
@given(rows=pairs, size=st.integers(1, 30), window=st.integers(1, 40))
def test_the_window_is_the_newest_rows_exactly(rows: Pairs, size: int, window: int) -> None:
    evaluation = Evaluation(("click",), window=window)
    feed(evaluation, rows, size)
    assert close(evaluation.report()["click"]["window"], brute(rows[-window:]))


@settings(max_examples=40, deadline=None)
@given(rows=pairs, size=st.integers(1, 30))
def test_the_faded_mean_is_the_recursion_row_by_row(rows: Pairs, size: int) -> None:
    evaluation = Evaluation(("click",), fade=0.9)
    feed(evaluation, rows, size)
    weight = total = 0.0
    for p, y in rows:
        weight, total = 0.9 * weight + 1, 0.9 * total - math.log(p if y else 1 - p)
    assert evaluation.report()["click"]["faded"]["log_loss"] == pytest.approx(total / weight, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(rows=pairs, bins=st.integers(1, 20))
def test_ece_is_the_weighted_gap_of_bins_of_equal_mass(rows: Pairs, bins: int) -> None:
    p, y = arrays(rows)
    order = np.argsort(p, kind="stable")
    n, k = len(rows), min(bins, len(rows))
    edges = [int(n * i / k) for i in range(k)] + [n]
    parts = [order[a:b] for a, b in pairwise(edges) if b > a]
    wanted = sum(len(part) / n * abs(y[part].mean() - p[part].astype(float).mean()) for part in parts)
    assert ece(p, y, bins) == pytest.approx(wanted, abs=1e-6)


def test_since_counts_from_the_mark() -> None:
    evaluation = Evaluation(("click",))
    feed(evaluation, [(0.5, True)] * 4, 2)
    evaluation.mark()
    feed(evaluation, [(0.25, False)] * 3, 2)
    report = evaluation.report()["click"]
    assert (report["n"], report["since"]["n"]) == (7, 3)
    assert report["since"]["log_loss"] == pytest.approx(-math.log(0.75))


def test_rows_that_do_not_count_are_in_no_figure() -> None:
    evaluation = Evaluation(("click", "like"))
    p = np.full((3, 2), 0.5, np.float32)
    counted = np.array([[True, False], [False, False], [True, True]])
    evaluation.add(p, np.ones((3, 2), np.float32), counted, *sliced(["surface=a", "surface=b", "surface=a"]))
    report = evaluation.report()
    assert (report["click"]["n"], report["like"]["n"]) == (2, 1)
    assert {name: s["n"] for name, s in report["click"]["slices"].items()} == {"surface=a": 2}


def test_a_score_that_is_not_finite_is_counted_and_in_no_figure() -> None:
    evaluation = Evaluation(("click",))
    p = np.array([[np.nan], [np.inf], [0.5]], np.float32)
    evaluation.add(p, np.ones((3, 1)), np.ones((3, 1), np.bool_), *sliced(["", "", ""]))
    assert evaluation.report()["click"]["log_loss"] == pytest.approx(math.log(2))
    assert evaluation.not_finite == 2


@settings(max_examples=30, deadline=None)
@given(rows=pairs, size=st.integers(1, 30), seed=st.integers(0, 99))
def test_slices_add_up_to_the_whole(rows: Pairs, size: int, seed: int) -> None:
    r = np.random.default_rng(seed)
    names = [str(s) for s in r.choice(["surface=home", "surface=feed", "producer=web"], len(rows))]
    evaluation = Evaluation(("click",))
    feed(evaluation, rows, size, names)
    for name, figures in evaluation.report()["click"]["slices"].items():
        mine = [row for row, s in zip(rows, names, strict=True) if s == name]
        wanted = brute(mine)
        del wanted["auc"]
        assert close(figures, wanted)


def test_a_version_from_before_retrieval_was_counted_and_slices_had_axes_still_loads() -> None:
    former = Evaluation(("click",))
    feed(former, [(0.5, True)] * 3, 3, ["surface=home"] * 3)
    arrays = {name: array for name, array in former.state().items() if not name.startswith("retrieval/")}
    arrays["slices"] = arrays["click/slice_names"] = np.array(["home"])
    now = Evaluation(("click",))
    now.load(arrays)
    feed(now, [(0.5, True)] * 2, 2, ["surface=home"] * 2)
    report = now.report()["click"]
    assert (report["slices"]["surface=home"]["n"], "retrieval" in report) == (5, False)


def test_a_row_counts_once_in_each_axis() -> None:
    evaluation = Evaluation(("click",))
    kinds = [("surface=home", "producer=web"), ("surface=home", "producer=app", "app_version=2")]
    p = np.full((3, 1), 0.5, np.float32)
    evaluation.add(p, np.ones((3, 1), np.float32), np.ones((3, 1), np.bool_), kinds, np.array([0, 1, 1]))
    counted = {name: figures["n"] for name, figures in evaluation.report()["click"]["slices"].items()}
    assert counted == {"surface=home": 3, "producer=web": 1, "producer=app": 2, "app_version=2": 2}


def test_beyond_the_bound_slices_count_together() -> None:
    evaluation = Evaluation(("click",))
    feed(evaluation, [(0.5, True)] * 200, 50, [f"{axis}={i}" for i in range(100) for axis in ("surface", "producer")])
    slices = evaluation.report()["click"]["slices"]
    assert (len(slices), sum(s["n"] for s in slices.values())) == (2 * 65, 200)
    assert slices["surface=other"]["n"] == slices["producer=other"]["n"] == 36


def test_beyond_the_exact_rows_the_whole_is_a_histogram_and_says_so() -> None:
    r = np.random.default_rng(7)
    y = r.random(30_000) < 0.3
    p = (1 / (1 + np.exp(-(r.normal(size=30_000) + y)))).astype(np.float32)
    rows = list(zip(p.tolist(), y.tolist(), strict=True))
    exact, near = Evaluation(("click",)), Evaluation(("click",), exact=10_000)
    feed(exact, rows, 1000)
    feed(near, rows, 1000)
    one, other = exact.report()["click"], near.report()["click"]
    assert (one["auc_exact"], other["auc_exact"]) == (True, False)
    assert one["auc"] == pytest.approx(other["auc"], abs=1e-5)
    assert one["ece"] == pytest.approx(other["ece"], abs=1e-3)


def test_a_constant_scorer_has_an_auc_of_a_half() -> None:
    assert auc(np.full(9, 0.3), np.arange(9) % 2 == 0) == 0.5


def test_figures_that_one_class_can_not_give_are_none() -> None:
    evaluation = Evaluation(("click",))
    feed(evaluation, [(0.5, False)] * 3, 2)
    report = evaluation.report()["click"]
    assert (report["auc"], report["ne"], report["calibration"]) == (None, None, None)
    assert Evaluation(("click",)).report()["click"]["log_loss"] is None
    assert (Histogram().auc(), Histogram().ece(), ece(np.zeros(0), np.zeros(0, np.bool_))) == (None, None, None)


def test_a_certain_mistake_costs_a_lot_but_not_everything() -> None:
    assert losses(np.array([1.0]), np.array([False]))[0] == pytest.approx(-math.log(1e-7), rel=1e-3)


@pytest.mark.parametrize("exact", [40, 10_000])
def test_a_state_goes_on_as_if_nothing_had_happened(exact: int) -> None:
    r = np.random.default_rng(3)
    rows = [(float(p), bool(y)) for p, y in zip(r.random(300), r.random(300) < 0.4, strict=True)]
    names = [str(s) for s in r.choice(["surface=home", "producer=web"], 300)]
    whole, first, second = (Evaluation(("click",), window=70, exact=exact) for _ in range(3))
    feed(whole, rows, 25, names)
    feed(first, rows[:150], 25, names[:150])
    second.load(first.state())
    feed(second, rows[150:], 25, names[150:])
    one, other = second.report()["click"], whole.report()["click"]
    assert one["slices"].keys() == other["slices"].keys()
    for a, b in zip(parts(one), parts(other), strict=True):
        assert a == pytest.approx(b, rel=1e-9)


def parts(report: dict[str, Any]) -> list[dict[str, Any]]:
    """A report as flat tables of figures."""
    nested = [report["window"], report["faded"], report["since"], *report["slices"].values()]
    return [{k: v for k, v in report.items() if not isinstance(v, dict)}, *nested]
