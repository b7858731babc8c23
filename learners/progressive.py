"""Which rows of a batch are in a figure: those of kind label, of a weight above 0, for the labels that they decide.

Corrections, facts and organic visits are learned, but nobody was asked to foresee them. Slices are surfaces, producers
and versions of apps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from learners.evaluation import Evaluation
from learners.features import WHERE, where_of
from learners.learner import Bools, Ints, Learner, Scores, Shown, Where
from learners.ordering import Batch, Example
from learners.retrieval_figures import Look
from learners.slice_figures import Kind


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


class Watches(Protocol):
    """Sees each batch beside the learner, and changes neither."""

    def meet(self, learner: Learner, batch: Batch) -> None:
        """Before it is scored and learned."""
        ...

    def learned(self, told: Foreseen) -> None:
        """It was learned, and these are the rows that count."""
        ...


def evaluate(evaluation: Evaluation, told: Foreseen) -> None:
    """Add a batch that was scored before it was learned to the figures."""
    evaluation.add(told.scores.probability_BL, told.scores.value_BL, told.counted_BL, told.kinds, told.kind_B)
    evaluation.impressions += told.impressions
    evaluation.retrieval.add(len(told.kind_B), told.look)


def foreseen(batch: Batch, scores: Scores, look: Look | None = None) -> Foreseen:
    """What the figures read of a batch."""
    shown = scores.shown or shown_in(batch.examples)
    counted_BL = scores.decided_BL & ((scores.weight_B > 0) & shown.label_B)[:, None]
    return Foreseen(scores, counted_BL, *kinds_of(shown.wheres, shown.where_B), shown.firsts, look)


def shown_in(examples: Sequence[Example]) -> Shown:
    """What a learner that says nothing of it would have seen on its way."""
    label_B = np.array([example.row.kind == "label" for example in examples], np.bool_)
    firsts = sum(example.row.first for example in examples if example.row.kind == "label")
    shots = [example.shot for example in examples]
    place: dict[Where, int] = {}
    where_B = [-1 if shot is None else place.setdefault(where_of(shot), len(place)) for shot in shots]
    return Shown(label_B, firsts, tuple(place), np.array(where_B, np.int64))


def kinds_of(wheres: Sequence[Where], where_B: Ints) -> tuple[list[Kind], Ints]:
    """The slices that rows are in, and which of them each row has. Nothing is said of rows without a place.

    >>> kinds, kind_B = kinds_of([("home", "web", ""), ("mail", "", "2.1")], np.array([0, 1, -1, 0]))
    >>> kinds, kind_B.tolist()
    ([('surface=home', 'producer=web'), ('surface=mail', 'app_version=2.1'), ()], [0, 1, 2, 0])
    """
    none_B = where_B < 0
    kinds = [*map(_named, wheres), ()] if none_B.any() else list(map(_named, wheres))
    return kinds, np.where(none_B, len(wheres), where_B)


@lru_cache(1024)
def _named(where: Where) -> Kind:
    return tuple([f"{axis}={value}" for axis, value in zip(WHERE, where, strict=True) if value])
