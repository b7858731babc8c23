"""Copies of versions that serve or served, and what they foresaw of the rows by which a new one is judged.

At most two. The first stands for a window, so that there are rows to compare figures over; the newest is renewed while
it stands, so that what is compared with what serves is compared with nearly that. Says which version is to be opened,
opens nothing, and learns nothing but whom to forget.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from checkpoints.manifest import Manifest, TrainerPosition
from learners.frozen_copies import ROW, SHARE
from learners.gate import Limits
from learners.learner import Learner

WINDOW = 4_096
"""Rows of a window."""
CANARY = 128
"""The newest of them, which a version scores itself."""
WAIT = 128
"""Rows that wait to be scored by the copy together."""
SOON, PACE = 10_000, 560
"""A newer version that serves is opened after `SOON` (event time, ms), or after as many ms as a copy has `PACE` bytes:
32 MB once a minute, which takes a tenth of one processor."""


class Stage(NamedTuple):
    """How far a model has come: rows, and event time (ms)."""

    examples: int = 0
    at: int = 0


def stage_of(examples: int, positions: Mapping[int, TrainerPosition]) -> Stage:
    """By the partition that is furthest: one in which nothing happens says nothing of the time."""
    return Stage(examples, max((at.watermark for at in positions.values()), default=0))


def rows_judged(version: Manifest) -> int:
    """Rows of the label that has the most of them, up to a version: upserts of items are examples too, and teach
    nothing of how to rank.

    >>> told = Manifest(1, None, 0, {}, examples=1_000_000, metrics={"click": {"n": 40}, "buy": {"n": 2}})
    >>> rows_judged(told), rows_judged(Manifest(1, None, 0, {}, examples=7))
    (40, 7)
    """
    return max((int(of["n"]) for of in version.metrics.values() if "n" in of), default=version.examples)


@dataclass(slots=True)
class Copy:
    """A version that serves or served, how far it had come, and what it foresaw of the last rows. The first `known` of
    these had come before it was opened: they are compared with nothing but what another version says of them."""

    version: int
    learner: Learner
    stage: Stage
    size: int
    told: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    known: int = 0
    rows: int = 0
    judged: int = 0
    """Rows that it had been judged by when it was committed."""

    @classmethod
    def of(cls, manifest: Manifest, learner: Learner, size: int) -> Copy:
        """What a version is, as `learner`, from files of so many bytes."""
        stage = stage_of(manifest.examples, manifest.positions)
        return cls(manifest.version, learner, stage, size, judged=rows_judged(manifest))

    def foresaw(self, told: Sequence[float]) -> None:
        """Chances of the next rows."""
        self.known = max(0, self.known - max(0, len(self.told) + len(told) - WINDOW))
        self.told.extend(told)
        self.rows += len(told)

    @property
    def blind(self) -> list[float]:
        """Of which it could not have known what came."""
        return list(self.told)[self.known :]

    def keep(self, places: Iterable[int], behind: int) -> None:
        """Of the last `behind` rows only these stay."""
        told, first = list(self.told), behind - len(self.told)
        left = [at - first for at in places if at >= first]
        self.told = deque((told[at] for at in left), maxlen=WINDOW)
        self.known = sum(at < self.known for at in left)

    def full(self, every: int) -> bool:
        """Whether it stood for a window, or for as much again as it had learned, and long enough for what opening one
        costs."""
        stood = min(WINDOW, max(WAIT, self.stage.examples / every))
        return self.rows >= max(stood, self._paid(every))

    def worn(self, now: Stage, limits: Limits) -> bool:
        """Whether a newer one is worth being opened."""
        stands = now.at - self.stage.at
        return stands >= max(SOON, self.size / PACE) or self.rows >= max(limits.rows, self._paid(limits.every))

    def _paid(self, every: int) -> float:
        return self.size / ROW / SHARE / every


class Copies:
    """The copies there are.

    >>> copies, limits = Copies(), Limits(every=1, rows=100)
    >>> copies.wanted(3, Stage(500, 0), limits)
    3
    >>> copies.put(Copy(3, None, Stage(500, 0), size=0))
    >>> [copies.wanted(live, Stage(900, at), limits) for live, at in ((3, 20_000), (4, 9_000), (4, 20_000), (2, 9_000))]
    [None, None, 4, 2]
    """

    def __init__(self) -> None:
        self.all: list[Copy] = []

    @property
    def first(self) -> Copy | None:
        """The one with the most rows."""
        return self.all[0] if self.all else None

    @property
    def newest(self) -> Copy | None:
        return self.all[-1] if self.all else None

    def wanted(self, live: int, now: Stage, limits: Limits) -> int | None:
        """The version of which one is to be opened, where `live` serves and the model is at `now`: at once where there
        is none, and where an older version serves again. While the first is to be followed by the newest, that stays
        until it has rows enough."""
        if (newest := self.newest) is None or live < newest.version:
            return live
        if live == newest.version:
            return None
        if self.all[0].full(limits.every):
            return live if len(self.all) == 1 else None
        return live if newest.worn(now, limits) else None

    def put(self, copy: Copy) -> None:
        """Another one. An older version than those there are takes their place: it serves again."""
        if self.all and copy.version < self.all[-1].version:
            self.all = []
        self.all = [*self.all[:1], copy]

    def follow(self, limits: Limits) -> None:
        """The newest takes the place of a first that stood long enough, once it has rows enough."""
        if len(self.all) > 1 and self.all[0].full(limits.every) and self.all[1].rows >= limits.rows:
            del self.all[0]
