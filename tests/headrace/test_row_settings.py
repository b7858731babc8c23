"""Which ids have rows is told in `[trainer.rows]`, and reaches the learner whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.deployment import fold_settings, learn_settings_of
from headrace.pages import settings_page
from headrace.process_terms import learner_of
from headrace.settings import Settings
from headrace.settings_file import BadSettings, load
from learners.guarded_learner import live_of
from learners.learn_settings import LearnSettings
from learners.tables.kinds import DAY_MS, Kind, Limits

FILE = """
[trainer.rows]
admit = 2
ttl = "30d"
cap = 1_000

[trainer.rows.spaces.user]
ttl = "7d"

[trainer.rows.spaces.tag]
ttl = 0
chance = 0.25
"""


def told(folder: Path, text: str) -> Settings:
    file = folder / "headrace.toml"
    file.write_text(text)
    return load(file, {})


def test_what_is_told_stands_in_the_line_of_settings_and_reaches_the_learner(tmp_path: Path) -> None:
    settings = told(tmp_path, FILE)
    learn = learn_settings_of(settings)
    assert LearnSettings.of(learn.text) == learn
    rows: Any = live_of(learner_of(settings)())._rows  # type: ignore[attr-defined]
    spaces = [Kind(2, 0.0, 7 * DAY_MS), Kind(2, 0.0, 30 * DAY_MS), Kind(2, 0.25, 0)]
    assert [rows.expiry._ttl_K[place] for place in (0, 1, 4)] == [kind.ttl_ms for kind in spaces]
    assert [rows.admission._count_K[place] for place in (0, 1, 4)] == [2, 2, 2]
    assert [rows.admission._chance_K[place] for place in (0, 1, 4)] == [kind.chance for kind in spaces]
    assert rows.expiry._limits == Limits(cap=1_000)


def test_without_a_word_of_it_the_line_says_nothing_and_every_id_has_a_row() -> None:
    settings = Settings()
    assert '"rows"' not in fold_settings(settings)["learn"]
    life: Any = live_of(learner_of(settings)())._life  # type: ignore[attr-defined]
    assert life.usual


def test_other_terms_make_another_model(tmp_path: Path) -> None:
    plain, other = learn_settings_of(Settings()), learn_settings_of(told(tmp_path, FILE))
    assert plain.carried != other.carried
    assert plain.digest != other.digest


def test_a_duration_may_be_written_either_way(tmp_path: Path) -> None:
    written = '[trainer.rows]\nttl = "1d"\n', f"[trainer.rows]\nttl = {DAY_MS}\n"
    assert len({learn_settings_of(told(tmp_path, text)).text for text in written}) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[trainer.rows]\nadmot = 2\n", "trainer.rows.admot is no setting. Did you mean admit?"),
        ("[trainer.rows.spaces.user]\ntl = 2\n", "Did you mean ttl?"),
        ("[trainer.rows]\nchance = 2\n", "trainer.rows.chance is 2"),
        (
            "[trainer.rows.spaces.usr]\nttl = 2\n",
            "trainer.rows.spaces.usr: there is no such space of ids; there are",
        ),
    ],
)
def test_what_can_not_be_meant_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as error:
        learn_settings_of(told(tmp_path, text))
    assert said in str(error.value)


def test_the_page_of_settings_names_them() -> None:
    assert "| `trainer.rows.admit` | `1` |" in settings_page()
    assert "| `trainer.rows.half_life` | `1d` |" in settings_page()
