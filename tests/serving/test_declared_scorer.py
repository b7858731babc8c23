"""A schema with a feature of every kind: what a server says without torch is what the trainer's model says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learners.ordering import Batch, Example
from serving.scorer import Asker, Scorer
from streams.examples import Past, Row, Shot
from tests.learners.declared import RICH, rich_batch, rich_learner
from tests.learners.lessons import batch, fact

HISTORY = (Past("item1", "click", 3), Past("4", "like", 4), Past("item3", "dwell", 5), Past("2", "click", 6))
SHOTS = {
    "one who says all": Shot(
        "user2",
        9,
        surface="home",
        context={"hour": 2.0, "basket": 40.0, "user.country": "ch", "interests": "t1,t4"},
        history=HISTORY,
        query_text="green tea",
    ),
    "one who says nothing": Shot("3", 9),
    "an odd one": Shot(
        "who",
        9,
        context={"basket": "much", "interests": " , ", "user.country": "xx"},
        history=HISTORY[:1],
        query_text="?!",
    ),
    "a huge number": Shot("3", 9, context={"basket": 1e300}, query_text="never heard of"),
    "a number as text": Shot("3", 9, context={"basket": "12.5"}),
}


@pytest.fixture(scope="module", params=["two_tower_deepfm", "two_tower_deepfm_torch"])
def learner(request: pytest.FixtureRequest) -> Any:
    made = rich_learner(name=request.param)
    for number in range(20):
        assert made.learn(rich_batch(number)).finite
    made.learn(batch(*[fact(item) for item in RICH.values()]))
    return made


@pytest.fixture(scope="module")
def scorer(learner: Any, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("export")
    learner.export(folder, version=1)
    return Scorer.open(folder)


def asker_of(shot: Shot) -> Asker:
    return Asker(
        shot.user_id, shot.history, shot.surface, dict(shot.context), shot.ts, shot.query_item_id, shot.query_text
    )


def asked(shot: Shot, item_ids: list[str]) -> Batch:
    rows = [Row(0, 9, "label", "x", {"click": 0.0}, item_id=item_id) for item_id in item_ids]
    return Batch(tuple(Example(row, shot, None, 0) for row in rows), 9)


@pytest.mark.parametrize("shot", SHOTS.values(), ids=SHOTS.keys())
def test_scores_are_those_of_the_trainer(learner: Any, scorer: Scorer, shot: Shot) -> None:
    theirs = learner.score(asked(shot, scorer.item_ids)).probability_BL
    ours = scorer.score(asker_of(shot), scorer.rows_of(scorer.item_ids))
    assert theirs.std() > 0.001
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shot", SHOTS.values(), ids=SHOTS.keys())
def test_vectors_are_those_of_the_towers(learner: Any, scorer: Scorer, shot: Shot) -> None:
    learner.score(asked(shot, scorer.item_ids))
    arrays, weights, reading = learner._model.dump(), learner._model.dense["seek"], learner._pending.forward.reading
    line_ND = arrays["seek.rows"][reading.row_N] * reading.weight_N[:, None]
    bag_GD = np.stack([part.sum(axis=0) for part in np.split(line_ND, np.cumsum(reading.count_G)[:-1])])
    askers, offered = (len(weights[name]) for name in ("asker.weight", "item.weight"))
    user_D = np.einsum("fd,fde->e", bag_GD[:askers], weights["asker.weight"])
    field_GID = bag_GD[askers : askers + offered * reading.items].reshape(offered, reading.items, -1)
    item_ID = np.einsum("gid,gde->ie", field_GID[:, : len(scorer.item_ids)], weights["item.weight"])
    np.testing.assert_allclose(scorer.user_vector(asker_of(shot)), user_D / np.linalg.norm(user_D), atol=1e-5)
    np.testing.assert_allclose(scorer.item_vectors, item_ID / np.linalg.norm(item_ID, axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize(
    "more", [{"basket": 900.0}, {"user.country": "de"}, {"interests": "t2"}], ids=["number", "category", "many"]
)
def test_each_thing_that_an_asker_says_moves_the_scores(scorer: Scorer, more: dict[str, str | float]) -> None:
    shot = SHOTS["one who says all"]
    other = Asker("user2", HISTORY, "home", shot.context | more, 9, query_text=shot.query_text)
    rows = scorer.rows_of(scorer.item_ids)
    assert not np.allclose(scorer.score(asker_of(shot), rows), scorer.score(other, rows), atol=1e-5)


def test_a_restored_learner_exports_the_same_bytes(learner: Any, tmp_path: Path) -> None:
    learner.snapshot(tmp_path / "kept")
    other = rich_learner()  # both models keep the same arrays
    other.restore(tmp_path / "kept")
    assert other.digest() == learner.digest()
    for name, one in (("a", learner), ("b", other)):
        one.export(tmp_path / name, version=7)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
