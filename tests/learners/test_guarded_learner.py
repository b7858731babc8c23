"""A guard in front of a learner, between the real joiner and the real trainer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from learners.refusing import FOLD, Order
from streams.decisions import Decision
from tests.learners.guarded_stream import APP, RULES, WEB, keener, stuck, truly
from tests.learners.guarded_town import VISITS, Town, apart


def test_a_sound_stream_is_learned_as_if_there_were_no_guard(tmp_path: Path) -> None:
    town = Town(tmp_path, truly).run()
    assert town.verdicts() == []
    assert town.learner.rows_learned == VISITS
    assert not town.world.decisions.fold.lines


def test_a_producer_that_tells_clicks_of_all_is_held_masked_and_forgotten(tmp_path: Path) -> None:
    town = Town(tmp_path, stuck(3200, 5600, WEB)).run()
    assert ("hold", WEB) in town.verdicts()
    assert APP not in {value for _, value in town.verdicts()}
    town.world.decisions.follow()
    entries = town.world.decisions.fold.masking().entries
    assert {entry.producer for entry in entries} == {WEB}
    assert town.learner.told()["held"] == []
    assert apart(town.learner) < 0.08
    lost = VISITS - town.learner.rows_learned
    assert 600 < lost < 900, "about 720 of 2,400 visits were of that producer"


def test_what_is_left_equals_a_log_that_was_masked_from_the_begin(tmp_path: Path) -> None:
    town = Town(tmp_path / "guarded", stuck(3200, 5600, WEB)).run()
    entries = town.world.decisions.fold.masking().entries
    told = Town(tmp_path / "told", stuck(3200, 5600, WEB))
    told.world.decisions.decide(Decision("mask", 1, "ana", "known", 0, add=entries))
    assert told.run().learner.live.digest() == town.learner.live.digest()


def test_restarts_within_holds_give_the_same_bytes(tmp_path: Path) -> None:
    once = Town(tmp_path / "once", stuck(3200, 5600, WEB)).run()
    often = Town(tmp_path / "often", stuck(3200, 5600, WEB)).run(restart_every=2)
    assert often.learner.digest() == once.learner.digest()
    assert often.world.decisions.fold.masking().entries == once.world.decisions.fold.masking().entries


def to_accept(folder: Path) -> Town:
    """People of one producer click more, for good, and an operator says so a while after that."""
    town = Town(folder, keener(3200, VISITS, WEB))
    town.world.decisions.decide(Decision("configure", 1, "ana", "first", 0, settings={"join": RULES.text}))
    order = Order("producer", WEB, "accept", 1)
    start = {0: 440}  # frames of ten visits
    town.world.decisions.decide(Decision("configure", 1, "ana", "true", 1, settings={FOLD: order.text}, start=start))
    return town


def said(town: Town) -> list[Decision]:
    """What the guard wrote."""
    town.world.decisions.follow()
    return [line for line in town.world.decisions.fold.lines if line.who == "guard"]


def test_an_accepted_slice_is_learned_and_that_is_written_down(tmp_path: Path) -> None:
    town = to_accept(tmp_path).run()
    assert town.verdicts() == [("hold", WEB), ("accept", WEB)]
    assert town.learner.rows_learned == VISITS
    (line,) = said(town)
    assert not town.world.decisions.fold.masking().entries
    assert line.why.startswith("accepted producer=web: ")
    assert "by order" in line.why
    assert 0 < line.start[0] < (line.until or {})[0] <= 480, "the frames that showed what was held"


def test_an_accept_is_written_down_once_by_a_trainer_that_died_right_after(tmp_path: Path) -> None:
    town = to_accept(tmp_path)
    town.world.drain()
    while not said(town):
        for _ in town.trainer.effects():
            if said(town):
                break
    town.start()
    town.run()
    assert ("accept", WEB) in town.verdicts(), "again"
    assert len(said(town)) == 1


def test_what_nobody_learns_aside_is_not_accepted(tmp_path: Path) -> None:
    """It would be lost: the live learner has never seen it."""
    town = to_accept(tmp_path)
    town.terms = replace(town.terms, most_shadows=0, rules=replace(town.terms.rules, ask=6))
    town.run()
    assert [verdict for verdict, _ in town.verdicts() if verdict != "ask"] == ["hold"]
    (held,) = town.learner.told()["held"]
    assert (held["value"], held["shadow"]) == (WEB, False)


@pytest.mark.parametrize("order", ["accept", "refuse"])
def test_an_order_without_a_hold_changes_nothing(order: Literal["accept", "refuse"], tmp_path: Path) -> None:
    town = Town(tmp_path, truly, visits=2_000)
    town.world.decisions.decide(Decision("configure", 1, "ana", "first", 0, settings={"join": RULES.text}))
    told = Order("producer", WEB, order, 1)
    town.world.decisions.decide(Decision("configure", 1, "ana", "x", 1, settings={FOLD: told.text}, start={0: 50}))
    assert town.run().learner.rows_learned == 2_000


def test_what_is_held_is_in_no_figure(tmp_path: Path) -> None:
    """Its rate would tell of the fault, not of the model."""
    town = Town(tmp_path, stuck(3200, VISITS, WEB))
    town.world.drain()
    while not any(one["seen"] >= 3 for one in (town.trainer.turn().guard or {"held": []})["held"]):
        pass
    calibration = town.trainer.report()["click"]["slices"]["producer=web"]["calibration"]
    assert 0.8 < calibration < 1.2, "with clicks that are stuck it falls below one half"
