"""Which rows of a batch are in a figure: those of kind label, of a weight above 0, for the labels that they decide.

Corrections, facts and organic visits are learned, but nobody was asked to foresee them. Slices are surfaces, producers
and versions of apps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter, is_not

import numpy as np

from learners.evaluation import Evaluation
from learners.learner import Bools, Ints, Scores
from learners.ordering import Batch, Example
from learners.retrieval_figures import Look
from learners.slice_figures import Kind

AXES = ("surface", "producer", "app_version")
_said = attrgetter(*AXES)
_first = attrgetter("first")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A scored batch, as far as figures read it."""

    scores: Scores
    counted_BL: Bools
    kinds: list[Kind]
    kind_B: Ints
    impressions: int
    look: Look | None

    def without(self, held_B: Bools | None) -> Foreseen:
        """The same where some rows count in no figure: their labels are suspected to be wrong."""
        return self if held_B is None else replace(self, counted_BL=self.counted_BL & ~held_B[:, None])


def evaluate(evaluation: Evaluation, told: Foreseen) -> None:
    """Add a batch that was scored before it was learned to the figures."""
    evaluation.add(told.scores.probability_BL, told.scores.value_BL, told.counted_BL, told.kinds, told.kind_B)
    evaluation.impressions += told.impressions
    evaluation.retrieval.add(len(told.kind_B), told.look)


def foreseen(batch: Batch, scores: Scores, look: Look | None = None) -> Foreseen:
    """What the figures read of a batch. To be asked right after scoring: the rows are at hand still."""
    rows = [example.row for example in batch.examples]
    kinds = [row.kind for row in rows]
    labels = kinds.count("label")
    counted_BL = scores.decided_BL & (scores.weight_B > 0)[:, None]
    if labels < len(rows):
        counted_BL &= np.array([kind == "label" for kind in kinds], np.bool_)[:, None]
        rows = [row for row in rows if row.kind == "label"]
    return Foreseen(scores, counted_BL, *kinds_of(batch.examples), sum(map(_first, rows)), look)


def kinds_of(examples: Sequence[Example]) -> tuple[list[Kind], Ints]:
    """The slices that rows are in, and which of them each row has. Rows that follow each other mostly share a shot, so
    each stretch of them is read once.

    >>> from streams.examples import Row, Shot
    >>> home, mail = Shot("ana", 1, surface="home", producer="web"), Shot("ana", 2, surface="mail", app_version="2.1")
    >>> kinds, kind_B = kinds_of([Example(Row(0, 0, "label", "e"), shot, None, 0) for shot in (home, mail, home)])
    >>> kinds, kind_B.tolist()
    ([('surface=home', 'producer=web'), ('surface=mail', 'app_version=2.1')], [0, 1, 0])
    """
    shots = [example.shot for example in examples]
    if not shots:
        return [], np.zeros(0, np.int64)
    cut_S = np.flatnonzero(np.fromiter(map(is_not, shots, shots[1:]), np.bool_)) + 1
    start_S = np.concatenate([[0], cut_S, [len(shots)]])
    place: dict[Kind, int] = {}
    kind_S = [
        place.setdefault(_said(shot) if shot else (), len(place))
        for shot in map(shots.__getitem__, start_S[:-1].tolist())
    ]
    return [_named(said) for said in place], np.repeat(np.array(kind_S, np.int64), start_S[1:] - start_S[:-1])


@lru_cache(1024)
def _named(said: Kind) -> Kind:
    """Slices by what a shot says along the axes; nothing is said of facts."""
    return tuple([f"{axis}={value}" for axis, value in zip(AXES, said, strict=False) if value])
