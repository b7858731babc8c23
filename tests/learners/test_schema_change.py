"""Features come to a live model without a say and go without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learners.fields import Declared
from learners.learner import Floats
from learners.ordering import Batch
from learners.schema import Schema
from learners.schema_change import difference
from serving.scorer import Scorer
from tests.learners.declared import FEATURES, rich_batch, rich_learner
from tests.learners.lessons import batch, forget

ASKED, DIM = rich_batch(99), 16
SOME = {name: FEATURES[name] for name in ("basket", "brand", "picture", "liked")}
REST = {name: told for name, told in FEATURES.items() if told.kind != "none"}


def taught(features: dict[str, Declared], *numbers: int, **told: Any) -> Any:
    learner = rich_learner(features=features, **told)
    return learned(learner, *numbers)


def learned(learner: Any, *numbers: int) -> Any:
    for number in numbers:
        assert learner.learn(rich_batch(number)).finite
    return learner


def carried(before: Any, features: dict[str, Declared], **told: Any) -> Any:
    learner = rich_learner(features=features, **told)
    learner.carry(before)
    return learner


def scores(learner: Any, asked: Batch = ASKED) -> Floats:
    probability_BL: Floats = learner.score(asked).probability_BL
    return probability_BL


@pytest.mark.parametrize("name", REST)
def test_adding_a_feature_leaves_every_score_as_it_is(name: str) -> None:
    before = taught({}, *range(6))
    after = carried(before, {name: REST[name]})
    np.testing.assert_allclose(scores(after), scores(before), atol=1e-6)


@pytest.mark.parametrize("name", ["two_tower_deepfm", "two_tower_deepfm_torch"])
def test_adding_all_of_them_leaves_scores_and_what_servers_say_as_they_are(name: str, tmp_path: Path) -> None:
    before = taught({}, *range(8), name=name)
    after = carried(before, REST, name=name)
    np.testing.assert_allclose(scores(after), scores(before), atol=1e-6)
    for folder, learner in (("a", before), ("b", after)):
        learner.export(tmp_path / folder, version=1)
    one, other = (Scorer.open(tmp_path / name) for name in "ab")
    assert list(one.item_ids) == list(other.item_ids)
    np.testing.assert_allclose(one.item_vectors, other.item_vectors, atol=1e-6)


def test_learning_then_moves_what_was_added() -> None:
    before = taught({}, *range(6))
    after = carried(before, {"brand": FEATURES["brand"], "basket": FEATURES["basket"]})
    learned(after, *range(6, 12))
    plain = {"brand": FEATURES["brand"], "basket": FEATURES["basket"]}
    fields = Schema(("click", "long"), ("hour",), plain).fields
    weight = after._model.dense["rank"]["first.weight"]
    for name in plain:
        at = fields.index(name) * DIM
        assert np.abs(weight[at : at + DIM]).max() > 1e-4, name
    learned(before, *range(6, 12))
    assert np.abs(scores(after) - scores(before)).max() > 1e-3


def test_dropping_what_nobody_learned_gives_the_scores_of_before() -> None:
    before = taught(SOME, *range(5))
    more = carried(before, SOME | {"price": FEATURES["price"], "title": FEATURES["title"]})
    again = carried(more, SOME)
    np.testing.assert_allclose(scores(again), scores(before), atol=1e-6)


def test_a_feature_that_is_dropped_takes_its_ids_along() -> None:
    before = taught(SOME, *range(5))
    after = carried(before, {})
    names = after._state()[1]["names"]
    assert "brand" not in names
    assert len(after._model) < len(before._model)
    assert after._state()[0]["ids.space"].max() < 2 * len(after._schema.spaces)
    learned(after, 6, 7)


def test_dropped_and_added_again_it_begins_anew() -> None:
    before = taught(SOME, *range(5))
    after = carried(carried(before, {}), SOME)
    weight = after._model.dense["rank"]["first.weight"]
    at = Schema(("click", "long"), ("hour",), SOME).fields.index("brand") * DIM
    assert not weight[at : at + DIM].any()
    assert after._state()[1]["names"]["brand"] == []
    learned(after, 6, 7)


def test_a_feature_that_is_declared_otherwise_went_and_came() -> None:
    old = Schema(("click",), (), {"a": Declared("text", "query_text")})
    new = Schema(("click",), (), {"a": Declared("text", "query_text", size=1), "b": Declared("number", "context.b")})
    assert difference(old, new) == {"added": ["a", "b"], "dropped": ["a"]}
    assert difference(new, new) == {"added": [], "dropped": []}


def test_a_key_of_the_context_comes_and_goes_as_other_features_do() -> None:
    before = taught({}, *range(5), context=())
    after = carried(before, {}, context=("hour",))
    np.testing.assert_allclose(scores(after), scores(before), atol=1e-6)
    learned(after, 5, 6)


@pytest.mark.parametrize("source", ["history", "history.tags", "query", "query.tags"])
def test_what_is_there_by_itself_can_be_left_out_and_declared_again_without_a_say(source: str) -> None:
    before, name = taught({}, *range(5)), source.replace(".", "_")
    without = carried(before, {name: Declared("none")})
    assert name not in without._schema.fields
    again = carried(learned(without, 5), {name: Declared("history", source)})
    np.testing.assert_allclose(scores(again), scores(without), atol=1e-6)


def test_a_carried_learner_can_be_kept_and_learns_on_the_same(tmp_path: Path) -> None:
    one = carried(taught(SOME, *range(4)), FEATURES)
    one.snapshot(tmp_path)
    other = rich_learner()
    other.restore(tmp_path)
    assert learned(one, 5, 6).digest() == learned(other, 5, 6).digest()


def test_carrying_is_a_function_of_what_was_learned(tmp_path: Path) -> None:
    one = taught(SOME, *range(4))
    one.snapshot(tmp_path)
    other = rich_learner(features=SOME)
    other.restore(tmp_path)
    assert carried(one, FEATURES).digest() == carried(other, FEATURES).digest()


def test_the_learner_of_before_is_left_as_it_was() -> None:
    before = taught(SOME, *range(4))
    digest = before.digest()
    learned(carried(before, FEATURES), 5, 6)
    assert before.digest() == digest


def test_pairs_and_forgotten_users_survive() -> None:
    before = taught(SOME, *range(4))
    before.learn(batch(forget("user4"), forget("3")))
    after = carried(before, REST)
    np.testing.assert_allclose(scores(after), scores(before), atol=1e-6)
    users_after, users_before = (learner._memory.pairs.ids.both()[0] for learner in (after, before))
    assert len(users_after) == (users_before >= 0).sum()
    learned(after, 5)


def test_another_seed_is_another_model() -> None:
    with pytest.raises(ValueError, match="same model"):
        carried(taught({}, 1), {}, seed=8)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_and_goes_scores_move_by_learning_and_dropping_alone(seed: int, tmp_path: Path) -> None:
    random, names = np.random.default_rng(seed), sorted(REST)
    now = {name: REST[name] for name in names if random.random() < 0.5}
    learner, number = taught(now, 1, 2), 3
    for step in range(4):
        more = now | {name: REST[name] for name in names if random.random() < 0.4}
        wider = carried(learner, more)
        np.testing.assert_allclose(scores(wider), scores(learner), atol=2e-6)
        learned(wider, number, number + 1)
        now = {name: told for name, told in more.items() if random.random() < 0.7}
        learner, number = learned(carried(wider, now), number + 2), number + 3
        learner.snapshot(tmp_path / str(step))
        again = rich_learner(features=now)
        again.restore(tmp_path / str(step))
        assert again.digest() == learner.digest()
        arrays, document = learner._state()
        assert len(arrays["rank.rows"]) == len(arrays["ids.space"]) == len(arrays["counts"])
        assert set(document["names"]) == set(learner._schema.spaces)
