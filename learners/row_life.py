"""When ids of learned batches get rows, use them and lose them. What is asked of an id is settled in `tables/`.

A sighting is a view, at the row that decides the first label of its example, or an organic visit: its time is when
that row was decided, which goes on from batch to batch and is the same however the log was cut into frames. (When
the list was shown goes back and forth with the windows of labels.) Any learned row uses the rows that it reads.
Items that were only drawn were not seen: they get rows where no terms are set, and else neither get nor use any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from learners.layout import Layout
from learners.learner import Ints
from learners.row_terms import check, kinds, limits
from learners.sightings import sightings
from learners.tables.rows import Rows


class RowLife:
    """The rows of one learner."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    @property
    def usual(self) -> bool:
        """Whether every id gets a row at once, and keeps it."""
        return self.rows.admission.open and self.rows.expiry.idle

    def learned(self, place: Layout, found_N: Ints, decided_R: Ints) -> Ints:
        """Rows of the ids of a batch that was learned, after it was: -1 where one has none still. `decided_R` is when
        its rows were decided, in milliseconds."""
        bags, row_N = place.features.bags, found_N.copy()
        if self.usual:
            new = np.flatnonzero(row_N < 0)
            row_N[new] = self.rows.admit_and_add(bags.space_N[new], bags.key_N[new], decided_R)
            self.rows.settle()
            return row_N
        seen, counts_R = sightings(place), place.features.first_R | ~place.features.ranked_R
        news = seen.of((row_N[seen.place_V] < 0) & counts_R[seen.row_V])
        space_V, key_V = bags.space_N[news.place_V], bags.key_N[news.place_V]
        self.rows.admit_and_add(space_V, key_V, decided_R[news.row_V])
        self.rows.settle()
        lacking = np.flatnonzero(row_N < 0)
        row_N[lacking] = self.rows.find(bags.space_N[lacking], bags.key_N[lacking])
        self.rows.used(row_N[seen.place_V], decided_R[seen.row_V])
        return row_N


def rows_of(told: Mapping[str, Any], spaces: Sequence[str], *, seed: int) -> Rows:
    """Rows on terms as they are told, with a fallback for each space; a space of keys is twice that of its names, or
    one more."""
    check(told, spaces)
    codes = [code >> 1 for code in range(2 * len(spaces))]
    return Rows(kinds(told, spaces), kind_of_space=codes, limits=limits(told, seed=seed))
