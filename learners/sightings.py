"""Which row of a batch saw which id: an id in the bag of a request or of an item is seen by each row that has them.

Sightings go by rows, not by bags, so what is asked of an id does not depend on how many rows of one request fell into
a batch. Plain index arithmetic; knows no rows of tables. Items that were only drawn were seen by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.layout import Layout
from learners.learner import Bools, Ints


@dataclass(frozen=True, slots=True)
class Sightings:
    """V sightings, in order of the bags: the place of the id, and the row that saw it."""

    place_V: Ints
    row_V: Ints

    def of(self, seen_V: Bools) -> Sightings:
        """Some of them, row by row, within a row in order of the bags."""
        place_V, row_V = self.place_V[seen_V], self.row_V[seen_V]
        order = np.lexsort((place_V, row_V))
        return Sightings(place_V[order], row_V[order])


def sightings(place: Layout) -> Sightings:
    """All sightings of a batch."""
    f, askers, items = place.features, len(place.schema.askers), len(place.schema.items)
    S, I, R = f.shots, len(f.entry_I), len(f.shot_R)  # noqa: E741
    unit_G = np.concatenate([np.tile(np.arange(S), askers), S + np.tile(np.arange(I), items), S + I + np.arange(R)])
    unit_N = unit_G[place.owner_N]
    unit_K = np.concatenate([f.shot_R, S + f.item_R, S + I + np.arange(R)])
    row_K = np.tile(np.arange(R), 3)[np.argsort(unit_K, kind="stable")]
    count_U = np.bincount(unit_K, minlength=S + I + R)
    start_U = np.cumsum(count_U) - count_U
    count_N = count_U[unit_N]
    place_V = np.repeat(np.arange(len(unit_N)), count_N)
    within_V = np.arange(len(place_V)) - np.repeat(np.cumsum(count_N) - count_N, count_N)
    return Sightings(place_V, row_K[start_U[unit_N[place_V]] + within_V])
