"""How often items were shown and wanted, fading, in one partition.

Kept as sums from an origin (`decay.py`); partitions are added up at reading, in their order, so that the numbers do
not depend on how the partitions interleaved. What is popular is decided in `view.py`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.decay import Decay

SLOW_VIEWS, SLOW_CLICKS, FAST_VIEWS, FAST_CLICKS = range(4)

Sums = NDArray[np.float64]
"""[items, 4]: views and clicks that fade slowly, and that fade fast."""


class Popularity:
    """Fading views and clicks of each item.

    >>> popularity = Popularity(slow=1_000, fast=10)
    >>> popularity.show(["tea", "jam"], ts=0)
    >>> popularity.want("jam", ts=0)
    >>> popularity.item_ids, popularity.read(at=10).tolist()
    (['tea', 'jam'], [[0.993..., 0.0, 0.5, 0.0], [0.993..., 0.993..., 0.5, 0.5]])
    """

    def __init__(self, *, slow: int, fast: int) -> None:
        self.item_ids: list[str] = []
        self._slots: dict[str, int] = {}
        self._sums = array("d")  # four a slot: single additions cost a twentieth of numpy's
        self._slow, self._fast = Decay(slow), Decay(fast)

    def show(self, item_ids: Sequence[str], ts: int) -> None:
        """Items were shown; each is named once."""
        places = [4 * self._slot(item_id) for item_id in item_ids]
        (slow, fast), sums = self._weights(ts), self._sums
        for place in places:
            sums[place + SLOW_VIEWS] += slow
            sums[place + FAST_VIEWS] += fast

    def want(self, item_id: str, ts: int) -> None:
        """An item was wanted."""
        place = 4 * self._slot(item_id)
        slow, fast = self._weights(ts)
        self._sums[place + SLOW_CLICKS] += slow
        self._sums[place + FAST_CLICKS] += fast

    def read(self, at: int) -> Sums:
        """The sums of `item_ids`, as of `at`."""
        scale = np.array([self._slow.now(at)] * 2 + [self._fast.now(at)] * 2)
        read: Sums = self._table() * scale
        return read

    def told(self) -> tuple[list[str], int, int, bytes]:
        """Item ids, the two origins, and the bytes of the sums, for a snapshot."""
        return self.item_ids, self._slow.origin, self._fast.origin, self._sums.tobytes()

    def take(self, item_ids: list[str], slow: int, fast: int, sums: bytes) -> None:
        """What `told` gave."""
        self.item_ids = item_ids
        self._slots = {item_id: slot for slot, item_id in enumerate(item_ids)}
        self._slow.origin, self._fast.origin = slow, fast
        self._sums = array("d", sums)

    def _weights(self, ts: int) -> tuple[float, float]:
        slow, fast = self._slow.advance(ts), self._fast.advance(ts)
        if slow != 1.0 or fast != 1.0:
            self._table()[:] *= np.array([slow, slow, fast, fast])
        return self._slow.weight(ts), self._fast.weight(ts)

    def _slot(self, item_id: str) -> int:
        slot = self._slots.get(item_id)
        if slot is None:
            slot = self._slots[item_id] = len(self.item_ids)
            self.item_ids.append(item_id)
            self._sums.extend((0.0, 0.0, 0.0, 0.0))
        return slot

    def _table(self) -> Sums:
        """The sums as they lie; let go of it before the next slot is made."""
        return np.frombuffer(self._sums, np.float64).reshape(-1, 4)
