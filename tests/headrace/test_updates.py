"""How weights move can be told in `[trainer.updates]`, and reaches the settings of the learner whole."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from headrace.deployment import learn_settings_of
from headrace.process_terms import maker_of
from headrace.settings import Settings, Trainer
from learners.learn_settings import LearnSettings
from tests.learners.lessons import random_batch

PAGE = (Path(__file__).parents[2] / "docs" / "learning.md").read_text()
TOLD = {"rank": {"dense": {"clippy": {"relative": 0.1, "absolute": 1e-5}}, "schedule": {"warm_up": 100}}}


def settings(updates: Any) -> Settings:
    return Settings(trainer=Trainer(context=("hour",), updates=updates))


def test_what_is_told_stands_in_the_line_of_settings_and_shortens_steps() -> None:
    learn = learn_settings_of(settings(TOLD))
    assert LearnSettings.of(learn.text) == learn
    learner = maker_of(settings(TOLD))(learn)
    assert [learner.learn(random_batch(number)) for number in range(3)][-1].least_factor < 1


def test_the_example_of_the_page_is_read() -> None:
    block = PAGE.split("```toml\n")[1].split("```")[0]
    told = tomllib.loads(block)["trainer"]["updates"]
    assert learn_settings_of(settings(told)).updates == told


def test_the_usual_way_leaves_the_line_as_it_was() -> None:
    assert "updates" not in learn_settings_of(settings({})).text
    assert learn_settings_of(settings(TOLD)).carried != learn_settings_of(settings({})).carried


@pytest.mark.parametrize(
    ("updates", "said"),
    [
        ({"rank": {"dense": {"rule": {"kind": "adamax"}}}}, "there are adagrad, adam, ftrl, sgd"),
        ({"seek": {"rows": {"vectors": {"kind": "adagrad", "rate": -1}}}}, "a rate is above 0"),
        ({"third": {}}, "rank"),
    ],
)
def test_what_can_not_be_is_refused_by_name(updates: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(updates)
