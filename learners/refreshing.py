"""When the copy that answers is made anew from the copy that learns: what an old model costs, told on old rows.

`Refresh` decides by event time alone, `Ages` holds the copies of several cadences beside one learner, so that all of
them meet the same rows and the same lessons; `foreseen` asks them batch by batch. Reads no clock, opens no file, and is
not how a deployment hands out versions: that is the publisher's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from learners.columns import Columns
from learners.learner import Floats, Learned

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
Model = TypeVar("Model")
PERIODS: dict[str, int | None] = {"never": None, "1d": DAY_MS, "1h": HOUR_MS, "online": 0}


class CopiedLearner(Protocol):
    """A learner of columns that can be copied."""

    def score(self, columns: Columns) -> Floats: ...

    def learn(self, columns: Columns) -> Learned: ...

    def copy(self) -> CopiedLearner: ...


@dataclass(frozen=True, slots=True)
class Refresh:
    """How often: `period_ms` is 0 for at once, None for never.

    >>> day = Refresh.of("1d")
    >>> day.due(0, DAY_MS - 1), day.due(DAY_MS - 1, DAY_MS), Refresh.of("never").due(0, 9 * DAY_MS)
    (False, True, False)
    """

    name: str
    period_ms: int | None

    @classmethod
    def of(cls, told: str) -> Refresh:
        """ValueError where it is none of the known forms."""
        if told not in PERIODS:
            raise ValueError(f"refresh is {told!r}, known are {', '.join(PERIODS)}: take one of these")
        return cls(told, PERIODS[told])

    @property
    def online(self) -> bool:
        return self.period_ms == 0

    def due(self, taken_ms: int, now_ms: int) -> bool:
        """Whether a copy of `taken_ms` is to go: periods are whole ones of event time, so a day ends at midnight."""
        if self.period_ms is None:
            return False
        return self.online or now_ms // self.period_ms > taken_ms // self.period_ms


class Ages(Generic[Model]):
    """Who answers for rows of a time, by cadence. For the first `first_ms` of event time there is nothing to serve yet
    and the learner answers by itself; then the first copy is taken, whatever the cadence, and `never` stays with it.
    Copies only answer, so cadences that are due together share one.

    >>> live = [0]
    >>> ages = Ages([Refresh.of("never"), Refresh.of("1h"), Refresh.of("online")], first_ms=HOUR_MS)
    >>> for hour in range(3):
    ...     live[0] = hour
    ...     print(ages.at(hour * HOUR_MS, live.copy), ages.copies)
    [None, None, None] 0
    [[1], [1], None] 1
    [[1], [2], None] 2
    """

    def __init__(self, refreshes: Sequence[Refresh], *, first_ms: int = DAY_MS) -> None:
        self._refreshes, self._first_ms = tuple(refreshes), first_ms
        self._begun: int | None = None
        self._copies: list[tuple[int, Model] | None] = [None] * len(self._refreshes)
        self.copies = 0
        """How many copies were taken so far."""

    def at(self, now: int, copy: Callable[[], Model]) -> list[Model | None]:
        """The copies that answer from event time `now` on; None where the learner itself does. Those that go are let
        go of before the next one is made: there are never more than cadences."""
        self._begun = now if self._begun is None else self._begun
        if not self.ready(now):
            return [None] * len(self._refreshes)
        due = [n for n, refresh in enumerate(self._refreshes) if not refresh.online and self._is_due(n, now)]
        for n in due:
            self._copies[n] = None
        if due:
            made, self.copies = copy(), self.copies + 1
            for n in due:
                self._copies[n] = now, made
        return [None if one is None else one[1] for one in self._copies]

    def drop(self) -> None:
        """Let go of all copies."""
        self._copies = [None] * len(self._refreshes)

    def ready(self, now: int) -> bool:
        """Whether the first stretch is over, so that copies answer."""
        return self._begun is not None and now >= self._begun + self._first_ms

    def _is_due(self, n: int, now: int) -> bool:
        taken = self._copies[n]
        return taken is None or self._refreshes[n].due(taken[0], now)


class Answering:
    """The copy of one cadence, for rows that are told as columns; the rule is that of `Ages`."""

    def __init__(self, refresh: Refresh, *, first_ms: int = DAY_MS) -> None:
        self.refresh = refresh
        self._ages = Ages[CopiedLearner]([refresh], first_ms=first_ms)

    @property
    def copies(self) -> int:
        """How many copies were taken so far."""
        return self._ages.copies

    def of(self, learner: CopiedLearner, columns: Columns) -> CopiedLearner:
        """Who answers for these rows, by the time of the first of them: a batch that runs across a boundary is answered
        by the older copy. ValueError where rows have no time."""
        if self.refresh.online or not len(columns):
            return learner
        if columns.at_B is None:
            raise ValueError(
                f"rows have no time, and refresh {self.refresh.name} goes by it: tell at_B, or take 'online'"
            )
        return self._ages.at(int(columns.at_B[0]), learner.copy)[0] or learner


class Refreshed:
    """A learner that is answered for by its copy: `score` and `learn` as of any other learner of columns."""

    def __init__(self, learner: CopiedLearner, refresh: Refresh, *, first_ms: int = DAY_MS) -> None:
        self._learner = learner
        self._answering = Answering(refresh, first_ms=first_ms)

    def score(self, columns: Columns) -> Floats:
        return self._answering.of(self._learner, columns).score(columns)

    def learn(self, columns: Columns) -> Learned:
        return self._learner.learn(columns)


def foreseen(
    learner: CopiedLearner, batches: Iterable[Columns], refreshes: Sequence[Refresh], *, first_ms: int = DAY_MS
) -> Iterator[Floats]:
    """Batch by batch the probabilities [R, B, L] of each cadence, of what its copy knew; then the batch is learned."""
    answering = [Answering(refresh, first_ms=first_ms) for refresh in refreshes]
    for columns in batches:
        yield np.stack([one.of(learner, columns).score(columns).copy() for one in answering])
        learner.learn(columns)
