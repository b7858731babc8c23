"""What the learner of two stages asks of a model: to score a batch, to move its weights or refuse, to start rows.

Rows are numbers here: which id has which is known to the learner alone, so a model is the same on every device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from learners.heads import Pulled
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.models.two_stage_shape import Stepped
from learners.reading import Chosen, Reading


class Forward(Protocol):
    """A batch as a model read and scored it."""

    @property
    def probabilities(self) -> Floats:
        """[R, L]."""
        ...

    @property
    def logits(self) -> Floats:
        """[R, L]; good until the next batch is read."""
        ...


class Model(Protocol):
    """Two stages by numbers of rows, wherever these are; what comes and goes is numpy."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def grow(self, rows: int) -> None:
        """Give rows up to this number their start."""
        ...

    def reset(self, row_M: Ints) -> None:
        """Give rows their start again, in both stages."""
        ...

    def forward(self, reading: Reading) -> Forward:
        """Score a batch. Changes nothing that is dumped; what it gives holds until the next one."""
        ...

    def step(
        self, forward: Any, value_RL: Floats, weight_RL: Floats, chosen: Chosen | None, pulled: Pulled | None = None
    ) -> Stepped | None:
        """The update of both stages; None where something is not finite, and then nothing was changed. `pulled` is
        what the logits are to learn, where it is not the log loss of yes and no."""
        ...

    def vectors(self, reading: Reading) -> tuple[Floats, Floats]:
        """Vectors of length 1 of a reading's askers [S, D] and items [I, D], as retrieval compares them. Reads only."""
        ...

    @property
    def dense(self) -> Mapping[str, Mapping[str, Floats]]:
        """The dense weights by stage and name."""
        ...

    def dump(self) -> Arrays:
        """Every array, for as many rows as there are: the same names and shapes from every model."""
        ...

    def lines(self, row_M: Ints) -> Arrays:
        """Some rows of both stages, of what `dump` gives; copied."""
        ...

    def rest(self) -> Arrays:
        """What belongs to no row, of what `dump` gives; copied."""
        ...

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        ...
