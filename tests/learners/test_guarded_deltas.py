"""A guarded learner as a chain: the live one, the guard's state and shadows that come, learn, go and take over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checkpoints.deltas import is_delta, read
from learners.guarded_learner import GuardedLearner
from learners.held_rows import Hold
from learners.keeping import ARRAYS
from tests.learners.lessons import random_batch
from tests.learners.row_lives import TERMS, at, fresh


class Line:
    """A guarded learner and its versions."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.learner = folder, self._fresh()
        self._mark: Any = None
        self.chain: list[Path] = []

    @staticmethod
    def _fresh() -> GuardedLearner:
        return GuardedLearner(lambda: fresh(TERMS))

    def learn(self, number: int, *shadows: int) -> None:
        """The live learner learns, and these shadows something else."""
        self.learner.live.learn(at(10 * number, *random_batch(number, rows=30).examples))
        holds: Any = self.learner._holds
        for group in shadows:
            holds[group].shadow.learn(at(10 * number, *random_batch(100 + number, rows=20).examples))

    def hold(self, group: int) -> None:
        shadow: Any = fresh(TERMS)
        self.learner.live.snapshot(aside := self._folder / f"fork{group}")
        shadow.restore(aside)
        self.learner._holds[group] = Hold(shadow)

    def commit(self) -> bool:
        """Whether it was whole; what it makes is what the learner is, also once it learns on."""
        each = self._folder / str(len(list(self._folder.iterdir())))
        taken = self.learner.gather(self._mark)
        wanted = self.learner.digest()
        taken.write(each, None if taken.whole else len(self.chain))
        assert taken.digest() == wanted
        self.chain, self._mark = ([each] if taken.whole else [*self.chain, each]), taken.mark
        again = self._fresh()
        again.restore(*self.chain)
        assert again.digest() == wanted
        return taken.whole

    def restart(self) -> None:
        self.learner = self._fresh()
        self.learner.restore(*self.chain)
        self._mark = self.learner.mark()


def test_shadows_are_written_whole_once_and_then_as_what_changed(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.learn(0)
    assert line.commit()
    line.hold(3)
    line.learn(1, 3)
    assert not line.commit()
    line.learn(2, 3)
    line.hold(5)
    line.learn(3, 3, 5)
    assert not line.commit()
    line.restart()
    line.learn(4, 3, 5)
    assert not line.commit()
    stands = [is_delta(read(folder / "shadow-3" / ARRAYS)[1]) for folder in line.chain[1:]]
    assert stands == [False, True, True]
    del line.learner._holds[3]
    line.learn(5, 5)
    assert not line.commit()
    assert not (line.chain[-1] / "shadow-3").exists()


def test_a_shadow_that_took_over_is_written_whole(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.learn(0)
    line.hold(3)
    line.learn(1, 3)
    assert line.commit()
    line.learn(2, 3)
    assert not line.commit()
    hold: Any = line.learner._holds.pop(3)
    line.learner.live = hold.shadow
    line.learn(3)
    assert line.commit()
    line.learn(4)
    assert not line.commit()


def test_a_hold_of_a_group_that_was_held_before_stands_on_nothing_of_it(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.learn(0)
    line.hold(3)
    line.learn(1, 3)
    line.commit()
    del line.learner._holds[3]
    line.hold(4)
    line.learner._holds[3] = line.learner._holds.pop(4)
    line.learn(2, 3)
    assert not line.commit()
    line.learn(3, 3)
    assert not line.commit()
