"""A scorer without torch says what the trainer's model says."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learners.learner import Doubles, Learner
from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from serving.scorer import Asker, Scorer
from serving.texts import Texts
from streams.examples import Attributes, Past, Row, Shot
from tests.learners.lessons import ITEMS, batch, fact, random_batch

SHOTS = {
    "a known user": Shot("user2", 9, surface="home", context={"hour": 2.0}, history=(Past("item1", "click", 3),)),
    "a numbered user": Shot("3", 9, surface="feed", context={"hour": 1.0}, history=(Past("4", "click", 3),) * 3),
    "a stranger": Shot("who", 9, surface="nowhere", context={"hour": 77.0}),
    "nobody": Shot("", 9),
    "an unknown history": Shot("5", 9, history=(Past("gone", "click", 1), Past("item3", "like", 2))),
    "a silent history": Shot("5", 9, history=(Past("item3", "dismiss", 2), Past("", "search", 2))),
    "a deleted item": Shot("5", 9, history=(Past("item7", "click", 1), Past("2", "click", 2))),
    "a query": Shot("user8", 9, surface="home", query_item_id="item9", history=(Past("6", "click", 2),)),
    "an unknown query": Shot("user8", 9, surface="home", query_item_id="gone"),
}


@pytest.fixture(scope="module")
def learner() -> Learner:
    made = make_learner(labels=("click", "long"), context=("hour",), seed=7)
    for number in range(25):
        made.learn(random_batch(number))
    made.learn(batch(fact(Attributes("item7", 99, deleted=True)), fact(Attributes("fresh", 9, tags=("t1", "unheard")))))
    return made


@pytest.fixture(scope="module")
def scorer(learner: Learner, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("export")
    learner.export(folder, version=42)
    return Scorer.open(folder)


def asker_of(shot: Shot) -> Asker:
    return Asker(shot.user_id, shot.history, shot.surface, dict(shot.context), shot.ts, shot.query_item_id)


def asked(shot: Shot, item_ids: list[str]) -> Batch:
    rows = [Row(0, 9, "label", "x", {"click": 0.0}, item_id=item_id) for item_id in item_ids]
    return Batch(tuple(Example(row, shot, None, 0) for row in rows), 9)


@pytest.mark.parametrize("shot", SHOTS.values(), ids=SHOTS.keys())
def test_scores_are_those_of_the_trainer(learner: Learner, scorer: Scorer, shot: Shot) -> None:
    theirs = learner.score(asked(shot, scorer.item_ids)).probability_BL
    ours = scorer.score(asker_of(shot), scorer.rows_of(scorer.item_ids))
    assert theirs.std() > 0.001
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shot", SHOTS.values(), ids=SHOTS.keys())
def test_vectors_are_those_of_the_towers(learner: Learner, scorer: Scorer, shot: Shot) -> None:
    learner.score(asked(shot, scorer.item_ids))
    inner: Any = learner
    arrays, weights, reading = inner._model.dump(), inner._model.dense["seek"], inner._pending.forward.reading
    line_ND = arrays["seek.rows"][reading.row_N] * reading.weight_N[:, None]
    owner_N = np.repeat(np.arange(len(reading.count_G)), reading.count_G)
    bag_GD = np.zeros((len(reading.count_G), line_ND.shape[1]))
    np.add.at(bag_GD, owner_N, line_ND)
    fields, items = len(weights["asker.weight"]), len(scorer.item_ids)
    user_D = np.einsum("fd,fde->e", bag_GD[:fields], weights["asker.weight"])
    offered = bag_GD[fields : fields + 4 * reading.items].reshape(4, reading.items, -1)[:, :items]
    item_ID = np.einsum("gid,gde->ie", offered, weights["item.weight"])
    np.testing.assert_allclose(scorer.user_vector(asker_of(shot)), unit(user_D), atol=1e-5)
    np.testing.assert_allclose(scorer.item_vectors, unit(item_ID), atol=1e-5)


def unit(vectors: Doubles) -> Doubles:
    lengths: Doubles = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)
    return vectors / lengths


def test_vectors_have_length_1(scorer: Scorer) -> None:
    assert np.linalg.norm(scorer.item_vectors, axis=1) == pytest.approx(np.ones(len(scorer.item_ids)), abs=1e-5)
    for shot in list(SHOTS.values())[:3]:
        assert np.linalg.norm(scorer.user_vector(asker_of(shot))) == pytest.approx(1.0, abs=1e-5)


def test_the_next_click_moves_the_user_without_new_weights(scorer: Scorer) -> None:
    before = SHOTS["a known user"]
    after = Shot("user2", 9, surface="home", context={"hour": 2.0}, history=(*before.history, Past("8", "click", 4)))
    assert not np.allclose(scorer.user_vector(asker_of(before)), scorer.user_vector(asker_of(after)), atol=1e-3)


def test_items_on_offer_have_rows_and_the_rest_have_none(scorer: Scorer) -> None:
    assert "fresh" in scorer.item_ids
    assert "item7" not in scorer.item_ids
    rows = scorer.rows_of(["item7", "never", *scorer.item_ids])
    assert rows.dtype == np.int32
    assert rows.tolist() == [-1, -1, *range(len(scorer.item_ids))]
    assert scorer.score(asker_of(SHOTS["nobody"]), scorer.rows_of([])).shape == (0, 2)


def test_the_catalogue_is_what_the_trainer_was_told(scorer: Scorer) -> None:
    told = {known.item_id: known for known in scorer.catalogue}
    assert [known.item_id for known in scorer.catalogue] == list(scorer.item_ids)
    assert told["fresh"].tags == ("t1", "unheard")
    assert told[ITEMS[2].item_id].author == ITEMS[2].author


def test_each_stage_is_stamped_by_its_own_file(learner: Learner, scorer: Scorer, tmp_path: Path) -> None:
    assert (scorer.version, scorer.ranker_version, scorer.tower_version) == (42, 42, 42)
    for version in (1, 2):
        learner.export(tmp_path / str(version), version=version)
    (tmp_path / "2" / "ranker.safetensors").rename(tmp_path / "1" / "ranker.safetensors")
    mixed = Scorer.open(tmp_path / "1")
    assert (mixed.version, mixed.ranker_version, mixed.tower_version) == (1, 2, 1)


def test_exports_of_one_state_are_the_same_bytes(learner: Learner, tmp_path: Path) -> None:
    for name in ("a", "b"):
        learner.export(tmp_path / name, version=7)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 6
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_version_before_its_first_row_scores_what_it_was_told(tmp_path: Path) -> None:
    learner = make_learner(labels=("click",))
    learner.export(tmp_path / "empty", version=1)
    assert list(Scorer.open(tmp_path / "empty").item_ids) == []
    learner.learn(batch(fact(ITEMS[0]), fact(ITEMS[1])))
    learner.export(tmp_path / "told", version=2)
    scorer = Scorer.open(tmp_path / "told")
    shot = SHOTS["a stranger"]
    theirs = learner.score(asked(shot, scorer.item_ids)).probability_BL
    np.testing.assert_allclose(scorer.score(asker_of(shot), scorer.rows_of(scorer.item_ids)), theirs, atol=1e-5)


def test_a_server_needs_no_torch() -> None:
    code = "import sys, serving.scorer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_rows_of_very_many_are_those_of_each(scorer: Scorer) -> None:
    asked = ["item7", "", "never", *scorer.item_ids, "item3"]
    assert scorer.rows_of(Texts.of(asked)).tolist() == scorer.rows_of(asked).tolist()


def test_a_scorer_is_freed_without_the_collector(learner: Learner, tmp_path: Path) -> None:
    """A server has the collector pass over what is old (`short_turns.py`): a ring of a version's parts would stay."""
    learner.export(tmp_path, version=1)
    gc.collect()
    gc.disable()
    try:
        scorer = Scorer.open(tmp_path)
        scorer.score(asker_of(SHOTS["a known user"]), scorer.rows_of(scorer.item_ids))
        left = weakref.ref(scorer)
        del scorer
        assert left() is None
    finally:
        gc.enable()
