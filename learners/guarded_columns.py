"""A learner of columns behind a guard: every row is scored, and learned only when it may be.

While a group is held, a copy of the learner (the shadow) learns everything. Held rows are kept, so many batches of
them: a return learns those from the first clean batch on and refuses the others; an accept makes the shadow live, or
learns the held rows in order where another group is held still. What is refused is the guard's to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from learners.column_learner import ColumnLearner
from learners.column_parts import rows_of
from learners.columns import Columns
from learners.guard.guard import Guard
from learners.guard.words import Event, Judged, Told
from learners.held_batches import HeldBatches
from learners.keeping import Arrays, keep, kept
from learners.learner import Bools, Doubles, Floats, Ints

LIVE, SHADOW = "live", "shadow"


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of a batch: rows learned now (held ones of before included), held, refused, broken; what changed.
    `stopped` says why nothing is learned any more, "" while all is well."""

    learned: int
    held: int
    refused: int
    broken: int
    events: tuple[Event, ...] = ()
    stopped: str = ""


class GuardedColumns:
    """`label` is the column of labels that is judged; `most` is how many batches with held rows are kept.

    Rows that are not decided for it follow their groups. A row with a weight or label that is not finite, or a label
    other than 0 and 1, is broken: dropped and counted.
    """

    def __init__(self, learner: ColumnLearner, guard: Guard, *, label: int = 0, most: int = 512) -> None:
        self.live, self.shadow = learner, None if not guard.holding else learner.copy()
        self.guard = guard
        self._label = label
        self.waiting = HeldBatches(most)
        self._scored: tuple[Columns, Floats] | None = None
        self.stopped = ""

    def score(self, columns: Columns) -> Floats:
        """Probabilities [B, L] of the live learner."""
        probability_BL = self.live.score(columns)
        self._scored = columns, probability_BL
        return probability_BL

    def learn(
        self,
        columns: Columns,
        group_BA: Ints,
        *,
        announced_G: Doubles | None = None,
        delivered_G: Doubles | None = None,
    ) -> Passed:
        """Judge a batch, do what that says, learn what may be learned."""
        whole_B = sound(columns)
        broken = len(columns) - int(whole_B.sum())
        if self._scored is None or self._scored[0] is not columns:
            self.score(columns)
        assert self._scored is not None
        logit_B = logits(self._scored[1][:, self._label])
        shadow_B = None if self.shadow is None else logits(self.shadow.score(columns)[:, self._label])
        self._scored = None
        if not self.stopped and not np.isfinite(logit_B[whole_B]).all():
            self.stopped = "predictions of sound rows are not finite: go back to the last good version"
        if self.stopped:
            return Passed(0, 0, len(columns) - broken, broken, (), self.stopped)
        value_B = np.where(whole_B, columns.value_BL[:, self._label], 0).astype(np.float64)
        ok_B = whole_B if columns.decided_BL is None else whole_B & columns.decided_BL[:, self._label]
        judged = self.guard.judge(Told(logit_B, shadow_B, value_B, group_BA, ok_B, announced_G, delivered_G))
        held_B = whole_B & self.guard.holds(group_BA)
        learned, refused = self._end(judged)
        refused += self._learn(columns, group_BA, whole_B & ~held_B, held_B)
        learned += int((whole_B & ~held_B).sum())
        return Passed(learned, int(held_B.sum()), refused, broken, judged.events)

    def snapshot(self, folder: Path) -> None:
        """Write both learners, the guard, and the rows that wait."""
        self.live.snapshot(folder / LIVE)
        if self.shadow is not None:
            self.shadow.snapshot(folder / SHADOW)
        arrays = {f"guard.{name}": array for name, array in self.guard.state().items()}
        arrays |= {f"waiting.{name}": array for name, array in self.waiting.state().items()}
        keep(folder, arrays, {"shadow": self.shadow is not None, "stopped": self.stopped})

    def restore(self, folder: Path) -> None:
        """Become what `snapshot` wrote."""
        arrays, document = kept(folder)
        self.live.restore(folder / LIVE)
        self.shadow = self.live.copy() if document["shadow"] else None
        if self.shadow is not None:
            self.shadow.restore(folder / SHADOW)
        self.guard.load(_of(arrays, "guard."))
        self.waiting.load(_of(arrays, "waiting."))
        self.stopped, self._scored = document["stopped"], None

    def _end(self, judged: Judged) -> tuple[int, int]:
        """Holds that ended. Rows learned, and refused."""
        learned, refused = 0, 0
        for event in judged.events:
            if event.verdict not in ("return", "accept"):
                continue
            others = {view.group: view.first for view in self.guard.held}
            accepts = event.verdict == "accept"
            clean = 0 if accepts else event.clean
            swaps = accepts and not others and self.shadow is not None
            for part in self.waiting.learnable(event.group, clean=clean, others=others):
                learned += len(part)
                if not swaps:
                    self.live.learn(part)
            refused += self.waiting.end(event.group, clean=None if accepts else clean)
            if swaps and self.shadow is not None:
                self.live = self.shadow
            self.shadow = None
        return learned, refused

    def _learn(self, columns: Columns, group_BA: Ints, live_B: Bools, held_B: Bools) -> int:
        """This batch: live rows by both, held ones by the shadow, which begins with all that wait."""
        if not self.guard.holding:
            self.shadow = None
        elif self.shadow is None:
            self.shadow = self.live.copy()
            for part in self.waiting.waiting():
                self.shadow.learn(part)
        if live_B.any():
            self.live.learn(rows_of(columns, live_B))
        if self.shadow is not None and (live_B | held_B).any():
            self.shadow.learn(rows_of(columns, live_B | held_B))
        return self.waiting.add(self.guard.batches - 1, columns, group_BA, held_B)


def sound(columns: Columns) -> Bools:
    """Rows whose weights and labels are finite, with decided labels of 0 or 1.

    >>> sound(Columns(np.zeros((3, 1), np.int64), np.array([[1], [2], [np.nan]], np.float32))).tolist()
    [True, False, False]
    """
    value_BL = columns.value_BL
    right_BL = (value_BL == 0) | (value_BL == 1)
    if columns.decided_BL is not None:
        right_BL |= np.isfinite(value_BL) & ~columns.decided_BL
    sound_B: Bools = right_BL.all(axis=1)
    return sound_B if columns.weight_B is None else sound_B & np.isfinite(columns.weight_B)


def logits(probability_B: Floats) -> Doubles:
    """Log odds in float64, at most 16 from 0; not finite where a probability is not."""
    p_B = np.clip(probability_B.astype(np.float64), 1e-7, 1 - 1e-7)
    logit_B: Doubles = np.log(p_B / (1 - p_B))
    return logit_B


def _of(arrays: Arrays, name: str) -> Arrays:
    return {key.removeprefix(name): array for key, array in arrays.items() if key.startswith(name)}
