"""What became of choices that were made: would the learner, as it is, have found, kept and shown what was chosen?

Each choice is answered as a server answers: what the user wants no more is hidden, all items on offer are compared by
their vectors, the best `candidates` are ranked, the best `slate` are shown. The contract, and the arithmetic of ranks;
how a learner of two stages does it is in `seeking.py`. Nothing here counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from learners.learner import Doubles, Floats, Ints
from learners.ordering import Batch

FATES = ("shown", "not_retrieved", "ranked_low", "seen", "withdrawn", "unknown")
SHOWN, NOT_RETRIEVED, RANKED_LOW, SEEN, WITHDRAWN, UNKNOWN = range(len(FATES))
ALIKE = 1e-6
"""Scores of vectors of length 1, or of one value relative to it, that are no further apart are equal."""


@dataclass(frozen=True, slots=True)
class Served:
    """How servers answer where nobody says otherwise; `wanted_for` is how many ms an item that the user wanted is not
    offered again."""

    candidates: int = 200
    slate: int = 10
    wanted_for: int = 600_000


@dataclass(frozen=True, slots=True)
class Sought:
    """Of P choices: the rank of what was chosen among all items on offer, from 1, inf where a server would not offer
    it; and the place in `FATES` of what became of it. `items` were on offer."""

    rank_P: Doubles
    fate_P: Ints
    items: int


@runtime_checkable
class Retrieves(Protocol):
    """A learner that finds items, and can be asked how well before it learns."""

    def sought(self, batch: Batch, served: Served, judged: int) -> Sought:
        """What would have become of the choices of a batch, a line for each of its examples, all of which have a
        shot. The ranker is asked of the first `judged` alone: what was retrieved of the others is said to be shown.
        Changes nothing that a digest sees; a batch that was scored before is to be scored again."""
        ...


@runtime_checkable
class Wraps(Protocol):
    """A learner around the one that is served."""

    @property
    def live(self) -> object: ...


def retriever_of(learner: object) -> Retrieves | None:
    """The learner to ask, where there is one."""
    inner = learner.live if isinstance(learner, Wraps) else learner
    return inner if isinstance(inner, Retrieves) else None


def mid_ranks(score_PN: Floats, own_P: Floats, *, relative: bool = False) -> Doubles:
    """Ranks from 1 of each line's own score, which stands in the line, among its scores; equals share theirs: the mean
    of what breaking ties could give. Scores are equal within what single precision can tell: the same sum at another
    place of a matrix product may differ in its last bits.

    >>> mid_ranks(np.array([[3.0, 1.0, 3.0, 2.0]], np.float32), np.array([3.0], np.float32)).tolist()
    [1.5]
    """
    gap_P = ALIKE * np.abs(own_P) if relative else np.full_like(own_P, ALIKE)
    above_P = (score_PN > (own_P + gap_P)[:, None]).sum(axis=1)
    not_below_P = (score_PN >= (own_P - gap_P)[:, None]).sum(axis=1)
    ranks: Doubles = (above_P + not_below_P + 1) / 2
    return ranks


def best(score_PN: Floats, own_P: Ints, count: int) -> Ints:
    """The places of each line's best `count` scores, in any order, but that of `own_P` first: it is among them.

    >>> best(np.array([[0.1, 0.9, 0.5, 0.2]], np.float32), np.array([2]), 2).tolist()
    [[2, 1]]
    """
    lines, items = np.arange(len(own_P)), score_PN.shape[1]
    raised_PN = score_PN.copy()
    raised_PN[lines, own_P] = np.inf
    if count < items:
        place_PC = np.argpartition(-raised_PN, count - 1, axis=1)[:, :count]
    else:
        place_PC = np.broadcast_to(np.arange(items), score_PN.shape).copy()
    at_P = np.argmax(place_PC == own_P[:, None], axis=1)
    place_PC[lines, at_P], place_PC[:, 0] = place_PC[:, 0].copy(), own_P
    return place_PC
