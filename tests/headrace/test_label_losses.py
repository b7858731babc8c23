"""How a label is learned is told beside what it is; joiners never hear of it, trainers do."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.configuration import flat
from headrace.deployment import learn_settings_of, rules_of
from headrace.settings import Settings
from learners.learn_settings import LearnSettings

STARS = {"event": "rating", "window": "1h", "graded": True}


def settings(**stars: Any) -> Settings:
    return Settings(labels={"click": {"event": "click", "window": "2m"}, "stars": STARS | stars})  # type: ignore[dict-item]


def test_a_loss_reaches_the_trainer_and_not_the_joiner() -> None:
    plain, told = settings(), settings(loss="squared", loss_options={"centre": 3, "low": 1, "high": 5})
    assert rules_of(told).digest() == rules_of(plain).digest()
    learn = learn_settings_of(told)
    assert learn.losses == {"stars": {"loss": "squared", "centre": 3.0, "low": 1.0, "high": 5.0}}
    assert LearnSettings.of(learn.text) == learn
    assert flat({"learn": learn.text})["learn.losses.stars.centre"] == 3.0


def test_usual_losses_leave_the_line_of_settings_as_it_was() -> None:
    assert "losses" not in learn_settings_of(settings()).text
    assert learn_settings_of(settings(loss="log")) == learn_settings_of(settings())


def test_another_loss_is_another_learner() -> None:
    plain, told = (learn_settings_of(settings(loss=loss)) for loss in ("log", "huber"))
    assert plain.learner != told.learner
    assert plain.carried != told.carried


@pytest.mark.parametrize(
    ("stars", "told"),
    [
        ({"loss": "sqared"}, "there is no loss 'sqared'; choose one of log, completion"),
        ({"loss": "huber", "loss_options": {"width": 2}}, "the loss 'huber' has no option 'width'; it has delta"),
        ({"loss_options": {"coverage": "most"}}, "coverage = 'most' of the loss 'log' must be a number"),
    ],
)
def test_a_mistake_is_told_when_settings_are_read(stars: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        settings(**stars)
