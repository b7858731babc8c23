"""Labels with losses of their own: learned, foreseen, judged, kept and served as what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learners.evaluation import Evaluation
from learners.heads import heads_of
from learners.learner import HasValues, Learner
from learners.named_learners import make_learner
from learners.ordering import Batch
from learners.progressive import evaluate, foreseen
from serving.scorer import Asker, Scorer
from streams.examples import Past
from tests.learners.lessons import ITEMS, batch, lesson, random_batch

STARS = {"stars": {"loss": "squared", "centre": 3.0, "low": 1.0, "high": 5.0}}


def made(losses: dict[str, Any] | None = None, *, labels: tuple[str, ...] = ("click", "stars"), **told: Any) -> Learner:
    return make_learner(labels=labels, context=("hour",), seed=7, losses=losses, **told)


def rated(number: int, *, rows: int = 120) -> Batch:
    """Some items are rated 1.5 on average, others 4.5, by everybody; one in five is clicked."""
    random = np.random.default_rng(number)
    examples = []
    for _ in range(rows):
        item = int(random.integers(len(ITEMS)))
        stars = float(np.clip((4.5 if item % 2 else 1.5) + random.choice([-0.5, 0.5]), 1, 5))
        labels = {"click": float(random.random() < 0.2)} | ({"stars": stars} if random.random() < 0.5 else {})
        examples.append(lesson(f"user{random.integers(20)}", item, labels, context={"hour": float(item % 3)}))
    return batch(*examples)


def taught(learner: Learner, batches: int = 60) -> Learner:
    for number in range(batches):
        assert learner.learn(rated(number)).finite
    return learner


def asked() -> Batch:
    return batch(*[lesson("user3", item, {"click": 0.0, "stars": 3.0}) for item in range(30)])


def test_a_rating_is_foreseen_as_a_rating_beside_a_chance() -> None:
    scores = taught(made(STARS)).score(asked()).probability_BL
    odd = np.arange(30) % 2 == 1
    assert scores[odd, 1].mean() == pytest.approx(4.5, abs=0.3)
    assert scores[~odd, 1].mean() == pytest.approx(1.5, abs=0.3)
    assert scores[:, 1].min() >= 1.0
    assert scores[:, 1].max() <= 5.0
    assert scores[:, 0].mean() == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize(
    "losses",
    [STARS, {"click": {"loss": "fnw"}, "stars": {"loss": "watch_time", "unit": 3.0}}, {"click": {"weight": 3.0}}],
)
def test_kernels_and_torch_learn_the_same(losses: dict[str, Any]) -> None:
    host, torch = (taught(made(losses, name=name), 20) for name in ("two_tower_deepfm", "two_tower_deepfm_torch"))
    one, other = (learner.score(asked()).probability_BL for learner in (host, torch))
    np.testing.assert_allclose(one, other, atol=2e-5, rtol=2e-5)


def test_the_usual_loss_said_aloud_changes_no_bit() -> None:
    silent, aloud = taught(made(), 3), taught(made({"click": {"loss": "log"}, "stars": {"loss": "log"}}), 3)
    assert silent.digest() == aloud.digest()


def test_a_coverage_moves_what_is_foreseen_and_nothing_that_is_learned() -> None:
    plain, covered = taught(made(), 3), taught(made({"click": {"coverage": 0.8}}), 3)
    one, other = (learner.score(asked()).probability_BL for learner in (plain, covered))
    np.testing.assert_allclose(other[:, 0], one[:, 0] / 0.8, rtol=1e-6)
    np.testing.assert_allclose(other[:, 1], one[:, 1], rtol=1e-6)


def test_two_runs_with_losses_have_one_digest() -> None:
    losses = STARS | {"click": {"loss": "listwise"}}
    assert taught(made(losses), 4).digest() == taught(made(losses), 4).digest()


def test_a_learner_of_other_losses_is_refused(tmp_path: Path) -> None:
    taught(made(STARS), 2).snapshot(tmp_path)
    with pytest.raises(ValueError, match="settings changed"):
        made().restore(tmp_path)
    again = made(STARS)
    again.restore(tmp_path)
    assert again.digest() == taught(made(STARS), 2).digest()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_none_changes_nothing(bad: float) -> None:
    learner = taught(made(STARS), 2)
    before = learner.digest()
    assert not learner.learn(batch(*rated(3).examples, lesson("new", labels={"stars": bad}))).finite
    assert learner.digest() == before


def test_a_wild_value_is_refused_as_a_whole_or_learned_as_the_end_of_the_range() -> None:
    learner = taught(made({"stars": {"loss": "squared"}}), 2)
    before = learner.digest()
    assert not learner.learn(batch(lesson("new", labels={"stars": 3e38}))).finite
    assert learner.digest() == before
    assert taught(made(STARS), 2).learn(batch(lesson("new", labels={"stars": 3e38}))).finite


def test_servers_foresee_what_the_trainer_does(tmp_path: Path) -> None:
    learner = taught(made(STARS | {"click": {"coverage": 0.9}}), 20)
    learner.export(tmp_path, version=1)
    scorer = Scorer.open(tmp_path)
    made_of = [int(name.removeprefix("item")) for name in scorer.item_ids]
    shot = {"history": (Past("item1", "click", 5),), "context": {"hour": 2.0}}
    rows = [lesson("user3", item, {"click": 0.0, "stars": 1.0}, **shot) for item in made_of]
    theirs = learner.score(batch(*rows)).probability_BL
    asker = Asker("user3", rows[0].shot.history, "home", {"hour": 2.0}, 9, None)  # type: ignore[union-attr]
    np.testing.assert_allclose(scorer.score(asker, scorer.rows_of(scorer.item_ids)), theirs, atol=1e-4, rtol=1e-5)
    assert theirs[:, 1].max() > 2.0


def test_a_value_is_judged_by_its_error_and_not_as_a_chance() -> None:
    learner = made(STARS)
    assert isinstance(learner, HasValues)
    evaluation = Evaluation(learner.labels, values=learner.values)
    for number in range(40):
        told = rated(number)
        evaluate(evaluation, foreseen(told, learner.score(told)))
        if number == 30:
            evaluation.mark()
        learner.learn(told)
    report = evaluation.report()
    assert list(report) == ["click", "stars"]
    assert report["click"]["auc"] is not None
    stars = report["stars"]
    assert "auc" not in stars
    assert stars["since"]["squared_error"] < 0.6 < stars["squared_error"]
    assert stars["since"]["explained"] > 0.7
    again = Evaluation(learner.labels, values=learner.values)
    again.load(evaluation.state())
    assert again.report() == report


def test_losses_may_read_what_slates_said() -> None:
    """A teacher, propensities and slates come with the shots; rows of nobody's slate have none."""
    names = [ITEMS[i].item_id for i in range(4)]
    shot = {"scores": dict.fromkeys(names, 0.25), "propensities": dict.fromkeys(names[:2], 0.5)}
    rows = [lesson("ana", i, {"click": float(i == 0)}, **shot) for i in range(4)]
    learner = made({"click": {"loss": "distill", "alpha": 1.0, "importance": True}}, labels=("click",))
    for _ in range(400):
        learner.learn(batch(*rows))
    assert learner.score(batch(*rows)).probability_BL[:, 0] == pytest.approx([0.25] * 4, abs=0.03)
    assert made({"click": {"loss": "pairwise"}}, labels=("click",)).learn(random_batch(1)).finite


def test_what_is_told_of_no_label_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="losses are told of lick, but labels are click, stars"):
        made({"lick": {"loss": "log"}})
    with pytest.raises(ValueError, match="label 'stars': there is no loss 'sqared'"):
        heads_of(("stars",), {"stars": {"loss": "sqared"}})
