"""What a learner promises: it scores a batch, then learns it, and can be kept, gone back to and served.

`score` and `learn` are two calls so that a guard can stand between them. A learner is a fold of the batches it
accepted: equal batches in equal order give equal digests, wherever the cuts between processes fell. It promises no
order of its own, reads no clock, knows no offsets, and never turns a refused batch into state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from learners.ordering import Batch

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Where = tuple[str, str, str]
"""The surface, producer and app version of a shot."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a learner saw of a batch's rows on its own way through them, for those who would walk them again.

    `label_B` are the rows of kind label, `firsts` of these decide the first label of their example; `where_B` says
    which line of `wheres` (surface, producer, app version) a row has, -1 where the learner read no shot.
    """

    label_B: Bools
    firsts: int
    wheres: Sequence[Where]
    where_B: Ints


@dataclass(frozen=True, slots=True)
class Scores:
    """Progressive predictions of one batch, a line for each example and a column for each label.

    `decided_BL` is the label mask: false where the row decides nothing of that label (facts, organic visits, other
    windows), and there neither prediction nor value means anything. Where a label is learned as a value, its column of
    `probability_BL` holds the value that was foreseen.
    """

    probability_BL: Floats
    decided_BL: Bools
    value_BL: Floats
    weight_B: Floats
    shown: Shown | None = None
    """None where the learner says nothing of it."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What one call of `learn` did. Where `finite` is false nothing was learned; `norm` is that before clipping,
    the factors are Clippy's: by how much steps were shortened."""

    rows: int
    finite: bool
    norm: float
    loss: float
    least_factor: float = 1.0
    mean_factor: float = 1.0


@runtime_checkable
class Carries(Protocol):
    """A learner whose features may change while it lives."""

    def carry(self, before: Learner) -> dict[str, list[str]]:
        """Become what `before`, of the same model, labels and seed, has learned; by name, which features were `added`
        and which `dropped`. Every score is what it was, where none was dropped."""
        ...


@runtime_checkable
class HasValues(Protocol):
    """A learner of which some labels are foreseen as values, not as chances."""

    @property
    def values(self) -> frozenset[str]: ...


class Learner(Protocol):
    """A model with everything that belongs to it: ids, rows, optimizer state, counters, names."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def rows_learned(self) -> int:
        """How many rows were accepted so far; every random choice derives from it."""
        ...

    def score(self, batch: Batch) -> Scores:
        """What is served would say, before this batch is learned. Changes nothing that a digest sees."""
        ...

    def learn(self, batch: Batch) -> Learned:
        """Learn the batch that was scored last; a non-finite one changes nothing, bit for bit, except that its
        facts (`item` and `forget` rows) hold all the same."""
        ...

    def snapshot(self, folder: Path) -> None:
        """Write everything learned."""
        ...

    def restore(self, folder: Path) -> None:
        """Become what `snapshot` wrote; learning on gives the bytes of a learner that never stopped."""
        ...

    def digest(self) -> str:
        """sha256 over the content of everything learned; no wall times, offsets or framing."""
        ...

    def export(self, folder: Path, *, version: int) -> None:
        """Write what a server reads without torch; each file carries the version."""
        ...
