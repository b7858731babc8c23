"""Clicks that are counted where they are made, from announcements through the real joiner to the guard."""

from __future__ import annotations

from pathlib import Path

from tests.learners.guarded_stream import WEB, losing, truly
from tests.learners.guarded_town import VISITS, Town, apart, of_kind


def test_a_producer_that_loses_half_of_its_clicks_is_held_at_once_and_alone(tmp_path: Path) -> None:
    town = Town(tmp_path, losing(3200, 4800, WEB, one_in=2), announcing=True, visits=12_000).run()
    value, kind, batch = of_kind(town, "hold")[0]
    assert (value, kind) == (WEB, "lost")
    assert batch <= 10, "the third batch of 400 visits of which some lack clicks; of the first it is half"
    assert {value for value, _, _ in of_kind(town, "hold")} == {WEB}
    assert town.learner.told()["held"] == []
    town.world.decisions.follow()
    assert {entry.producer for entry in town.world.decisions.fold.masking().entries} == {WEB}
    assert apart(town.learner) < 0.05


def test_counted_clicks_show_a_loss_that_labels_alone_do_not(tmp_path: Path) -> None:
    few = losing(3200, 5600, WEB, one_in=5)
    assert Town(tmp_path / "uncounted", few).run().verdicts() == []
    assert (WEB, "lost") in {one[:2] for one in of_kind(Town(tmp_path / "counted", few, announcing=True).run(), "hold")}


def test_complete_counters_hold_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path, truly, announcing=True).run()
    assert town.verdicts() == []
    assert town.learner.rows_learned == VISITS


def test_restarts_do_not_count_twice(tmp_path: Path) -> None:
    few = losing(3200, 5600, WEB, one_in=3)
    once = Town(tmp_path / "once", few, announcing=True).run()
    often = Town(tmp_path / "often", few, announcing=True).run(restart_every=2)
    assert of_kind(once, "hold")
    assert often.learner.digest() == once.learner.digest()
