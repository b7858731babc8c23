"""From features and what is known to the tensors of a batch, on the device of the model. Reads; writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from learners.features import Features
from learners.frequency import log_chance_in_pool
from learners.layout import Layout
from learners.learner import Ints
from learners.memory import Memory
from learners.models.bags import Places
from learners.models.two_stage import Chosen, Reading

MOST_POSITIVES = 256
"""Of one batch, for retrieval: what more would cost more than it teaches."""


def reading_of(told: Features, place: Layout, found_N: Ints, memory: Memory, device: torch.device) -> Reading:
    """What a batch reads; `found_N` are the rows of its ids, -1 for unknown ones, which read their fallback."""
    on = _to(device)
    row_N = np.where(found_N >= 0, found_N, told.bags.space_N >> 1)
    order_N = np.argsort(row_N, kind="stable")
    sorted_N = row_N[order_N]
    new_N = np.diff(sorted_N, prepend=-1) > 0
    row_U, slot_N = sorted_N[new_N], np.empty_like(row_N)
    slot_N[order_N] = np.cumsum(new_N) - 1
    share_N = (1.0 / told.bags.count_G[place.owner_N]).astype(np.float32)
    places = Places(
        slot_N=on(slot_N),
        start_G=on(place.start_G),
        share_N=on(share_N),
        back_N=on(place.owner_N[order_N]),
        back_start_U=on(np.flatnonzero(new_N)),
        back_share_N=on(share_N[order_N]),
    )
    return Reading(
        row_U=on(row_U),
        stat_US=on(memory.counters.stats(row_U)),
        places=places,
        shots=told.shots,
        items=len(told.entry_I),
        shot_R=on(told.shot_R),
        item_R=on(told.item_R),
        cross_RX=on(memory.crosses(place, found_N)),
        base_L=on(memory.counters.base),
    )


def chosen_of(told: Features, memory: Memory, device: torch.device) -> Chosen | None:
    """The positives of retrieval: rows where something was chosen, against all their items and drawn ones."""
    on = _to(device)
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
        shot_P=on(told.shot_R[row_P]),
        item_C=on(pool[first_C]),
        target_P=on(np.searchsorted(entry_C, told.entry_I[item_P])),
        log_q_C=on(log_q_C),
    )


def _to(device: torch.device) -> Callable[[Any], Tensor]:
    def on(array: Any) -> Tensor:
        return torch.from_numpy(array).to(device)

    return on
