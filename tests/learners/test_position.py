"""Places that are looked at less: what is served once rows are told where they stood."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from benchmarks import position
from benchmarks.tastes import Kind

SMALL = Kind(users=30, items=60, interests=6)


@pytest.fixture(scope="module")
def told() -> Mapping[str, float]:
    return position.run(1, 3_000, follows=0.5, kind=SMALL)


def test_the_true_order_of_items_is_found_better_by_who_is_told_their_places(told: Mapping[str, float]) -> None:
    assert told["order_with"] > told["order_without"] + 0.02
    assert told["order_with"] < told["order_seen"]


def test_the_looks_at_a_place_are_learned(told: Mapping[str, float]) -> None:
    assert told["examined_error"] < 0.1
    assert told["examined_9"] < 0.3 < told["examined_1"] < 0.8


@pytest.mark.parametrize("follows", [1.0, -1.0])
def test_the_older_order_has_as_much_of_quality_in_it_as_is_asked(follows: float) -> None:
    world = position.Pages(3, follows=follows)
    mean_NK = np.array([world.chance_UI[:, page.item_K].mean(axis=0) for page in world.shown(200)])
    assert follows * (mean_NK[:, 0].mean() - mean_NK[:, -1].mean()) > 0
