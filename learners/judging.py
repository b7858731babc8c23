"""The guard with what it is told, as one judge of batches: names become groups, scores evidence, a verdict events.

Knows the shadows only by what they foresee. Begins and ends no hold: that is for whoever learns (`guarded_learner.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from learners.guard.guard import Guard
from learners.guard.slices import Slices
from learners.guard.words import Event, HeldView
from learners.guard_terms import Terms
from learners.guarded_parts import HasState
from learners.judged_rows import logits
from learners.learner import Bools, Ints, Learner, Scores
from learners.ordering import Batch
from learners.shadows import foreseen_aside
from learners.telling import Foreseen, Names, Telling


class Judging:
    """Of the label at place `at`."""

    def __init__(self, terms: Terms, at: int) -> None:
        self._at = at
        self._slices = Slices()
        self.guard = Guard(self._slices, terms.rules)
        self.telling = Telling(terms.watch, at, self._slices)
        self.events: tuple[Event, ...] = ()
        """What the last batch changed."""

    @property
    def parts(self) -> dict[str, HasState]:
        """Who has a state, by how their arrays' names begin."""
        return {"slices.": self._slices, "guard.": self.guard, "telling.": self.telling}

    def named(self, group: int) -> tuple[str, str]:
        """Axis and value of a group; two empty texts for "all"."""
        return self._slices.name(group) if group else ("", "")

    def groups(self, names_AB: Names) -> Ints:
        """The groups of each row, one for each axis; new values are met."""
        return self._slices.groups(names_AB)

    def told(self, shadowed: Collection[int]) -> dict[str, Any]:
        """What is held, and whether it has a shadow, and what the last batch changed, as plain figures."""
        held = [self._plain(one) | {"shadow": one.group in shadowed} for one in self.guard.held]
        return {"held": held, "changed": [self._plain(one) for one in self.events]}

    def judge(
        self, batch: Batch, scores: Scores, shadows: Mapping[int, Learner], group_BA: Ints, names_AB: Names
    ) -> tuple[Bools, Bools]:
        """Rows that were judged, and those of which nothing could be foreseen."""
        logit_B = logits(scores.probability_BL[:, self._at])
        shadow_B = foreseen_aside(shadows, batch, group_BA, logit_B, self._at)
        judged_B, told = self.telling.told(batch, scores, Foreseen(logit_B, shadow_B, group_BA, names_AB))
        self.events = self.guard.judge(told).events
        barred_B = np.zeros_like(judged_B)
        barred_B[judged_B] = ~told.ok_B[: int(judged_B.sum())]
        return judged_B, barred_B

    def _plain(self, one: Event | HeldView) -> dict[str, Any]:
        axis, value = self.named(one.group)
        return asdict(one) | {"axis": axis, "value": value}
