"""What a model reads of a batch: rows and weights of its bags, and where they belong. Reads; writes nothing. Numpy.

Distinct rows are found by the model, each in its own way; so it asks back for what was counted of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from learners.features import Features
from learners.frequency import log_chance_in_pool
from learners.layout import Layout
from learners.learner import Floats, Ints
from learners.memory import Memory

MOST_POSITIVES = 256
"""Of one batch, for retrieval: what more would cost more than it teaches."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The bags of a batch, field by field: the asker's for `shots`, the item's for `items`, a position for each row."""

    row_N: Ints
    weight_N: Floats
    start_G: Ints
    count_G: Ints
    shots: int
    items: int
    shot_R: Ints
    item_R: Ints
    cross_RX: Floats
    base_L: Floats
    stats: Callable[[Ints], Floats]
    """What was counted of rows, [U, K]."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The positives of retrieval: shots, the candidates (distinct items), and which candidate each chose."""

    shot_P: Ints
    item_C: Ints
    target_P: Ints
    log_q_C: Floats


def reading_of(told: Features, place: Layout, found_N: Ints, memory: Memory) -> Reading:
    """What a batch reads; `found_N` are the rows of its ids, -1 for unknown ones, which read their fallback."""
    return Reading(
        row_N=np.where(found_N >= 0, found_N, told.bags.space_N >> 1),
        weight_N=told.bags.weights(place.owner_N).astype(np.float32, copy=False),
        start_G=place.start_G,
        count_G=told.bags.count_G,
        shots=told.shots,
        items=len(told.entry_I),
        shot_R=told.shot_R,
        item_R=told.item_R,
        cross_RX=memory.crosses(place, found_N),
        base_L=memory.counters.base,
        stats=memory.counters.stats,
    )


def chosen_of(told: Features, memory: Memory) -> Chosen | None:
    """The positives of retrieval: rows where something was chosen, against all their items and drawn ones."""
    row_P = np.flatnonzero(told.chosen)[:MOST_POSITIVES]
    if not len(row_P):
        return None
    items = len(told.entry_I)
    item_P = told.item_R[row_P]
    pool = np.concatenate([item_P, np.arange(items - told.negatives, items)])
    entry_C, first_C = np.unique(told.entry_I[pool], return_index=True)
    chance_C = memory.often.chance(entry_C)
    log_q_C = log_chance_in_pool(chance_C, positives=len(row_P), uniform=told.negatives, items=len(memory.catalogue))
    return Chosen(
        shot_P=told.shot_R[row_P],
        item_C=pool[first_C],
        target_P=np.searchsorted(entry_C, told.entry_I[item_P]),
        log_q_C=log_q_C,
    )
