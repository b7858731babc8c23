"""Which share of the yeses comes while a label is open, estimated while the rest is still on its way.

A yes that comes after the window is known only once it has come, so of what was shown lately the late ones are missing
more than the early ones. The estimate compares like with like: how many come in a stretch of delay is held against
those that came sooner, among showings that are old enough to have shown both (the reverse-time hazard of Lagakos,
Barraj and de Gruttola, Biometrika 1988, and Kalbfleisch and Lawless, JASA 1989). A yes that comes later than `reach`
is none, to this estimate as to the joiner: coverage is the share of those within it. Where late ones are rarer beyond
what was seen than this knows, nobody can tell. Event times alone, no clock; equal yeses in equal order give equal bits.
"""

from __future__ import annotations

import numpy as np

from learners.keeping import Arrays
from learners.learner import Doubles, Ints

STRETCHES = 16
"""Into how many stretches the time between the window and the reach is cut."""


class Coverage:
    """The share of one label's yeses that come within `window` ms of the showing, of those within `reach` ms.

    Showings are told apart by stretches of time too; those older than the reach are summed up, and fade with
    `half_life` ms.

    >>> coverage = Coverage(window=100, reach=300, half_life=10_000)
    >>> for shown_at in range(0, 1000, 10):
    ...     coverage.see(np.full(4, shown_at), np.array([5, 20, 90, 180]), now=shown_at)
    >>> coverage.share
    0.75
    """

    def __init__(self, *, window: int, reach: int, half_life: int = 86_400_000) -> None:
        if not 0 <= window < reach or half_life <= 0:
            raise ValueError(
                f"a window of {window} ms and a reach of {reach} ms: yeses that come after the window and before the"
                " reach are what is counted. Give the label a horizon, so that late ones are told at all"
            )
        self._window, self._half_life = window, half_life
        self._step = -(-(reach - window) // STRETCHES)
        self._ages = -(-(window + STRETCHES * self._step) // self._step) + 1
        self._sum_J: Doubles = np.zeros(1 + STRETCHES)
        self._recent_AJ: Doubles = np.zeros((self._ages, 1 + STRETCHES))
        self._oldest = self._now = 0
        """The stretch of showings that `recent` begins with, and the time that has passed."""

    def see(self, shown_at_N: Ints, delay_N: Ints, *, now: int) -> None:
        """Count yeses in the order in which they became known, as of `now`, by which all that came before is known."""
        self._pass(now)
        late_N = -(-(delay_N - self._window) // self._step)
        told_N = late_N <= STRETCHES
        at_N = np.maximum(shown_at_N[told_N] // self._step - self._oldest, 0)
        np.add.at(self._recent_AJ, (np.minimum(at_N, self._ages - 1), np.maximum(late_N[told_N], 0)), 1.0)

    @property
    def share(self) -> float:
        """The estimate; 1 as long as nothing speaks against it.

        The showings of a stretch are as old as the youngest of them. For each stretch j of delay beyond the window
        F(j - 1) / F(j) = 1 - n(j) / N(j): of the yeses that came by then, among showings at least that old, so many
        came in j itself.
        """
        late_J = np.arange(1, 1 + STRETCHES)
        old_J = (self._now - self._window) // self._step - late_J - self._oldest
        sums_AJ = np.concatenate([self._sum_J[None], self._sum_J + np.cumsum(self._recent_AJ, axis=0)])
        seen_JJ = sums_AJ[np.clip(old_J, 0, self._ages)]
        by_then_J = np.cumsum(seen_JJ, axis=1)[late_J - 1, late_J]
        here_J = seen_JJ[late_J - 1, late_J]
        return float(np.prod(1.0 - here_J / np.where(by_then_J > 0, by_then_J, 1.0)))

    def dump(self) -> Arrays:
        """Everything, for a snapshot."""
        return {"recent": self._recent_AJ, "sum": self._sum_J, "at": np.array([self._oldest, self._now])}

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self._recent_AJ, self._sum_J = arrays["recent"].copy(), arrays["sum"].copy()
        self._oldest, self._now = arrays["at"].tolist()

    def _pass(self, now: int) -> None:
        """Sum up the showings that no yes can come from any more."""
        self._now = max(self._now, now)
        gone = self._now // self._step + 1 - self._ages - self._oldest
        if gone <= 0:
            return
        kept = 0.5 ** (self._step / self._half_life)
        for told_J in self._recent_AJ[:gone]:
            self._sum_J = self._sum_J * kept + told_J
        self._sum_J = self._sum_J * kept ** max(0, gone - self._ages)
        still_AJ = self._recent_AJ[gone:]
        self._recent_AJ = np.concatenate([still_AJ, np.zeros((self._ages - len(still_AJ), 1 + STRETCHES))])
        self._oldest += gone
