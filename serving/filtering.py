"""Which items a filter lets through, in an array by code that is brought up to date instead of made anew.

A filter is computed once over all items, and from then on over those alone that changed since it was last asked. What
a condition means is in `letting.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
import numpy.ma  # np.unique imports it when it is first called: 90 ms that a request would wait for

from serving.columns import Codes, Columns
from serving.filter_terms import ATTRIBUTE, BadFilter, Filter, Term
from serving.letting import Lets, let_through

KEPT = 64
"""Filters whose arrays are kept, a byte an item each."""
MOST_CHANGES = 1 << 16


class Changes:
    """Which codes changed, in order; `revision` counts them. Old ones go: who asks for them must look at everything.

    >>> changes = Changes()
    >>> changes.tell(7); changes.tell(9); changes.since(1), changes.since(2)
    ([9], [])
    """

    def __init__(self) -> None:
        self._told: tuple[int, list[int]] = 0, []

    @property
    def revision(self) -> int:
        base, codes = self._told
        return base + len(codes)

    def tell(self, code: int) -> None:
        """One item changed; what it is now stands already where it is looked up."""
        base, codes = self._told
        if len(codes) >= 2 * MOST_CHANGES:
            self._told = base + MOST_CHANGES, codes[MOST_CHANGES:]
            codes = self._told[1]
        codes.append(code)

    def since(self, revision: int) -> list[int] | None:
        """What changed after a revision; None where that is no longer known."""
        base, codes = self._told
        return None if revision < base else codes[revision - base :]


class Passing:
    """What one filter lets through. `stamp` goes up when that changed."""

    def __init__(self, term: Term, columns: Columns) -> None:
        self._term, self._columns = term, columns
        self._revision = -1
        self.stamp = 0
        self.let_C: Lets = np.zeros(1, np.bool_)
        """By code; the last one is for what was never declared."""

    def follow(self, changes: Changes, items: int) -> None:
        """Look at what changed: 1 up to where; 2 look; a change that comes between is looked at twice."""
        revision, changed = changes.revision, changes.since(self._revision)
        if self._revision < 0 or changed is None:
            self.let_C = self._looked(np.append(np.arange(items), -1))
            self.stamp += 1
        elif changed:
            self._look_again(np.unique(np.array(changed, np.int64)))
        self._revision = revision

    def of(self, codes: Codes) -> Lets:
        """Whether items of these codes are let through."""
        let_C = self.let_C
        known: Lets = let_C[np.where(codes < len(let_C) - 1, codes, -1)]
        return known

    def lets(self, code: int) -> bool:
        """Whether one item is let through."""
        let_C = self.let_C
        return bool(let_C[code if code < len(let_C) - 1 else -1])

    def _look_again(self, codes: Codes) -> None:
        let_K = self._looked(codes)
        if (highest := int(codes[-1]) + 1) >= len(self.let_C):
            nothing = self.let_C[-1]
            self.let_C = np.concatenate([self.let_C, np.full(highest, nothing, np.bool_)])
        if (self.let_C[codes] != let_K).any():
            self.let_C[codes] = let_K
            self.stamp += 1

    def _looked(self, codes: Codes) -> Lets:
        return let_through(self._term, self._columns, codes)


class Filtering:
    """The filters that were asked of late. Any number of threads may ask."""

    def __init__(self, columns: Columns, changes: Changes) -> None:
        self._columns, self._changes = columns, changes
        self._passing: OrderedDict[str, Passing] = OrderedDict()
        self._lock = Lock()

    def passing(self, wanted: Filter, items: int) -> Passing:
        """What a filter lets through now, of so many items. Raises BadFilter where it names what no item has."""
        with self._lock:
            passing = self._passing.get(wanted.text)
            if passing is None:
                check_names(wanted, self._columns)
                passing = self._passing[wanted.text] = Passing(wanted.term, self._columns)
                while len(self._passing) > KEPT:
                    self._passing.popitem(last=False)
            self._passing.move_to_end(wanted.text)
            passing.follow(self._changes, items)
        return passing


def check_names(wanted: Filter, columns: Columns) -> None:
    """Raises BadFilter where a condition is on something that is neither a field nor an attribute of any item."""
    for condition in wanted.conditions():
        name = condition.name
        if columns.many(name) or columns.single(name) or name.startswith(ATTRIBUTE):
            continue
        names = [known for known in columns.names() if not known.startswith(ATTRIBUTE)]
        raise BadFilter(
            f"at column {condition.column} {name!r} is no field and no attribute of any item. Known are "
            f"{', '.join(names[:50])}{', ...' if len(names) > 50 else ''}. Write {ATTRIBUTE}{name} where items may "
            "have it later"
        )
