"""What is wanted together, as requests read it: at any moment what the folds say, however often it was read before."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import covisited
from serving.fold_rules import FoldRules
from serving.known import Known
from streams.events import Item
from tests.worlds import Telling

DAY = 86_400_000
NAMES = ("tea", "jam", "oil", "salt", "rice")

clicks = st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from(NAMES), st.sampled_from((0, 0, 1, 400)))
questions = st.tuples(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True), st.integers(1, 4))


def of_two() -> Known:
    return Known(partitions=2, rules=FoldRules(covisit_keep=2, covisit_half_life=DAY, covisit_window=1_000 * DAY))


def told(known: Known, item_ids: list[str], limit: int) -> list[tuple[str, float]]:
    """The sums as their definition has them."""
    found: dict[str, float] = {}
    for part in known.parts:
        scale = part.covisitation.scale(max(part.newest for part in known.parts))
        for rank, item_id in enumerate(item_ids, start=1):
            for other, weight in part.covisitation.pairs.get(item_id, {}).items():
                found[other] = found.get(other, 0.0) + weight * (scale / rank)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


@given(st.lists(clicks | questions, max_size=40))
def test_read_at_any_moment_they_are_the_sums_of_the_folds(steps: list[tuple[object, ...]]) -> None:
    known, telling, ends = of_two(), Telling(), [0, 0]
    for step in steps:
        if len(step) == 4:
            partition, user, item_id, days = step
            telling.now.at += days * DAY
            click = telling.click(f"u{user}", item_id)
            known.parts[partition].feed(partition, ends[partition], [click])
            ends[partition] += 1
            known.restock()
        else:
            assert known.near(*step) == told(known, *step)


def test_what_another_fold_says_is_not_what_was_kept() -> None:
    known, telling, other = of_two(), Telling(), of_two()
    for one, second in ((known, "jam"), (other, "oil")):
        one.parts[0].feed(0, 0, [telling.click("u0", "tea"), telling.click("u0", second)])
        one.restock()
    assert [item_id for item_id, _ in known.near(["tea"], 9)] == ["jam"]
    known.put(other.parts[0])
    known.restock()
    assert [item_id for item_id, _ in known.near(["tea"], 9)] == ["oil"]


def test_a_neighbour_without_a_number_comes_with_it() -> None:
    known, telling = of_two(), Telling()
    known.parts[0].feed(0, 0, [telling.click("u0", "tea"), telling.click("u0", "jam")])
    known.stock.put(Item("e", 5, "tea"))
    assert known.near(["tea", "jam"], 9) == [("tea", pytest.approx(0.5))]
    known.restock()
    assert [item_id for item_id, _ in known.near(["tea", "jam"], 9)] == ["jam", "tea"]


def test_those_of_some_items_are_kept_and_the_first_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covisited, "MOST", 4)
    known, telling = of_two(), Telling()
    known.parts[0].feed(0, 0, [telling.click("u0", name) for name in NAMES])
    known.restock()
    known.near(list(NAMES), 9)
    kept: Mapping[str, list[object]] = known.parts[0].covisitation.kept
    assert list(kept) == ["salt", "rice"]
