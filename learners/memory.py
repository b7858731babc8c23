"""What a learner knows beside weights: names, items, counts of rows and pairs, how often items are chosen.

Names and items that a batch brings are provisional until `settle`; counts are written only by `count`. Numpy; the map
of pairs is handed in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learners.catalogue import ITEM, Catalogue
from learners.counters import Counters
from learners.features import USER
from learners.frequency import Frequency
from learners.keeping import Arrays
from learners.layout import Layout
from learners.learner import Doubles, Floats, Ints
from learners.names import Names
from learners.numeric import Numbers
from learners.pairs import PairMap, Pairs
from learners.schema import Schema


class Memory:
    """Everything known, by the schema's spaces and labels."""

    def __init__(self, schema: Schema, pairs: PairMap) -> None:
        self._schema = schema
        self.names = Names(schema.spaces)
        self.catalogue = Catalogue(self.names, schema)
        self.numbers = Numbers(schema.numbers)
        self.counters = Counters(len(schema.labels))
        self.pairs = Pairs(len(schema.labels), pairs)
        self.often = Frequency()

    def settle(self) -> None:
        """Keep the names and items that came."""
        self.catalogue.settle()
        self.names.settle()

    def withdraw(self) -> None:
        """Unknow the names and items that came since the last settle."""
        self.catalogue.withdraw()
        self.names.withdraw()

    def crosses(self, place: Layout, found_N: Ints) -> Floats:
        """What is known of each row's user together with what the item is, [R, fields x L]."""
        value_M = found_N[place.paired_M]
        user_at_M = place.user_R[place.row_M]
        user_M = np.where(user_at_M >= 0, found_N[user_at_M], -1)
        there = (value_M >= 0) & (user_M >= 0)
        stat_ML = np.zeros((len(value_M), len(self._schema.labels)))
        stat_ML[there] = self.pairs.stats(user_M[there], value_M[there], self.counters)
        return place.means(stat_ML).astype(np.float32)

    def count(self, place: Layout, row_N: Ints) -> None:
        """Count a batch: views at rows that decide a first label, choices where they are decided. Ids without a row
        are in the totals and nowhere else."""
        event_RC, f = events(place), place.features
        self.counters.total_C += event_RC.sum(axis=0)
        self.numbers.count(f.number_RK)
        places, event_NC = place.events_of_ids(event_RC)
        counted = np.flatnonzero(row_N[places] >= 0)
        self.counters.add(row_N[places[counted]], event_NC[counted])
        user_at_M = place.user_R[place.row_M]
        event_MC = event_RC[place.row_M]
        self.often.see(entry_P := f.entry_I[f.item_R[f.chosen]])
        self.catalogue.changed.touch(entry_P)
        counted_R = event_RC @ np.ones(event_RC.shape[1]) > 0  # nothing counts below 0
        there = (user_at_M >= 0) & counted_R[place.row_M]
        self.pairs.add(row_N[user_at_M[there]], row_N[place.paired_M[there]], event_MC[there])

    def forget(self, user_id: str) -> tuple[int, int]:
        """Unname a user; the code that its row has."""
        return self.names.forget(USER, user_id)

    def uncount(self, row_M: Ints) -> None:
        """Forget what was counted of rows, alone and in pairs."""
        if len(row_M):
            self.counters.reset(row_M)
            self.pairs.forget(row_M)

    def part(self, space_M: Ints, key_M: Ints) -> None:
        """These ids lost their rows: items rest until they are seen again, texts of users are unnamed. (Where an item
        names users, their numbers stand in the catalogue, and the texts stay.)"""
        items, users = (np.flatnonzero(space_M >> 1 == space) for space in (ITEM, USER))
        text, coded = self.names.text, list(zip(space_M.tolist(), key_M.tolist(), strict=True))
        self.catalogue.rest(item for item in (text(*coded[at]) for at in items) if item is not None)
        if all(field.space != USER for field in self._schema.items):
            for name in [text(*coded[at]) for at in users if coded[at][0] & 1]:
                if name is not None:
                    self.names.forget(USER, name)

    def dump(self, rows: int) -> tuple[Arrays, dict[str, Any]]:
        """Arrays and document of everything, for as many rows as there are; copied."""
        entries, (user_P, value_P) = len(self.catalogue), self.pairs.ids.both()
        arrays = {
            "counts": _sized(self.counters.count_RC, rows),
            "often.gap": _sized(self.often.gap_E, entries),
            "often.last": _sized(self.often.last_E, entries),
            "pairs.user": user_P,
            "pairs.value": value_P,
            "pairs.counts": _sized(self.pairs.counters.count_RC, len(self.pairs.ids)),
        }
        items = [self.catalogue.told(known) for known in self.catalogue.known]
        names = {space: [*texts] for space, texts in self.names.dump().items()}
        arrays |= self.catalogue.lines | self.rest
        return {name: array.copy() for name, array in arrays.items()}, self.told | {"names": names, "items": items}

    def lines(self, of: str, line_M: Ints) -> Arrays:
        """Some lines of `rows`, `items` or `pairs`, copied."""
        if of == "rows":
            return {"counts": self.counters.read(line_M)}
        if of == "items":
            often = {"often.gap": _read(self.often.gap_E, line_M), "often.last": _read(self.often.last_E, line_M)}
            return often | {name: array[line_M] for name, array in self.catalogue.lines.items()}
        user_P, value_P = self.pairs.ids.both()
        counts = self.pairs.counters.read(line_M)
        return {"pairs.user": user_P[line_M], "pairs.value": value_P[line_M], "pairs.counts": counts}

    @property
    def rest(self) -> Arrays:
        """What belongs to no line."""
        return {"totals": self.counters.total_C} | ({"numbers": self.numbers.told_K3} if self._schema.numbers else {})

    @property
    def told(self) -> dict[str, Any]:
        """What is neither an array nor a text."""
        return {"often": self.often.seen}

    def load(self, arrays: Arrays, document: dict[str, Any]) -> None:
        """Become what `dump` gave."""
        self.names.load(document["names"])
        self.catalogue.load(arrays, document["items"])
        if self._schema.numbers:
            self.numbers.told_K3 = arrays["numbers"]
        self.counters.count_RC, self.counters.total_C = arrays["counts"], arrays["totals"]
        self.often.gap_E, self.often.last_E = arrays["often.gap"], arrays["often.last"]
        self.often.seen = document["often"]
        self.pairs.ids.load(arrays["pairs.user"], arrays["pairs.value"])
        self.pairs.counters.count_RC = arrays["pairs.counts"]


def events(place: Layout) -> Doubles:
    """What each row counts: a view, and by label whether it was chosen. Organic visits count nothing."""
    f = place.features
    chosen_RL = f.decided_RL & (f.value_RL > 0)
    event_RC = np.concatenate([f.first_R[:, None], chosen_RL], axis=1).astype(np.float64)
    counted: Doubles = event_RC * f.ranked_R[:, None]
    return counted


def _sized(array: Doubles, size: int) -> Doubles:
    """The first lines, with zeros for those that were never reached."""
    if size <= len(array):
        return array[:size]
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]))])


def _read(array: Doubles, line_M: Ints) -> Doubles:
    """Lines, zeros for those that were never reached."""
    read = np.zeros(len(line_M))
    there = line_M < len(array)
    read[there] = array[line_M[there]]
    return read
