"""What a challenger is, and the plainest of them: how often an item was chosen of late.

A rival scores rows that are told as texts, then learns them; what it is fits into arrays. Knows no model of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learners.learner import Doubles
from learners.name_lines import NameLines

Arrays = dict[str, NDArray[Any]]
Held = Callable[[], Arrays]
Features = Sequence[str]
"""The texts that a row has, the item's first."""

PRIOR = 20.0
"""Views at the rate of all that an item is believed to have had before its first."""
KEEP = 0.995
"""What a view keeps of the counts of its item before it: of the last few hundred views an item's rate is told."""
ITEMS = 200_000
"""Items that are counted; beyond them those unseen have the rate of all."""


class Rival(Protocol):
    """A model to be compared with, on few rows."""

    def score(self, rows: Sequence[Features]) -> Doubles: ...

    def learn(self, rows: Sequence[Features], value_B: Doubles) -> None: ...

    def forget(self, user_id: str) -> None:
        """Keep nothing that names this user."""
        ...

    def held(self) -> Held:
        """What `state` gives, as of now: the arrays are made by whoever calls it, when he does."""
        ...

    def state(self) -> Arrays: ...

    def load(self, arrays: Arrays) -> None: ...


class Popularity:
    """The faded click rate of the item, smoothed by the rate of all.

    >>> rival = Popularity()
    >>> rival.learn([("item=a",), ("item=b",)] * 100, np.array([1.0, 0.0] * 100))
    >>> rival.score([("item=a",), ("item=b",), ("item=c",)]).round(2).tolist()
    [0.9, 0.1, 0.5]
    """

    def __init__(self, *, keep: float = KEEP, prior: float = PRIOR, most: int = ITEMS) -> None:
        self._keep, self._prior, self._most = keep, prior, most
        self._items: dict[str, tuple[float, float]] = {}
        self._lines, self._all = NameLines(2), (2.0, 1.0)

    def score(self, rows: Sequence[Features]) -> Doubles:
        """The chance of each row."""
        rate, prior, none = self._all[1] / self._all[0], self._prior, (0.0, 0.0)
        seen_B2 = np.array([self._items.get(row[0], none) for row in rows], np.float64).reshape(-1, 2)
        chance_B: Doubles = (seen_B2[:, 1] + prior * rate) / (seen_B2[:, 0] + prior)
        return chance_B

    def learn(self, rows: Sequence[Features], value_B: Doubles) -> None:
        """Count views and clicks, in order."""
        keep, items = self._keep, self._items
        slow = 1 - (1 - keep) / 50  # the rate of all is of many items, and moves as slowly
        for row, value in zip(rows, value_B.tolist(), strict=True):
            click = float(value > 0)
            self._all = (self._all[0] * slow + 1, self._all[1] * slow + click)
            seen = items.get(row[0])
            if seen is not None or len(items) < self._most:
                views, clicks = seen or (0.0, 0.0)
                items[row[0]] = (views * keep + 1, clicks * keep + click)
        self._lines.touch(row[0] for row in rows)

    def forget(self, user_id: str) -> None:
        """Items alone are counted."""

    def state(self) -> Arrays:
        """Names and counts."""
        return self.held()()

    def held(self) -> Held:
        names, seen_N2 = self._lines.held(self._items, self._items.__getitem__)
        all_12 = np.array([self._all], np.float64)
        return lambda: {"names": names(), "seen_N2": np.concatenate([all_12, seen_N2()])}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        names = json.loads(arrays["names"].tobytes())
        (views, clicks), *items = arrays["seen_N2"].tolist()
        self._all = (views, clicks)
        self._items = {name: (views, clicks) for name, (views, clicks) in zip(names, items, strict=True)}
        self._lines.begin()
