"""The rows by which a version is judged: what was foreseen of them before they were learned, and what the live version
foresees of the same.

Copies of it, opened from its files, score one row in `every` (`live_copies.py`). Nothing here stops a trainer: what
errs is out, and the gate has fewer measures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple
from zlib import crc32

import numpy as np

from learners.frozen_copies import forgotten
from learners.gate import Limits
from learners.gate_measures import Compared, Doubles, Served
from learners.learner import Learner, Scores
from learners.live_copies import CANARY, WAIT, WINDOW, Copies, Copy, Stage
from learners.metrics import losses
from learners.ordering import Batch, Example


class Seen(NamedTuple):
    """A row, what was foreseen of it, and what came."""

    example: Example
    p: float
    came: bool


class Rehearsal:
    """Of one label. `see` each batch once it is learned; `compared` says what there is to judge by."""

    def __init__(
        self, make: Callable[[], Learner], limits: Limits, *, column: int = 0, largest: int = 32 << 20
    ) -> None:
        self._make, self._limits, self._column, self._largest = make, limits, column, largest
        self._seen: deque[Seen] = deque(maxlen=WINDOW)
        self._waiting: list[Seen] = []
        self._copies = Copies()
        self._sums: dict[str, float] = {}
        self.out: dict[int, str] = {}
        """Versions that can't be opened as a copy, and why; 0: a copy that erred."""

    def see(self, batch: Batch, scores: Scores) -> None:
        """A batch that was scored, and learned since."""
        rows = batch.examples
        told = scores.probability_BL[:, self._column].astype(np.float64)
        fine_B = scores.decided_BL[:, self._column] & (scores.weight_B > 0) & np.isfinite(told)
        for at in np.flatnonzero(fine_B).tolist():
            row = rows[at].row
            if row.kind == "label" and crc32(row.example.encode()) % self._limits.every == 0:
                self._waiting.append(Seen(rows[at], float(told[at]), bool(scores.value_BL[at, self._column] > 0)))
        gone = forgotten(batch)
        if gone is not None or len(self._waiting) >= WAIT:
            self._count()
        if gone is not None:
            self._forget(gone)

    def wanted(self, live: int | None, now: Stage) -> int | None:
        """The version of which a copy is to be opened, if one is."""
        if live is None or live in self.out or 0 in self.out:
            return None
        return self._copies.wanted(live, now, self._limits)

    def make(self, size: int) -> Learner:
        """A learner for a copy; ValueError where a version of so many bytes is too large for one."""
        if size > self._largest:
            raise ValueError(f"the version is {size:,} bytes, a copy may be {self._largest:,}: [trainer.challengers]")
        return self._make()

    def opened(self, copy: Copy) -> None:
        """From here on it scores too, and says at once what it thinks of the newest rows."""
        self._count()
        known = list(self._seen)[-CANARY:]
        try:
            copy.told.extend(self._scored(copy.learner, known).tolist())
        except Exception as error:
            self._err(error)
            return
        copy.known = len(known)
        self._copies.put(copy)

    def compared(self, model: Learner, live: int | None, now: Stage) -> Callable[[], Compared]:
        """What there is to judge a model by, as it is now: it scores the canary. Rows that wait are for the next. What
        is given makes arrays of it, whenever and wherever that is called."""
        seen, first, newest = list(self._seen), self._copies.first, self._copies.newest
        live_p = [] if first is None else first.blind
        at_hand = min(CANARY, CANARY if newest is None else len(newest.told))
        canary = seen[-at_hand:] if at_hand else []
        said = None if newest is None or not at_hand else list(newest.told)[-at_hand:]
        rows = seen[-len(live_p) :] if live_p else seen
        served = _served(first, newest, live, now, self._limits)
        return partial(_compared, rows, live_p, self._scored(model, canary), said, served)

    def told(self) -> dict[str, float]:
        """Sums over all rows that a copy scored since the start: how many, which came, what model and copy foresaw of
        them, and their losses."""
        return dict(self._sums)

    def _count(self) -> None:
        """The copies score what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        self._seen.extend(waiting)
        try:
            for copy in self._copies.all:
                copy.foresaw(self._scored(copy.learner, waiting).tolist())
        except Exception as error:
            self._err(error)
        self._add(waiting)
        self._copies.follow(self._limits)

    def _err(self, error: Exception) -> None:
        self.out[0], self._copies = f"{type(error).__name__}: {error}", Copies()

    def _add(self, waiting: list[Seen]) -> None:
        if (first := self._copies.first) is None:
            return
        live_N = np.array(list(first.told)[-len(waiting) :])
        p_N, came_N = np.array([one.p for one in waiting]), np.array([one.came for one in waiting], np.bool_)
        told = {
            "n": len(waiting), "came": int(came_N.sum()), "foreseen": float(p_N.sum()),
            "copy_foresaw": float(live_N.sum()), "loss": float(losses(p_N, came_N).sum()),
            "copy_loss": float(losses(live_N, came_N).sum()),
        }  # fmt: skip
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in told.items()}

    def _scored(self, learner: Learner, seen: Sequence[Seen]) -> Doubles:
        if not seen:
            return np.zeros(0)
        batch = Batch(tuple(one.example for one in seen), 0)
        told: Doubles = learner.score(batch).probability_BL[:, self._column].astype(np.float64)
        return told

    def _forget(self, gone: Batch) -> None:
        names = {example.row.example for example in gone.examples}
        seen = list(self._seen)
        kept = [at for at, one in enumerate(seen) if one.example.shot is None or one.example.shot.user_id not in names]
        for copy in self._copies.all:
            copy.learner.learn(gone)
            copy.keep(kept, len(seen))
        self._seen = deque((seen[at] for at in kept), maxlen=WINDOW)


def _compared(
    rows: Sequence[Seen], live_p: Sequence[float], canary_C: Doubles, live_said: Sequence[float] | None, served: Served
) -> Compared:
    return Compared(
        np.array([one.p for one in rows]),
        np.array([one.came for one in rows], np.bool_),
        np.array(live_p) if live_p else None,
        canary_C,
        None if live_said is None else np.array(live_said),
        served=served,
    )


def _served(first: Copy | None, newest: Copy | None, live: int | None, now: Stage, limits: Limits) -> Served:
    """Of what versions the copies are."""
    if first is None or newest is None:
        return Served(live)
    young = newest.judged < limits.young
    return Served(live, rows=first.version, canary=newest.version, young=young, age=now.at - newest.stage.at)
