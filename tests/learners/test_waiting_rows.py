"""A guarded trainer whose batches wait for what is said of the next ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from learners.guarded_gathering import digest_of
from learners.guarded_learner import GuardedLearner
from learners.ordering import Batch
from learners.refusing import FOLD, Order
from learners.waiting_rows import PLACES, Line
from streams.decisions import Decision
from tests.learners.guarded_stream import RULES, WEB, Bends, keener, truly
from tests.learners.guarded_town import VISITS, Town

WAIT = 6
BROKEN = range(3200, 5600)
"""Visits of which one producer tells a click of each fifth, whatever was done."""


def fifth(visit: int, producer: str, clicked: bool) -> bool:
    return clicked or (producer == WEB and visit in BROKEN and visit % 5 == 0)


def town(folder: Path, bends: Bends, wait: int = WAIT, visits: int = VISITS) -> Town:
    made = Town(folder, bends, visits=visits)
    made.terms = replace(made.terms, wait=wait, rules=replace(made.terms.rules, hold=16))
    return made


def corrupt(learner: GuardedLearner) -> int:
    """Rows of broken visits of what the last turn learned."""
    if learner.left is None:
        return 0
    batch, learned_B = learner.left
    shots = [example.shot for example, learned in zip(batch.examples, learned_B, strict=True) if learned]
    return sum(shot is not None and shot.producer == WEB and (shot.ts - 1000) // 7 in BROKEN for shot in shots)


def ever_corrupt(made: Town) -> int:
    """Runs to the end; how many rows of broken visits were learned on the way."""
    total, met = 0, -1
    while True:
        made.world.drain()
        turn = made.trainer.turn()
        made.turns.append(turn)
        if turn.steps != met and turn.rows:
            total, met = total + corrupt(made.learner), turn.steps
        if turn.ended and not turn.restored:
            return total


@pytest.mark.parametrize(("wait", "least", "most"), [(0, 20, 500), (WAIT, 0, 0)])
def test_what_waits_is_held_before_anybody_learned_it(wait: int, least: int, most: int, tmp_path: Path) -> None:
    made = town(tmp_path, fifth, wait)
    assert least <= ever_corrupt(made) <= most
    assert ("hold", WEB) in made.verdicts()
    assert made.learner.told()["held"] == []


def test_a_sound_stream_is_learned_but_for_the_end_that_waits(tmp_path: Path) -> None:
    made = town(tmp_path, truly).run()
    waiting = sum(len(waits.batch.examples) for waits in made.learner._line)
    assert waiting > 0
    assert made.learner.rows_learned == VISITS - waiting
    assert not made.world.decisions.fold.lines


def test_what_is_left_equals_a_log_that_was_masked_from_the_begin(tmp_path: Path) -> None:
    made = town(tmp_path / "guarded", fifth).run()
    told = town(tmp_path / "told", fifth)
    entries = made.world.decisions.fold.masking().entries
    told.world.decisions.decide(Decision("mask", 1, "ana", "known", 0, add=entries))
    assert told.run().learner.live.digest() == made.learner.live.digest()


def test_what_is_accepted_while_rows_wait_is_learned_once(tmp_path: Path) -> None:
    """By the shadow as it leaves the line, and what still stands in it by the learner that the shadow became."""
    made, order = town(tmp_path, keener(BROKEN.start, VISITS, WEB)), Order("producer", WEB, "accept", 1)
    made.world.decisions.decide(Decision("configure", 1, "ana", "first", 0, settings={"join": RULES.text}))
    text, start = {FOLD: order.text}, {0: 440}  # frames of ten visits
    made.world.decisions.decide(Decision("configure", 1, "ana", "true", 1, settings=text, start=start))
    made.run()
    waiting = sum(len(waits.batch.examples) for waits in made.learner._line)
    assert made.verdicts() == [("hold", WEB), ("accept", WEB)]
    assert waiting > 0
    assert made.learner.rows_learned == VISITS - waiting
    assert not made.world.decisions.fold.masking().entries


def test_restarts_while_rows_wait_give_the_same_bytes(tmp_path: Path) -> None:
    """From the third version on: where nothing was learned yet, a trainer begins anew."""
    once = town(tmp_path / "once", fifth).run()
    often = town(tmp_path / "often", fifth).run(restart_every=5)
    assert often.learner.digest() == once.learner.digest()
    assert often.world.decisions.fold.masking().entries == once.world.decisions.fold.masking().entries


def test_where_rows_were_shown_is_kept_and_is_in_no_digest(tmp_path: Path) -> None:
    """The same content in other frames is the same."""
    line, other = Line(WAIT), Line(WAIT)
    for waits in town(tmp_path, truly).run().learner._line:
        moved = [structs.replace(one, row=structs.replace(one.row, input=7)) for one in waits.batch.examples]
        line.add(waits)
        other.add(replace(waits, batch=Batch(tuple(moved), waits.batch.horizon)))
    again = Line(WAIT)
    again.load(line.state())
    assert [waits.batch for waits in again] == [waits.batch for waits in line]
    assert digest_of("", line.state(), []) == digest_of("", other.state(), [])
    assert line.state()[PLACES].tolist() != other.state()[PLACES].tolist()
