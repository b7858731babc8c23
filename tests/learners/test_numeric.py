"""Numbers: mean and spread follow what was learned, whatever the batches, and nothing odd gets through."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.fields import Declared, Field
from learners.learner import Doubles
from learners.numeric import LARGEST, MEMORY, Numbers, number_of

FIELD = Field("price", "item", Declared("number", "item.attributes.price"), 7)


def column(*values: float) -> Doubles:
    return np.array(values, np.float64)[:, None]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.integers(1, 59))
def test_mean_and_spread_are_those_of_all_values_however_they_came(values: list[float], cut: int) -> None:
    numbers = Numbers([FIELD])
    for part in (values[:cut], values[cut:]):
        numbers.count(column(*part, math.nan))
    count, mean, squares = numbers.told_K3[0]
    assert count == len(values)
    assert mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert squares / count == pytest.approx(np.var(values), rel=1e-6, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.floats(), st.integers(), st.text(), st.none()), st.booleans())
def test_whatever_is_told_the_weight_is_finite_or_missing(value: str | float | None, log: bool) -> None:
    numbers = Numbers([FIELD])
    number = number_of(value, log)
    assert math.isnan(number) or abs(number) <= LARGEST
    numbers.count(column(1.0, 2.0, number))
    numbers.count(column(number, 5.0))
    weight = float(numbers.standard("price", np.array([number]))[0])
    assert math.isnan(weight) == math.isnan(number)
    assert math.isnan(weight) or abs(weight) <= 4
    assert np.isfinite(numbers.told_K3).all()


def test_before_there_is_a_spread_a_number_says_nothing() -> None:
    numbers = Numbers([FIELD])
    assert numbers.standard("price", np.array([7.0])).tolist() == [0.0]
    numbers.count(column(3.0, 3.0))
    assert numbers.standard("price", np.array([7.0])).tolist() == [0.0]


def test_an_old_scale_fades() -> None:
    numbers = Numbers([FIELD])
    numbers.count(column(0.0, 2.0))
    numbers.told_K3[0, 0], numbers.told_K3[0, 2] = 1e9, 1e9
    for _ in range(30):
        numbers.count(np.full((100_000, 1), 50.0) + np.tile([[-1.0], [1.0]], (50_000, 1)))
    assert numbers.told_K3[0, 0] <= MEMORY + 100_000
    assert numbers.told_K3[0, 1] > 45


def test_a_number_can_stay_as_it_is() -> None:
    told = Field("share", "asker", Declared("number", "context.share", standardise=False, clip=1.0), 7)
    numbers = Numbers([told])
    numbers.count(column(5.0, 9.0))
    assert numbers.standard("share", np.array([0.25, -3.0])).tolist() == [0.25, -1.0]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, "inf", "nan", "1e999", 10**400, "", "much", None])
def test_what_is_no_finite_number_is_missing(value: str | float | None) -> None:
    assert math.isnan(number_of(value, False))
