"""Every kind of feature as bags of weighted ids: missing is empty, what is odd is missing, and numbers are learned
after they were read."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from learners.bags import Bags
from learners.features import Features, features
from learners.learner import Floats
from learners.memory import Memory
from learners.models.pair_rows import PairRows
from learners.ordering import Batch, Example
from learners.schema import Schema
from streams.examples import Attributes, Past
from tests.learners.declared import FEATURES, rich_batch, rich_item, rich_learner
from tests.learners.lessons import batch, lesson

SCHEMA = Schema(("click", "long"), ("hour",), FEATURES)


def told(made: Batch, memory: Memory | None = None) -> tuple[Features, Memory]:
    memory = memory or Memory(SCHEMA, PairRows())
    for example in made.examples:
        if example.attributes is not None:
            memory.catalogue.feed(example.attributes)
    return features(made, SCHEMA, memory.names, memory.catalogue, (), memory.numbers), memory


def bag(made: Features, field: str) -> tuple[list[tuple[int, int]], Floats]:
    """The ids in the bag of the first owner, and their weights."""
    if field in SCHEMA.asker_fields:
        at = SCHEMA.asker_fields.index(field) * made.shots
    else:
        at = len(SCHEMA.asker_fields) * made.shots + SCHEMA.item_fields.index(field) * len(made.entry_I)
    bags: Bags = made.bags
    start = int(bags.count_G[:at].sum())
    places = slice(start, start + int(bags.count_G[at]))
    ids = list(zip(bags.space_N[places].tolist(), bags.key_N[places].tolist(), strict=True))
    return ids, bags.weights()[places]


def with_item(example: Example, **more: Any) -> Example:
    assert example.attributes is not None
    return Example(example.row, example.shot, msgspec.structs.replace(example.attributes, **more), 0)


def test_a_category_and_many_are_named_in_their_space() -> None:
    made, memory = told(batch(lesson(context={"user.country": "ch", "interests": " t9,t9 , t8,,t7,t6"})))
    names, fields = memory.names, {field.name: field for field in SCHEMA.askers}
    ((space, key),), weight = bag(made, "country")
    assert (names.text(space, key), weight.tolist()) == ("ch", [1.0])
    ids, weight = bag(made, "interests")
    assert [names.text(*one) for one in ids] == ["t9", "t8", "t7"]
    assert {space >> 1 for space, _ in ids} == {fields["interests"].space} == {SCHEMA.spaces.index("tag")}
    assert weight.tolist() == pytest.approx([1 / 3] * 3)


def test_a_history_is_read_by_type_and_from_its_end() -> None:
    first, second, third = ("item1", "item3", "item5")
    history = (Past(first, "click", 1), Past(second, "like", 2), Past(third, "click", 3), Past("4", "click", 4))
    facts = [Attributes(name, 5, tags=(f"of {name}",)) for name in (first, third, "4")]
    rows = [Example(lesson().row, None, one, 0) for one in facts]
    made, memory = told(batch(*[msgspec_free(row) for row in rows], lesson(history=history)))
    assert [memory.names.text(*one) for one in bag(made, "liked")[0]] == [second]
    assert [memory.names.text(*one) for one in bag(made, "clicked_tags")[0]] == [f"of {third}", "of 4"]


def msgspec_free(example: Example) -> Example:
    """A fact, which is no lesson."""
    return Example(msgspec.structs.replace(example.row, kind="item"), None, example.attributes, 0)


def test_a_text_is_its_buckets_and_a_vector_its_numbers() -> None:
    made, _ = told(batch(with_item(lesson(), text="Tea", vector=(3.0, 0.0, 0.0, 4.0, 0.0), ts=9)))
    ids, weight = bag(made, "title")
    assert len(ids) == 3  # <te tea ea>
    assert all(0 <= key < 512 for _, key in ids)
    assert weight.tolist() == pytest.approx([1 / 3] * 3)
    ids, weight = bag(made, "picture")
    assert [key for _, key in ids] == [0, 1, 2, 3, 4]
    assert weight.tolist() == pytest.approx([0.6, 0.0, 0.0, 0.8, 0.0])


def test_a_number_is_one_id_and_weighs_what_was_learned_before_it() -> None:
    one, memory = told(batch(*[with_item(lesson(item=i), attributes={"price": 10.0 * i}, ts=9) for i in range(3)]))
    (_,), weight = bag(one, "price")
    assert weight.tolist() == [0.0]
    memory.numbers.count(one.number_RK)
    again, _ = told(batch(with_item(lesson(item=2), attributes={"price": 20.0}, ts=9)), memory)
    (_,), weight = bag(again, "price")
    assert weight.tolist() == pytest.approx([10 / np.sqrt(200 / 3)])


ODD: dict[str, dict[str, Any]] = {
    "a vector of another length": {"vector": (1.0, 2.0)},
    "a vector of nothing": {"vector": (0.0,) * 5},
    "a vector with a hole": {"vector": (1.0, math.nan, 0.0, 0.0, 0.0)},
    "an endless vector": {"vector": (1.0, math.inf, 0.0, 0.0, 0.0)},
    "a vector beyond all bounds": {"vector": (1e300,) * 5},
    "a price that is no number": {"attributes": {"price": "much"}},
    "a price of nan": {"attributes": {"price": math.nan}},
    "an endless price": {"attributes": {"price": -math.inf}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_item_with_something_odd_lacks_it_and_is_learned(odd: dict[str, Any]) -> None:
    example = with_item(lesson(), **odd, ts=9)
    made, _ = told(batch(example))
    assert bag(made, "picture")[0] == []
    assert bag(made, "price")[0] == []
    learner = rich_learner()
    for number in range(3):
        learner.learn(rich_batch(number))
    assert learner.learn(batch(*rich_batch(4).examples, example)).finite
    assert np.isfinite(learner._memory.numbers.told_K3).all()
    assert all(np.isfinite(array).all() for name, array in learner._state()[0].items() if name != "items.measures")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", ["basket", "hour", "user.country", "what nobody reads"])
def test_a_circumstance_that_is_not_finite_refuses_the_batch_bit_for_bit(bad: float, key: str) -> None:
    learner = rich_learner()
    learner.learn(rich_batch(1))
    before = learner.digest()
    made = batch(*rich_batch(2).examples, lesson(context={key: bad}))
    learner.score(made)
    assert not learner.learn(made).finite
    assert learner.digest() == before


def test_an_item_without_anything_and_one_who_says_nothing_have_empty_bags() -> None:
    made, _ = told(batch(lesson(item=3)))
    for name in FEATURES.keys() - {"query_tags"}:
        assert bag(made, name)[0] == [], name


def test_what_is_measured_is_not_counted() -> None:
    learner = rich_learner()
    for number in range(4):
        learner.learn(rich_batch(number))
    arrays = learner._state()[0]
    measured = {2 * field.space for field in (*SCHEMA.askers, *SCHEMA.items) if field.kind in ("number", "vector")}
    rows = np.flatnonzero(np.isin(arrays["ids.space"], [*measured]))
    assert len(rows) == 2 + 5
    assert not arrays["counts"][rows].any()
    grams = np.flatnonzero(arrays["ids.space"] == 2 * SCHEMA.spaces.index("title"))
    assert arrays["counts"][grams, 0].min() > 0


def test_an_item_told_again_before_it_is_settled_is_what_it_was() -> None:
    learner = rich_learner()
    learner.learn(rich_batch(1))
    before = learner.digest()
    newer = [Example(e.row, e.shot, rich_item(7, ts=50), 0) for e in rich_batch(2).examples]
    learner.score(batch(*newer))
    assert learner.digest() == before
