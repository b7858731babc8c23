"""Challengers beside a learner of batches: which rows they see, as which texts, and frozen copies on the same rows.

The only file that knows both examples and challengers. One label, the first that is foreseen as a chance. Called after
the live model scored and before a next batch; a refused batch is not for here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from learners.challengers import Challengers
from learners.frozen_copies import FrozenCopies
from learners.learner import Bools, Doubles, Ints, Learner, Scores
from learners.ordering import Batch, Example
from learners.rivals import Arrays, Features, Popularity
from learners.river_linear import RiverFtrl

MOST_TAGS = 4


class RidingAlong:
    """River's FTRL and popularity on every `every`-th row, and frozen copies where there are some.

    `column` is that of `label` among those of the scores.
    """

    def __init__(
        self,
        label: str,
        *,
        column: int = 0,
        every: int = 8,
        context: Sequence[str] = (),
        frozen: FrozenCopies[Learner] | None = None,
    ) -> None:
        self.challengers = Challengers({"river ftrl": RiverFtrl(), "popularity": Popularity()}, every=every)
        self.label = label
        self._column, self._context, self._frozen = column, tuple(context), frozen

    def see(self, batch: Batch, scores: Scores) -> None:
        """A batch that the live model scored, and learned since."""
        at_N = self._rows(batch, scores)
        examples = [batch.examples[at] for at in at_N.tolist()]
        value_N = scores.value_BL[at_N, self._column].astype(np.float64)
        said = self._said(Batch(tuple(examples), batch.horizon)) if len(at_N) else {}
        rows = [features_of(example, self._context) for example in examples]
        self.challengers.meet(rows, value_N, scores.probability_BL[at_N, self._column].astype(np.float64), said)
        if self._frozen is not None and batch.examples:
            self._frozen.learned(max(example.row.decided_at for example in batch.examples))

    def table(self) -> list[dict[str, Any]]:
        """Who wins."""
        return self.challengers.table()

    def state(self) -> Arrays:
        """Everything but the frozen copies."""
        return self.challengers.state()

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self.challengers.load(arrays)

    def _rows(self, batch: Batch, scores: Scores) -> Ints:
        at_N = self.challengers.taken([example.row.example for example in batch.examples])
        label_N = np.array([batch.examples[at].row.kind == "label" for at in at_N.tolist()], np.bool_)
        counted_N: Bools = label_N & scores.decided_BL[at_N, self._column] & (scores.weight_B[at_N] > 0)
        kept_N: Ints = at_N[counted_N]
        return kept_N

    def _said(self, batch: Batch) -> dict[str, Doubles]:
        if self._frozen is None:
            return {}
        copies = self._frozen.copies.items()
        return {name: copy.score(batch).probability_BL[:, self._column].astype(np.float64) for name, copy in copies}


def features_of(example: Example, context: Sequence[str] = ()) -> Features:
    """What a linear model reads of a row, the item first: who, what, where, and how the two meet.

    >>> from streams.examples import Row, Shot
    >>> shot = Shot("ana", 5, surface="home", context={"hour": 7})
    >>> features_of(Example(Row(0, 9, "label", "e", item_id="tea", position=2), shot, None, 0), ("hour",))
    ['item=tea', 'position=2', 'user=ana', 'surface=home', 'surface*item=home*tea', 'hour=7']
    """
    row, shot, attributes = example.row, example.shot, example.attributes
    told = [f"item={row.item_id}", f"position={row.position}"]
    user = shot.user_id if shot is not None else ""
    if shot is not None:
        told += [f"user={user}", f"surface={shot.surface}", f"surface*item={shot.surface}*{row.item_id}"]
        told += [f"{name}={shot.context[name]}" for name in context if name in shot.context]
        told += [f"last*item={past.item_id}*{row.item_id}" for past in shot.history[-1:]]
    if attributes is not None:
        told += [f"author={attributes.author}"] if attributes.author else []
        for category in dict.fromkeys(attributes.categories[:MOST_TAGS]):
            told += [f"category={category}", f"user*category={user}*{category}"]
    return told
