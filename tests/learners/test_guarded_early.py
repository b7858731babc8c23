"""Yeses that are told at once, before a guard that judges them with their noes."""

from __future__ import annotations

from pathlib import Path

from tests.learners.guarded_stream import FAST, WEB, stuck, truly
from tests.learners.guarded_town import VISITS, Town, apart


def test_yeses_that_come_before_their_noes_are_no_change_of_the_rate(tmp_path: Path) -> None:
    town = Town(tmp_path, truly, rules=FAST).run()
    assert town.verdicts() == []
    assert town.learner.rows_learned == VISITS


def test_a_fast_label_is_held_at_its_close_and_what_was_learned_before_is_masked(tmp_path: Path) -> None:
    town = Town(tmp_path, stuck(3200, 5600, WEB), rules=FAST, visits=10_000).run()
    assert {value for _, value in town.verdicts()} == {WEB}
    assert town.learner.told()["held"] == []
    assert apart(town.learner) < 0.08


def test_restarts_of_a_fast_label_give_the_same_bytes(tmp_path: Path) -> None:
    once = Town(tmp_path / "once", stuck(3200, 5600, WEB), rules=FAST).run()
    often = Town(tmp_path / "often", stuck(3200, 5600, WEB), rules=FAST).run(restart_every=2)
    assert once.verdicts()
    assert often.learner.digest() == once.learner.digest()
