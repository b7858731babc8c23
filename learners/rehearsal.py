"""The rows by which a version is judged: what was foreseen of them before they were learned, and what the live version
foresees of the same.

A copy of the live version, opened from its files, scores one row in `every`. It is opened anew once it stood for a full
window, since an old copy says less of what serves, and at once where an older version serves again; until the new copy
has rows enough, the old one goes on. Copies never learn but whom to forget. Nothing here stops a trainer: what errs is
out, and the gate has fewer measures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import numpy as np

from learners.frozen_copies import ROW, SHARE, forgotten
from learners.gate import Limits
from learners.gate_measures import Compared, Doubles
from learners.learner import Learner, Scores
from learners.metrics import losses
from learners.ordering import Batch, Example

WINDOW = 4_096
"""Rows of a window."""
CANARY = 128
"""The newest of them, which a version scores itself."""
WAIT = 128
"""Rows that wait to be scored by the copy together."""


class Seen(NamedTuple):
    """A row, what was foreseen of it, and what came."""

    example: Example
    p: float
    came: bool


@dataclass(slots=True)
class Copy:
    """A version that serves or served, and what it foresaw; `examples` is how much it had learned."""

    version: int
    learner: Learner
    examples: int
    size: int
    told: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    rows: int = 0

    def full(self, every: int) -> bool:
        """Whether it stood for a window, or for as much again as it had learned, and long enough for what opening one
        costs."""
        stood = min(WINDOW, max(WAIT, self.examples / every))
        return self.rows >= max(stood, self.size / ROW / SHARE / every)


class Rehearsal:
    """Of one label. `see` each batch once it is learned; `compared` says what there is to judge by."""

    def __init__(
        self, make: Callable[[], Learner], limits: Limits, *, column: int = 0, largest: int = 32 << 20
    ) -> None:
        self._make, self._limits, self._column, self._largest = make, limits, column, largest
        self._seen: deque[Seen] = deque(maxlen=WINDOW)
        self._waiting: list[Seen] = []
        self._copies: list[Copy] = []
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

    def wanted(self, live: int | None) -> int | None:
        """The version of which a copy is to be opened, if one is."""
        if live is None or live in self.out or 0 in self.out or any(copy.version == live for copy in self._copies):
            return None
        newest = self._copies[-1] if self._copies else None
        return live if newest is None or live < newest.version or newest.full(self._limits.every) else None

    def make(self, size: int) -> Learner:
        """A learner for a copy; ValueError where a version of so many bytes is too large for one."""
        if size > self._largest:
            raise ValueError(f"the version is {size:,} bytes, a copy may be {self._largest:,}: [trainer.challengers]")
        return self._make()

    def opened(self, copy: Copy) -> None:
        """From here on it scores too. An older one than those there are takes their place: it serves again."""
        self._count()
        if self._copies and copy.version < self._copies[-1].version:
            self._copies = []
        self._copies = [*self._copies[-1:], copy]

    def compared(self, live: Learner) -> Compared:
        """What there is to judge the model by, as it is now: it scores the canary. Rows that wait are for the next."""
        seen, copy = list(self._seen), self._copies[0] if self._copies else None
        live_p = [] if copy is None else list(copy.told)
        if copy is not None and live_p:
            seen = seen[-len(live_p) :]
        canary = seen[-CANARY:]
        return Compared(
            np.array([one.p for one in seen]),
            np.array([one.came for one in seen], np.bool_),
            np.array(live_p) if live_p else None,
            self._scored(live, canary),
            np.array(live_p[-len(canary) :]) if live_p else None,
            young=copy is None or copy.examples < self._limits.young,
        )

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
            for copy in self._copies:
                copy.told.extend(self._scored(copy.learner, waiting).tolist())
                copy.rows += len(waiting)
        except Exception as error:
            self.out[0], self._copies = f"{type(error).__name__}: {error}", []
        self._add(waiting)
        if len(self._copies) > 1 and self._copies[-1].rows >= self._limits.rows:
            del self._copies[0]

    def _add(self, waiting: list[Seen]) -> None:
        if not self._copies:
            return
        live_N = np.array(list(self._copies[0].told)[-len(waiting) :])
        p_N, came_N = np.array([one.p for one in waiting]), np.array([one.came for one in waiting], np.bool_)
        told = {
            "n": len(waiting), "came": int(came_N.sum()), "foreseen": float(p_N.sum()),
            "copy_foresaw": float(live_N.sum()), "loss": float(losses(p_N, came_N).sum()),
            "copy_loss": float(losses(live_N, came_N).sum()),
        }  # fmt: skip
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in told.items()}

    def _scored(self, learner: Learner, seen: list[Seen]) -> Doubles:
        if not seen:
            return np.zeros(0)
        batch = Batch(tuple(one.example for one in seen), 0)
        told: Doubles = learner.score(batch).probability_BL[:, self._column].astype(np.float64)
        return told

    def _forget(self, gone: Batch) -> None:
        names = {example.row.example for example in gone.examples}
        for copy in self._copies:
            copy.learner.learn(gone)
        kept = [
            at for at, one in enumerate(self._seen) if one.example.shot is None or one.example.shot.user_id not in names
        ]
        seen, behind = list(self._seen), len(self._seen)
        for copy in self._copies:
            told, first = list(copy.told), behind - len(copy.told)
            copy.told = deque((told[at - first] for at in kept if at >= first), maxlen=WINDOW)
        self._seen = deque((seen[at] for at in kept), maxlen=WINDOW)
