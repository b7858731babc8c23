"""The two stages on the host, on kernels: what `two_stage.py` is in torch, with the same numbers and the same arrays.

`forward` only reads, scratch aside; `step` takes the updates of both stages, or none. Which rows exist, what is
counted and what is named belongs to the learner around it. No torch, no gradient of a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from learners.heads import Pulled
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.models.fused_rank import FusedRank
from learners.models.fused_seek import FusedSeek
from learners.models.two_stage_shape import Rules, Stepped, ranker_of, towers_of
from learners.optimizers.factors import together
from learners.reading import Chosen, Reading
from learners.schema import Schema


@dataclass(frozen=True, slots=True)
class Forward:
    """A batch read and scored, to be learned from until the next one is read."""

    reading: Reading
    probabilities: Floats
    logits: Floats
    number: int


class FusedTwoStage:
    """The stages."""

    def __init__(self, schema: Schema, rules: Rules, *, seed: int) -> None:
        self._rank = FusedRank(ranker_of(schema), rules.rank, seed=seed)
        self._seek = FusedSeek(towers_of(schema), rules.seek)
        self._number = 0

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rank.stage.rows)

    def grow(self, rows: int) -> None:
        """Give rows up to this number their start."""
        self._rank.stage.rows.grow(rows)
        self._seek.stage.rows.grow(rows)

    def reset(self, row_M: Ints) -> None:
        """Give rows their start again, in both stages."""
        self._rank.stage.rows.reset(row_M)
        self._seek.stage.rows.reset(row_M)

    def forward(self, reading: Reading) -> Forward:
        """Score a batch."""
        self._number += 1
        return Forward(reading, *self._rank.score(reading), self._number)

    def vectors(self, reading: Reading) -> tuple[Floats, Floats]:
        """Of askers and items, for retrieval."""
        return self._seek.vectors(reading)

    def step(
        self,
        forward: Forward,
        value_RL: Floats,
        weight_RL: Floats,
        chosen: Chosen | None,
        pulled: Pulled | None = None,
    ) -> Stepped | None:
        """Update the stages that have something to learn: the ranker where a weight is above 0, the towers where
        something was chosen. 1. the gradients of both are computed; 2. if one is not finite, None, and nothing is
        changed; 3. both move."""
        if forward.number != self._number:
            raise ValueError("another batch was read since this one was scored: score it again before it is learned")
        told: list[tuple[FusedRank | FusedSeek, float, float]] = []
        if (weight_RL != 0).any():
            loss = self._rank.slope(forward.reading, value_RL, weight_RL, pulled)
            told.append((self._rank, loss, float(len(weight_RL))))
        if chosen is not None:
            told.append((self._seek, self._seek.slope(forward.reading, chosen), float(len(chosen.target_P))))
        if not all(of.stage.may_move(loss, weight) for of, loss, weight in told):
            return None
        factors = together([of.stage.move() for of, _, _ in told])
        norm, loss = sum(of.stage.norm**2 for of, _, _ in told) ** 0.5, sum(loss for _, loss, _ in told)
        return Stepped(norm, loss, factors)

    @property
    def dense(self) -> dict[str, dict[str, Floats]]:
        """The dense weights by stage and name."""
        return {"rank": self._rank.stage.flat.named, "seek": self._seek.stage.flat.named}

    def dump(self) -> Arrays:
        """Every array, for as many rows as there are."""
        return self._rank.stage.dump("rank", len(self)) | self._seek.stage.dump("seek", len(self))

    def lines(self, row_M: Ints) -> Arrays:
        """Some rows of both stages, of what `dump` gives."""
        return self._rank.stage.lines("rank", row_M) | self._seek.stage.lines("seek", row_M)

    def rest(self) -> Arrays:
        """What belongs to no row, of what `dump` gives."""
        return self._rank.stage.rest("rank") | self._seek.stage.rest("seek")

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self._number += 1
        self._rank.stage.load("rank", arrays)
        self._seek.stage.load("seek", arrays)
