"""How a learner of two stages would have answered those who chose: exact search by its towers, then its ranker.

It is answered exactly where a server is near: no index stands between, so a server loses its index's recall on top.
Items are known as they were before the batch. What only a server has is left out: popular, fresh and co-visited items,
showings in vain, times of opening, weights of labels, diversity, chance. Reads; names that it meets are for the caller
to withdraw. Numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from learners.bags import Bags, joined
from learners.features import POSITION, Features, features
from learners.field_bags import asker_bags, item_bags
from learners.heads import Heads
from learners.layout import layout
from learners.learner import Doubles, Floats, Ints
from learners.memory import Memory
from learners.ordering import Batch, Example
from learners.reading import Reading, reading_of
from learners.schema import Schema
from learners.sought import NOT_RETRIEVED, RANKED_LOW, SEEN, SHOWN, UNKNOWN, WITHDRAWN, Served, Sought, best, mid_ranks
from learners.tables.rows import Rows
from learners.two_stage_model import Model
from learners.wanted import wanted_of_late

BLOCK = 1 << 14
"""Items whose bags are read at once: memory stays small where items are many."""

CELLS = 1 << 22
"""Scores that are held at once."""


@dataclass(frozen=True, slots=True)
class Seeker:
    """What is read of a learner of two stages."""

    schema: Schema
    heads: Heads
    memory: Memory
    rows: Rows
    model: Model

    def sought(self, batch: Batch, served: Served, judged: int) -> Sought:
        """1. what is on offer, before this batch names anything; 2. who asked; 3. search; 4. rank what was found, of
        the first `judged`."""
        catalogue = self.memory.catalogue
        offered_N = np.flatnonzero(catalogue.offered)
        own_P = self._entries([example.row.item_id for example in batch.examples])
        fate_P = np.where(own_P < 0, UNKNOWN, np.where(np.isin(own_P, offered_N), SHOWN, WITHDRAWN))
        rank_P = np.full(len(own_P), np.inf)
        there_P = np.flatnonzero(fate_P == SHOWN)
        if len(there_P):
            seen = [self._barred(batch.examples[p], offered_N, served) for p in there_P.tolist()]
            told = self._features(Batch(tuple(batch.examples[p] for p in there_P.tolist()), 0))
            place_P = np.searchsorted(offered_N, own_P[there_P])
            judged = int((there_P < judged).sum())
            rank_P[there_P], fate_P[there_P] = self._answered(told, offered_N, place_P, seen, served, judged)
        return Sought(rank_P, fate_P, len(offered_N))

    def _answered(
        self, told: Features, offered_N: Ints, place_P: Ints, barred: Sequence[Ints], served: Served, judged: int
    ) -> tuple[Doubles, Ints]:
        """Ranks and fates of what was chosen, at `place_P` of what is on offer; so many at once that memory allows."""
        user_PD = self.model.vectors(self._reading(told))[0][told.shot_R]
        item_ND = self._items(offered_N)
        rank_P, fate_P = np.empty(len(place_P)), np.empty(len(place_P), np.int64)
        step = max(1, CELLS // len(offered_N))
        for start in range(0, len(place_P), step):
            part = slice(start, start + step)
            score_PN, own_P = user_PD[part] @ item_ND.T, place_P[part]
            rank_P[part], fate_P[part] = searched(score_PN, own_P, barred[part], served.candidates)
            found_P = np.flatnonzero(fate_P[part][: max(0, judged - start)] == SHOWN)
            if len(found_P):
                entry_PC = offered_N[best(score_PN[found_P], own_P[found_P], served.candidates)]
                low_P = self._ranked(told, told.shot_R[part][found_P], entry_PC) > served.slate
                fate_P[start + found_P[low_P]] = RANKED_LOW
        return rank_P, fate_P

    def _entries(self, item_ids: Sequence[str]) -> Ints:
        """Entries of items, -1 where none is known."""
        find = self.memory.catalogue.find
        return np.array([find(item_id) for item_id in item_ids], np.int64)

    def _barred(self, example: Example, offered_N: Ints, served: Served) -> Ints:
        """Places on offer that are hidden from who asks: the item asked from, and those wanted of late, unless a
        server would let them back because too few are left."""
        shot = example.shot
        assert shot is not None
        late = wanted_of_late(shot.history, shot.ts, served.wanted_for)
        asked = [shot.query_item_id] if shot.query_item_id else []
        both = np.isin(offered_N, self._entries([*late, *asked]))
        few = len(offered_N) - both.sum() < served.slate
        return np.flatnonzero(np.isin(offered_N, self._entries(asked)) if few else both)

    def _items(self, entry_N: Ints) -> Floats:
        """Vectors of entries."""
        blocks = [entry_N[start : start + BLOCK] for start in range(0, len(entry_N), BLOCK)]
        told = (self._features(Batch((), 0), entry_I) for entry_I in blocks)
        return np.concatenate([self.model.vectors(self._reading(one))[1] for one in told])

    def _ranked(self, told: Features, shot_P: Ints, entry_PC: Ints) -> Doubles:
        """The rank of the first of each line's candidates by what the ranker says they are worth."""
        pairs = self._pairs(told, np.repeat(shot_P, entry_PC.shape[1]), entry_PC.ravel())
        foreseen_RL = self.heads.predictions(self.model.forward(self._reading(pairs)))
        value_PC = foreseen_RL.sum(axis=1).reshape(entry_PC.shape)
        return mid_ranks(value_PC, value_PC[:, 0], relative=True)

    def _features(self, batch: Batch, extra: Ints | Sequence[int] = ()) -> Features:
        memory = self.memory
        return features(batch, self.schema, memory.names, memory.catalogue, [*extra], memory.numbers)

    def _pairs(self, told: Features, shot_R: Ints, entry_R: Ints) -> Features:
        """The same askers with other items, all at the first position."""
        memory, rows, labels = self.memory, len(shot_R), len(self.schema.labels)
        entry_I, item_R = np.unique(entry_R, return_inverse=True)
        first = np.zeros(rows, np.int64)
        placed = Bags(np.full(rows, 2 * POSITION, np.int64), first, np.ones(rows, np.int64))
        asking = asker_bags(told.columns, memory.names, memory.catalogue, memory.numbers)
        shown = item_bags(entry_I, memory.catalogue, self.schema.items, memory.numbers)
        return replace(
            told,
            bags=joined((asking, shown, placed)),
            entry_I=entry_I,
            negatives=0,
            at_R=first,
            shot_R=shot_R,
            item_R=item_R.reshape(-1),
            decided_RL=np.zeros((rows, labels), np.bool_),
            value_RL=np.zeros((rows, labels), np.float32),
            weight_R=np.zeros(rows, np.float32),
            first_R=np.zeros(rows, np.bool_),
            position_R=first,
            ranked_R=np.ones(rows, np.bool_),
            label_R=np.zeros(rows, np.bool_),
            number_RK=np.zeros((rows, 0)),
        )

    def _reading(self, told: Features) -> Reading:
        found_N = self.rows.find(told.bags.space_N, told.bags.key_N)
        reading = reading_of(told, layout(told, self.schema), found_N, self.memory)
        return replace(reading, base_L=reading.base_L * self.heads.based) if self.heads.values else reading


def searched(score_PN: Floats, place_P: Ints, barred: Sequence[Ints], candidates: int) -> tuple[Doubles, Ints]:
    """Ranks and fates by a search; scores of what is barred become -inf in place.

    >>> rank_P, fate_P = searched(np.array([[0.2, 0.9, 0.5]] * 2, np.float32), np.array([0, 1]), [np.array([1])] * 2, 1)
    >>> rank_P.tolist(), fate_P.tolist()
    ([2.0, inf], [1, 3])
    """
    own_P = score_PN[np.arange(len(place_P)), place_P].copy()
    hidden_P = np.array([place in hide for place, hide in zip(place_P.tolist(), barred, strict=True)], np.bool_)
    for line, hide in enumerate(barred):
        score_PN[line, hide] = -np.inf
    rank_P = np.where(hidden_P, np.inf, mid_ranks(score_PN, own_P))
    return rank_P, np.where(hidden_P, SEEN, np.where(rank_P > candidates, NOT_RETRIEVED, SHOWN))
