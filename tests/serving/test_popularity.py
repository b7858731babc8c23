"""Popularity and what is made of it: fading counts, added up over partitions."""

from __future__ import annotations

import numpy as np

from serving.fold_rules import FoldRules
from serving.known import Known
from serving.popularity import FAST_CLICKS, SLOW_CLICKS, SLOW_VIEWS, Popularity
from tests.worlds import Telling


def test_an_old_click_counts_half_after_a_half_life() -> None:
    popularity = Popularity(slow=100, fast=10)
    popularity.want("tea", 0)
    popularity.want("jam", 100)
    assert popularity.read(100)[:, SLOW_CLICKS].tolist() == [0.5, 1.0]


def test_what_has_faded_for_years_does_not_overflow() -> None:
    popularity = Popularity(slow=60_000, fast=1_000)
    for ts in (0, 1_700_000_000_000, 5):
        popularity.want("tea", ts)
    read = popularity.read(1_700_000_000_000)
    assert np.isfinite(read).all()
    assert np.allclose(read[0, [SLOW_CLICKS, FAST_CLICKS]], 1.0)


def test_many_items_have_sums_of_their_own() -> None:
    popularity = Popularity(slow=100, fast=10)
    popularity.show([f"i{n}" for n in range(3_000)], 0)
    popularity.want("i2999", 0)
    assert popularity.read(0)[:, SLOW_VIEWS].sum() == 3_000
    assert popularity.read(0)[2999].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_partitions_are_added_up() -> None:
    known, telling = Known(partitions=2, rules=FoldRules()), Telling()
    for partition in (0, 1):
        known.parts[partition].feed(partition, 0, [telling.shown("u0", "tea", "jam"), telling.click("u0", "jam")])
    known.refresh()
    assert known.view.popular == ("jam", "tea")
    assert round(known.view.prior, 3) == 0.5
