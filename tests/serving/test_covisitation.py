"""Co-visitation: which items are wanted together."""

from __future__ import annotations

from serving.covisitation import Covisitation
from serving.fold_rules import FoldRules
from serving.known import Known
from streams.examples import Past
from tests.worlds import Telling


def pairs(**changed: int) -> Covisitation:
    return Covisitation(**({"half_life": 1_000, "window": 1_000, "clicks": 5, "keep": 10} | changed))


def test_both_items_of_a_pair_are_near_each_other() -> None:
    near = pairs()
    near.want("jam", [Past("tea", "click", 0)], 1)
    assert list(near.near("jam")) == ["tea"]
    assert list(near.near("tea")) == ["jam"]


def test_clicks_further_apart_than_the_window_are_no_pair() -> None:
    near = pairs(window=10)
    near.want("jam", [Past("tea", "click", 0)], 11)
    assert near.near("jam") == {}


def test_an_old_pair_weighs_less_than_a_new_one() -> None:
    near = pairs()
    near.want("jam", [Past("tea", "click", 0)], 0)
    near.want("jam", [Past("oil", "click", 1_000)], 1_000)
    assert {item: w * near.scale(1_000) for item, w in near.near("jam").items()} == {"tea": 0.5, "oil": 1.0}


def test_neighbours_are_bounded_and_the_lightest_go() -> None:
    near = pairs(keep=2)
    for n in range(5):
        for _ in range(5 - n):
            near.want("jam", [Past(f"i{n}", "click", 0)], 0)
    assert list(near.near("jam")) == ["i0", "i1"]


def test_partitions_are_added_up_in_their_order() -> None:
    known, telling = Known(partitions=2, rules=FoldRules()), Telling()
    known.parts[0].feed(0, 0, [telling.click("u0", "tea"), telling.click("u0", "jam")])
    known.parts[1].feed(1, 0, [telling.click("u1", "tea"), telling.click("u1", "jam"), telling.click("u1", "oil")])
    known.restock()
    near = known.near(["tea"], 10)
    assert [item for item, _ in near] == ["jam", "oil"]
    assert near[0][1] > 1.9
