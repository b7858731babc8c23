"""The page on features: every example in it is read as a settings file, and a model is made of it that learns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headrace.deployment import learn_settings_of
from headrace.settings_file import load
from learners.fields import KINDS
from learners.learn_settings import LearnSettings
from learners.named_learners import make_learner
from tests.learners.declared import rich_batch

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), flags=re.S)


def settings_of(text: str, folder: Path) -> LearnSettings:
    file = folder / "headrace.toml"
    file.write_text(text)
    return learn_settings_of(load(file, {}))


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.partition("]")[0].strip("[") for text in EXAMPLES])
def test_an_example_of_the_page_is_learned_with(text: str, tmp_path: Path) -> None:
    told = settings_of(text, tmp_path)
    learner = make_learner(told.model, labels=told.labels, context=told.context, features=told.features)
    assert told.features
    for number in range(2):
        assert learner.learn(rich_batch(number)).finite


def test_the_page_shows_every_kind(tmp_path: Path) -> None:
    kinds = {one.kind for text in EXAMPLES for one in settings_of(text, tmp_path).features.values()}
    assert kinds == set(KINDS)
