"""Each rule of the gate by itself: its limit, whom it excuses, and how few rows say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from checkpoints.manifest import Manifest
from learners import gate_measures as of
from learners.gate import Limits, Measure, judge, measured, said
from learners.gate_measures import Compared, Doubles, Served, Weighed, weighed
from learners.gating import Gated, _measures
from learners.live_copies import Copy
from learners.paired_figures import Figure

LIMITS = Limits()
SERVED = Served(live=7, rows=7, canary=7, young=False)


def rows(n: int = 8_000, *, own: float = 0.0, live: float = 0.0, shift: float = 0.0, spread: float = 1.0) -> Compared:
    """One truth; model and live version are blurred by so much, the model moved by `shift` and spread."""
    random = np.random.default_rng(8)
    truth_N = random.normal(-1.5, 1.2, n)
    came_N = random.random(n) < 1 / (1 + np.exp(-truth_N))
    own_N = spread * (truth_N + random.normal(0, own, n)) + shift
    live_N = truth_N + random.normal(0, live, n)
    own_N, live_N = (1 / (1 + np.exp(-one_N)) for one_N in (own_N, live_N))
    return Compared(own_N, came_N, live_N, own_N[-500:], live_N[-500:], served=SERVED)


def bent(p_C: Doubles, by: float) -> Doubles:
    """The same rows with their logits times so much."""
    return 1 / (1 + ((1 - p_C) / p_C) ** by)


def told(one: Measure) -> tuple[str, bool]:
    return one.verdict, one.holds


@pytest.mark.parametrize(
    ("low", "value", "high", "wanted"),
    [
        (0.3, 0.4, 0.5, ("fail", True)),
        (0.1, 0.15, 0.2, ("pass", False)),
        (0.1, 0.15, 0.21, ("inconclusive", False)),
        (0.19, 0.22, 0.25, ("inconclusive", True)),
        (0.1, 0.25, 0.4, ("inconclusive", False)),
    ],
)
def test_the_interval_decides(low: float, value: float, high: float, wanted: tuple[str, bool]) -> None:
    assert told(measured("it", Figure(value, low, high, 9), 0.2, least=9)) == wanted


def test_few_rows_say_nothing_and_an_excuse_holds_nothing() -> None:
    bad = Figure(0.4, 0.3, 0.5, 9)
    assert told(measured("it", bad, 0.2, least=10)) == ("inconclusive", False)
    assert told(measured("it", bad, 0.2, least=9, excuse="the world")) == ("inconclusive", False)
    assert told(measured("it", Figure(0.1, 0.0, 0.1, 9), 0.2, least=9, excuse="the world")) == ("pass", False)
    assert [told(said("it", "so", fine=fine))[1] for fine in (True, None, False)] == [False, False, True]


def test_the_verdict_is_of_those_that_hold() -> None:
    told_of = Measure("it", "fail", "it is bad")
    near = measured("it", Figure(0.22, 0.19, 0.25, 9), 0.2, least=9)
    assert [judge([told_of], first=first)[0] for first in (False, True)] == ["pass", "pass"]
    assert [judge([near], first=first)[0] for first in (False, True)] == ["inconclusive", "pass"]
    assert judge([near, said("it", "no", fine=False)], first=True)[0] == "fail"


@pytest.mark.parametrize("name", ["a.dense", "a.rows", "a.moments", "a.state"])
def test_what_is_not_finite_is_found_in_weights_and_in_what_is_kept_of_them(name: str) -> None:
    found = weighed([("ids.key", np.array([[np.nan]])), (name, np.array([[1.0, np.inf, np.nan]]))])
    assert (found.broken, found.first_broken) == (2, name)
    assert of.finite(found, scores=True, rows=9).holds


def test_the_longest_row_and_the_longest_part_are_the_norm() -> None:
    parts = [("a.rows", np.array([[3.0, 4.0], [0.0, 1.0]])), ("a.rows", np.array([[1.0, 0.0]]))]
    assert weighed(parts).norms == {"a.rows": 5.0}
    weights = Weighed(0, "", {"a.rows": 2.0})
    assert [of.running(weights, {"a.rows": 5.0}, whole=whole)["a.rows"] for whole in (True, False)] == [2.0, 5.0]


def test_nothing_learned_and_no_finite_score_hold() -> None:
    fine = Weighed(0, "", {})
    assert not of.finite(fine, scores=True, rows=1).holds
    assert of.finite(fine, scores=False, rows=1).holds
    assert of.finite(fine, scores=True, rows=0).holds


def test_norms_are_held_to_those_of_a_live_version_that_is_not_young() -> None:
    weights = Weighed(0, "", {"a.dense": 5.0, "b.dense": 1.0})
    assert told(of.norms(weights, {"a.dense": 1.0}, LIMITS, young=False)) == ("fail", True)
    assert told(of.norms(weights, {"a.dense": 1.0}, LIMITS, young=True)) == ("inconclusive", False)
    assert told(of.norms(weights, {"b.dense": 0.5}, LIMITS, young=False)) == ("pass", False)
    assert told(of.norms(weights, {"b.dense": 0.001}, LIMITS, young=False)) == ("inconclusive", False)


def test_a_version_of_a_large_catalogue_and_few_clicks_is_young() -> None:
    """Upserts of items are examples, and teach nothing of how to rank."""
    grown = Weighed(0, "", {"a.dense": 5.0})
    for judged, found in ((900, "inconclusive"), (1_100, "fail")):
        live = Manifest(7, None, 0, {}, examples=1_000_000, metrics={"click": {"n": judged}})
        measures = _measures(Gated(Limits(young=1_000), 7, True, 9, rows), grown, live, {"a.dense": 1.0})
        assert [one.verdict for one in measures if one.name == "norms"] == [found]
        assert (Copy.of(live, None, 0).judged < 1_000) == (found == "inconclusive")  # type: ignore[arg-type]


def test_calibration_is_excused_where_the_live_version_is_as_far_off() -> None:
    off = rows(shift=1.5)
    assert told(of.calibrated(off, LIMITS)) == ("fail", True)
    assert told(of.calibrated(replace(off, live_N=None), LIMITS)) == ("fail", True)
    assert told(of.calibrated(replace(off, live_N=off.p_N), LIMITS)) == ("inconclusive", False)
    assert told(of.calibrated(replace(off, live_N=rows(shift=0.5).p_N), LIMITS)) == ("fail", True), "a third as far"
    assert told(of.calibrated(rows(shift=-1.5), LIMITS)) == ("fail", True), "too low is as bad"
    near = of.calibrated(rows(2_000), LIMITS)
    assert (near.verdict, near.low) == ("pass", 0.0)


def test_entropy_and_order_of_rows_are_held_to_the_live_version() -> None:
    worse = rows(own=2.0)
    assert told(of.ne_worse(worse, LIMITS)) == ("fail", True)
    assert told(of.auc_worse(worse, LIMITS)) == ("fail", True)
    assert told(of.ne_worse(rows(own=0.05), LIMITS)) == ("pass", False)
    few = rows(300, own=2.0)
    assert [told(measure(few, LIMITS))[0] for measure in (of.ne_worse, of.auc_worse)] == ["inconclusive"] * 2
    alone = replace(worse, live_N=None)
    assert [told(measure(alone, LIMITS)) for measure in (of.ne_worse, of.auc_worse)] == [("inconclusive", False)] * 2


def test_what_proves_better_excuses_order_of_rows_and_shape_but_not_the_order_of_the_canary() -> None:
    better = rows(own=0.5)
    better = replace(better, live_N=np.full(8_000, 0.9))  # ties: it orders nothing, and is far off
    turned = replace(better, canary_live_C=bent(better.canary_C, -0.2))
    assert told(of.shift(turned, LIMITS)) == ("inconclusive", False)
    assert told(of.order(turned, LIMITS)) == ("fail", True)
    plain = replace(turned, live_N=better.p_N)
    assert told(of.shift(plain, LIMITS)) == ("fail", True)
    few = Limits(rows=9_000)
    assert of._better(turned, few) == ""
    assert of._better(turned, LIMITS) != ""
    assert of._better(rows(800, own=0.25, live=0.5), LIMITS) == "", "a little better is no proof"


def test_an_order_of_rows_that_got_worse_is_excused_by_a_better_entropy() -> None:
    one = rows(own=0.6)
    far = 1 / (1 + np.exp(-3) * (1 - (exact := rows().p_N)) / exact)  # the best order there is, three nats too high
    found = of.auc_worse(replace(one, live_N=far), LIMITS)
    assert found.figure is not None
    assert found.figure > LIMITS.auc
    assert not found.holds


def test_a_young_live_version_excuses_shape_and_order() -> None:
    one = rows()
    turned = replace(one, canary_live_C=bent(one.canary_C, -0.2))
    assert [told(measure(turned, LIMITS)) for measure in (of.shift, of.order)] == [("fail", True)] * 2
    young = replace(turned, served=replace(SERVED, young=True))
    assert [told(measure(young, LIMITS))[1] for measure in (of.shift, of.order)] == [False, False]
    few = replace(turned, canary_C=turned.canary_C[:60], canary_live_C=bent(turned.canary_C, -0.2)[:60])
    assert all(measure(few, LIMITS).why.endswith("of 100") for measure in (of.shift, of.order))


def test_what_orders_otherwise_than_an_old_version_is_held_only_while_no_rows_can_say_which_is_better() -> None:
    one = rows()
    turned = replace(one, canary_live_C=bent(one.canary_C, -0.2))

    def holds(rows: Compared, *, canary: int, age: int) -> list[tuple[str, bool]]:
        aged = replace(rows, served=replace(SERVED, canary=canary, age=age))
        return [told(measure(aged, LIMITS)) for measure in (of.shift, of.order)]

    held, free = [("fail", True)] * 2, [("inconclusive", False)] * 2
    few = replace(turned, p_N=one.p_N[-399:], came_N=one.came_N[-399:], live_N=one.p_N[-399:])
    assert [holds(few, canary=5, age=age) for age in (of.RECENT - 1, of.RECENT)] == [held, free]
    assert [holds(turned, canary=7, age=age) for age in (of.STANDS - 1, of.STANDS)] == [held, free]
    assert [holds(rows, canary=7, age=of.STANDS) for rows in (few, replace(few, live_N=None))] == [held, held]


def test_a_measure_says_with_what_version_it_compares() -> None:
    found = of.all_of(replace(rows(), served=replace(SERVED, rows=3, canary=5)), LIMITS)
    assert {one.name: one.copy for one in found if one.copy} == {"ne": 3, "auc": 3, "shift": 5, "order": 5}
    assert [one.told["copy"] for one in found if "against version 5 is within" in one.why] == [5, 5]


def test_a_canary_that_is_no_number_is_all_that_is_told() -> None:
    one = rows()
    broken = replace(one, canary_C=np.array([0.5, np.nan]))
    assert [told(measure) for measure in of.all_of(broken, LIMITS)] == [("fail", True)]
    assert told(of.not_finite(replace(one, canary_C=np.zeros(0)))) == ("inconclusive", False)
    assert len(of.all_of(one, LIMITS)) == 6
