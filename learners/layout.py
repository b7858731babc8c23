"""Where things stand in the bags of a batch: which bags an id's counts go to, which values an item is paired with.

Plain index arithmetic on `Features`, shared by the statistics that are read and the counts that are written, so both
speak of the same ids. Numpy; knows no rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.features import Features
from learners.learner import Doubles, Ints
from learners.schema import PAIRED, Schema


@dataclass(frozen=True, slots=True)
class Layout:
    """Of one batch: where each bag starts, which bag each id is in, and the ids that pairs are counted of."""

    features: Features
    schema: Schema
    start_G: Ints
    owner_N: Ints
    user_R: Ints
    """Place of each row's user id, -1 without one."""
    item_R: Ints
    """Place of each row's item id."""
    paired_M: Ints
    """Places of the ids that rows are paired with."""
    row_M: Ints
    """The row of each of these."""
    slot_M: Ints
    """The paired field of each."""

    def means(self, stat_ML: Doubles) -> Doubles:
        """Means by row and paired field, [R, fields x L]."""
        rows, width = len(self.features.shot_R), stat_ML.shape[1]
        bag_M = self.row_M * len(PAIRED) + self.slot_M
        size = rows * len(PAIRED)
        count = np.maximum(np.bincount(bag_M, minlength=size), 1)
        sums = [np.bincount(bag_M, stat_ML[:, c], size) / count for c in range(width)]
        return np.stack(sums, axis=1).reshape(rows, len(PAIRED) * width) if rows else np.zeros((0, 3 * width))

    def events_of_ids(self, event_RC: Doubles) -> tuple[Ints, Doubles]:
        """Places of ids to count at, and what to count there, given what each row counts."""
        f = self.features
        event_SC = _summed(event_RC, f.shot_R, f.shots)
        event_IC = _summed(event_RC, f.item_R, len(f.entry_I))
        asked = [event_SC * field.counted for field in self.schema.askers]
        shown = [event_IC * field.counted for field in self.schema.items]
        event_GC = np.concatenate([*asked, *shown, event_RC])
        counted_G = event_GC @ np.ones(event_GC.shape[1]) > 0  # nothing counts below 0
        places = np.flatnonzero(counted_G[self.owner_N])
        return places, event_GC[self.owner_N[places]]


def layout(features: Features, schema: Schema) -> Layout:
    """The layout of a batch."""
    count_G = features.bags.count_G
    start_G = np.cumsum(count_G) - count_G
    S, I = features.shots, len(features.entry_I)  # noqa: E741
    items = S * len(schema.askers)
    places, rows, slots = [], [], []
    for slot, name in enumerate(PAIRED):
        bag_R = items + schema.item_fields.index(name) * I + features.item_R
        count_R = count_G[bag_R]
        row_M = np.repeat(np.arange(len(bag_R)), count_R)
        within_M = np.arange(len(row_M)) - np.repeat(np.cumsum(count_R) - count_R, count_R)
        places.append(np.repeat(start_G[bag_R], count_R) + within_M)
        rows.append(row_M)
        slots.append(np.full(len(row_M), slot))
    user_S = np.where(count_G[:S] > 0, start_G[:S], -1)
    return Layout(
        features=features,
        schema=schema,
        start_G=start_G,
        owner_N=np.repeat(np.arange(len(count_G)), count_G),
        user_R=user_S[features.shot_R],
        item_R=start_G[items + features.item_R],
        paired_M=np.concatenate(places),
        row_M=np.concatenate(rows),
        slot_M=np.concatenate(slots),
    )


def _summed(event_RC: Doubles, owner_R: Ints, owners: int) -> Doubles:
    return np.stack([np.bincount(owner_R, event_RC[:, c], owners) for c in range(event_RC.shape[1])], axis=1)
