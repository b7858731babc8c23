"""Sums of what the arms of an experiment did, by group of users; those of partitions add up."""

from __future__ import annotations

import math

import numpy as np

from serving.intervals import Doubles

METRICS = ("page_ctr", "click_rate", "watch_time", "return_rate", "latency")
"""Pages with a click; clicks by item shown; seconds watched by page; visits that had another within a day; ms by
page."""
LESS_IS_BETTER = frozenset(("latency",))
SAMPLE = 1 << 16
"""Users that are told apart, at most; beyond, every second one is let go (adaptive sampling: Flajolet 1990)."""
STEPS = 16
"""Steps of the latency histogram in each doubling."""


class ArmSums:
    """Two arms (0: with what is tried, 1: without), `METRICS`, `GROUPS` of users.

    >>> sums = ArmSums()
    >>> sums.add("page_ctr", 0, 7, 1.0, 1.0); sums.saw(12, 0); sums.saw(12, 0)
    >>> sums.totals("page_ctr"), sums.users()
    ([(1.0, 1.0), (0.0, 0.0)], (1, 0))
    """

    GROUPS = 1024

    def __init__(self) -> None:
        self._sum_MATG: Doubles = np.zeros((len(METRICS), 2, 2, self.GROUPS))
        self._times = np.zeros((2, 24 * STEPS), np.int64)
        self._seen: dict[int, int] = {}
        self._counted = (0, 0)
        self._level = 0
        self.early = 0
        """Pages and people let go before their time, since there were too many at once."""
        self.crossed = 0
        """Users who were seen in both arms: whoever serves them does not draw as everybody else does."""

    def add(self, metric: str, arm: int, group: int, top: float, bottom: float) -> None:
        """Count one more."""
        cell = self._sum_MATG[METRICS.index(metric), arm]
        cell[0, group] += top
        cell[1, group] += bottom

    def time(self, arm: int, group: int, took: float) -> None:
        """Count how long a list took (ms)."""
        self.add("latency", arm, group, took, 1.0)
        step = int(STEPS * math.log2(max(took, 0.01) / 0.01))
        self._times[arm, min(step, self._times.shape[1] - 1)] += 1

    def saw(self, key: int, arm: int) -> None:
        """A user, by an even number of 64 bits, was seen in an arm."""
        if key >> 32 & ((1 << self._level) - 1):
            return
        self.crossed += self._seen.setdefault(key, arm) != arm
        if len(self._seen) > SAMPLE:
            self._thin(self._level + 1)

    def forget(self, key: int) -> None:
        """A user is not told apart any more; what was summed of the group names nobody."""
        self._seen.pop(key, None)

    def settle(self) -> None:
        """Nobody else will be seen: keep how many there were, and not who."""
        self._counted, self._seen = self.users(), {}

    def told(self) -> tuple[bytes, bytes, tuple[int, int], tuple[int, int, int], list[tuple[int, int]]]:
        """All of it, as `take` reads it."""
        level = self._level, self.early, self.crossed
        return self._sum_MATG.tobytes(), self._times.tobytes(), self._counted, level, list(self._seen.items())

    def take(
        self, sums: bytes, times: bytes, counted: tuple[int, int], level: tuple[int, int, int],
        seen: list[tuple[int, int]],
    ) -> None:  # fmt: skip
        """Be what was told. Raises ValueError where that is of another shape."""
        self._sum_MATG = np.frombuffer(sums).reshape(self._sum_MATG.shape).copy()
        self._times = np.frombuffer(times, np.int64).reshape(self._times.shape).copy()
        self._counted, self._seen = counted, dict(seen)
        self._level, self.early, self.crossed = level

    def of(self, metric: str, arm: int) -> tuple[Doubles, Doubles]:
        """Sums above and below the line, by group."""
        cell = self._sum_MATG[METRICS.index(metric), arm]
        return cell[0], cell[1]

    def totals(self, metric: str) -> list[tuple[float, float]]:
        """The same over all groups, for each arm."""
        return [(float(top.sum()), float(bottom.sum())) for top, bottom in (self.of(metric, arm) for arm in (0, 1))]

    def users(self) -> tuple[int, int]:
        """How many of the users that are told apart each arm had."""
        tried, (on, off) = sum(arm == 0 for arm in self._seen.values()), self._counted
        return on + tried, off + len(self._seen) - tried

    @property
    def of_users(self) -> int:
        """Each user that is told apart stands for so many."""
        return 1 << self._level

    def quantile(self, arm: int, share: float) -> float | None:
        """The time (ms) within which `share` of an arm's lists were made, to 5 %; None where there is none."""
        total = int(self._times[arm].sum())
        if not total:
            return None
        step = int(np.searchsorted(self._times[arm].cumsum(), share * total))
        return round(0.01 * math.exp2((step + 0.5) / STEPS), 3)

    def plus(self, other: ArmSums) -> ArmSums:
        """The sums of both; no user may be in both."""
        made = ArmSums()
        made._sum_MATG = self._sum_MATG + other._sum_MATG
        made._times = self._times + other._times
        made._seen = self._seen | other._seen
        made.early, made.crossed = self.early + other.early, self.crossed + other.crossed
        level = max(self._level, other._level)
        parts = [tuple(count >> level - one._level for count in one._counted) for one in (self, other)]
        made._thin(level)
        made._counted = parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
        while len(made._seen) > SAMPLE:
            made._thin(made._level + 1)
        return made

    def _thin(self, level: int) -> None:
        on, off = self._counted
        self._counted = on >> level - self._level, off >> level - self._level
        self._level, rest = level, (1 << level) - 1
        self._seen = {key: arm for key, arm in self._seen.items() if not key >> 32 & rest}
