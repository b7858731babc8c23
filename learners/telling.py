"""What a guard is told with a batch: labels that are known by now, and interactions that were announced and never came.

Rows that decide the judged label are told with their batch, yeses of a `fast` one at the close of their impressions.
Judges nothing and holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from learners.early_yeses import EarlyYeses, Yeses, nobody
from learners.guard.slices import Slices
from learners.guard.words import Told
from learners.guard_terms import Watch
from learners.judged_rows import AXES, evidence_of, yeses_of
from learners.keeping import Arrays, under
from learners.learner import Bools, Doubles, Ints, Scores
from learners.missing_clicks import MissingClicks
from learners.ordering import Batch, Counts

Names = Sequence[Sequence[str]]
"""By axis, the value of each row."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Logits of the judged label, by the live learner and, for held rows, by their shadow; the rows' groups and, by
    axis, the names of these."""

    logit_B: Doubles
    shadow_B: Doubles
    group_BA: Ints
    names_AB: Names


class Telling:
    """The evidence of one label, the `at`th, over the groups of `slices`."""

    def __init__(self, watch: Watch, at: int, slices: Slices) -> None:
        self._watch, self._at, self._slices = watch, at, slices
        self._early = EarlyYeses(len(AXES))
        self.due = nobody(len(AXES))
        """Yeses of earlier batches that were told with the last one."""
        self._missing = MissingClicks(watch.event, delay=watch.window, every=watch.announced)

    def counted(self, counts: Iterable[Counts]) -> None:
        """What frames counted that lie behind the last batch."""
        if self._watch.event:
            self._missing.take(counts)

    def told(self, batch: Batch, scores: Scores, foreseen: Foreseen) -> tuple[Bools, Told]:
        """Rows of the batch that are told of, and they themselves, with what else is known by now behind them."""
        judged_B = evidence_of(batch, scores, self._at)
        if self._watch.fast:
            yes_B = yeses_of(batch, scores, self._at)
            judged_B = judged_B & ~yes_B
            self._wait(batch, foreseen, yes_B)
            self.due = self._early.until(batch.horizon)
        yes_Z = self.due
        logit_J = np.concatenate([foreseen.logit_B[judged_B], yes_Z.logit_N])
        no_J = (scores.value_BL[judged_B, self._at] > 0).astype(np.float64)
        group_JA = np.concatenate([foreseen.group_BA[judged_B], yes_Z.group_NA])
        announced_G, delivered_G = self._lost(self._missing.until(batch.horizon), group_JA)
        return judged_B, Told(
            logit_J,
            np.concatenate([foreseen.shadow_B[judged_B], yes_Z.shadow_N]),
            np.concatenate([no_J, np.ones(len(yes_Z))]),
            group_JA,
            np.isfinite(logit_J),
            announced_G,
            delivered_G,
        )

    def held(self, batch: Batch, group: int, held_B: Bools, names_AB: Names) -> Iterator[tuple[int, int, str]]:
        """Where what was held of a group, and told with the last batch, was shown, and what the slice is named."""
        axis = self._slices.name(group)[0] if group else ""
        column = AXES.index(axis) if axis else 0
        for i in np.flatnonzero(held_B).tolist():
            example = batch.examples[i]
            yield example.partition, example.row.input, names_AB[column][i] if axis else ""
        for i in np.flatnonzero((self.due.group_NA == group).any(axis=1)).tolist():
            partition, input = self.due.place_N2[i].tolist()
            yield partition, input, str(self.due.name_NX[i, column]) if axis else ""

    def accepted(self, group: int) -> None:
        """What the shadow of a group foresaw is what the live learner foresaw."""
        self._early.accepted(group)

    def state(self) -> Arrays:
        """Everything, in arrays."""
        told = {f"early.{name}": array for name, array in self._early.state().items()}
        return told | {f"missing.{name}": array for name, array in self._missing.state().items()}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self._early.load(under("early.", arrays))
        self._missing.load(under("missing.", arrays))

    def _wait(self, batch: Batch, foreseen: Foreseen, yes_B: Bools) -> None:
        at_Y = np.flatnonzero(yes_B)
        if not len(at_Y):
            return
        told = [batch.examples[i] for i in at_Y]
        shots = [one.shot for one in told]
        close = [self._watch.close(shot.ts, shot.surface) if shot else batch.horizon for shot in shots]
        logits = foreseen.logit_B[yes_B], foreseen.shadow_B[yes_B]
        names = np.array([[names_B[i] for names_B in foreseen.names_AB] for i in at_Y.tolist()], np.str_)
        places = np.array([[one.partition, one.row.input] for one in told], np.int64)
        self._early.add(Yeses(np.array(close, np.int64), *logits, foreseen.group_BA[yes_B], names, places))

    def _lost(self, told: Mapping[str, tuple[int, int]], group_JA: Ints) -> tuple[Doubles | None, Doubles | None]:
        """By group what should have come and what came; of everyone, what their producers told together. A producer of
        which no row is told has nothing that could be held: what was lost of it may be masked by now."""
        if not told:
            return None, None
        count_WG = np.zeros((2, self._slices.most_groups))
        names = {self._slices.name(group): group for group in range(1, len(self._slices))}
        other = names[AXES[0], "other"]
        for producer, counts in told.items():
            group = names.get((AXES[0], producer), other)
            if (group_JA[:, 1] == group).any():
                count_WG[:, [0, group]] += np.array(counts)[:, None]
        return count_WG[0], count_WG[1]
