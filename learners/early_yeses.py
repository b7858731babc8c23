"""Yeses that were told before the noes of their impressions, kept until those come: only together they say a rate.

A `fast` label tells a yes at once and a no at the close. Judged as they come, each fall of traffic would look like a
fall of the rate; judged at the close, with the noes of the same impressions, they are what a label of mode `wait` would
have been. What was foreseen of them stays what it was before they were learned. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from learners.keeping import Arrays
from learners.learner import Bools, Doubles, Ints


@dataclass(frozen=True, slots=True)
class Yeses:
    """When their impressions close, what was foreseen by the live learner and by a shadow (logits), their groups and
    the names of these by axis, and where in events the impressions are: partition and offset."""

    close_N: Ints
    logit_N: Doubles
    shadow_N: Doubles
    group_NA: Ints
    name_NX: NDArray[np.str_]
    place_N2: Ints

    def __len__(self) -> int:
        return len(self.close_N)

    def of(self, part_N: Bools) -> Yeses:
        """Some of them."""
        return Yeses(*(getattr(self, field.name)[part_N] for field in fields(self)))


def nobody(axes: int) -> Yeses:
    """No yes at all; groups have one column more than there are axes, since everyone is one."""
    none_N, no_N = np.zeros(0), np.zeros(0, np.int64)
    return Yeses(no_N, none_N, none_N, np.zeros((0, 1 + axes), np.int64), np.zeros((0, axes), "U1"), no_N.reshape(0, 2))


class EarlyYeses:
    """The yeses that wait, in the order in which they came.

    >>> early, logit_N, all_N1 = EarlyYeses(0), np.array([-1.0, -2.0]), np.zeros((2, 1), np.int64)
    >>> names, places = np.zeros((2, 0), "U1"), np.array([[0, 7], [0, 8]])
    >>> early.add(Yeses(np.array([30, 20]), logit_N, logit_N, all_N1, names, places))
    >>> early.until(25).logit_N.tolist(), early.until(25).logit_N.tolist(), len(early)
    ([-2.0], [], 1)
    """

    def __init__(self, axes: int) -> None:
        self._yeses = nobody(axes)

    def __len__(self) -> int:
        return len(self._yeses)

    def add(self, more: Yeses) -> None:
        """Let some wait."""
        names = [field.name for field in fields(Yeses)]
        self._yeses = Yeses(*(np.concatenate([getattr(self._yeses, name), getattr(more, name)]) for name in names))

    def until(self, horizon: int) -> Yeses:
        """Those whose impressions have closed by now; they wait no longer."""
        due_N = self._yeses.close_N <= horizon
        due, self._yeses = self._yeses.of(due_N), self._yeses.of(~due_N)
        return due

    def accepted(self, group: int) -> None:
        """The shadow of a group is the live learner from here on."""
        mine = self._yeses
        mine_N = (mine.group_NA == group).any(axis=1)
        self._yeses = replace(mine, logit_N=np.where(mine_N, mine.shadow_N, mine.logit_N))

    def state(self) -> Arrays:
        """Everything, in arrays."""
        return {field.name: getattr(self._yeses, field.name) for field in fields(Yeses)}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self._yeses = Yeses(*(arrays[field.name].copy() for field in fields(Yeses)))
