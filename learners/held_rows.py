"""Which stretch of the log a hold keeps out of the model: what a mask line needs, should the hold end by a return.

Rows are not kept, only in which frames of events they were shown, and by whose word. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from learners.learner import Learner
from streams.positions import Positions

MOST = 256
"""Stretches told apart; the oldest are joined beyond that."""


@dataclass(slots=True)
class Stretch:
    """Held rows up to a batch: by partition the frames of events from `start` to before `stop` showed them."""

    batch: int
    start: Positions
    stop: Positions
    names: set[str]

    def join(self, other: Stretch) -> None:
        """Take in another stretch."""
        self.batch = max(self.batch, other.batch)
        self.start |= {p: min(at, self.start.get(p, at)) for p, at in other.start.items()}
        self.stop |= {p: max(at, self.stop.get(p, at)) for p, at in other.stop.items()}
        self.names |= other.names


@dataclass(slots=True)
class HeldRows:
    """The stretches of one hold, oldest first.

    >>> held = HeldRows()
    >>> for batch, offset in ((7, 40), (8, 45)):
    ...     held.take(Stretch(batch, {0: offset}, {0: offset + 3}, {"web"}))
    >>> held.before(8).stop, held.before(9).start, held.before(9).stop, held.before(7)
    ({0: 43}, {0: 40}, {0: 48}, None)
    """

    stretches: list[Stretch] = field(default_factory=list)

    def add(self, batch: int, rows: Iterable[tuple[int, int, str]]) -> None:
        """Held rows of one batch: partition and offset of the impression, and what the slice is named."""
        for p, at, name in rows:
            if at >= 0:
                self.take(Stretch(batch, {p: at}, {p: at + 1}, {name}))

    def take(self, stretch: Stretch) -> None:
        """One more, of the last batch or a later one."""
        if self.stretches and self.stretches[-1].batch == stretch.batch:
            self.stretches[-1].join(stretch)
            return
        self.stretches.append(stretch)
        if len(self.stretches) > MOST:
            self.stretches[0].join(self.stretches.pop(1))

    def before(self, batch: int | None) -> Stretch | None:
        """All that was held before a batch (None: up to now) as one; None where nothing was."""
        found: Stretch | None = None
        for one in self.stretches:
            if batch is not None and one.batch >= batch:
                break
            if found is None:
                found = Stretch(one.batch, dict(one.start), dict(one.stop), set(one.names))
            else:
                found.join(one)
        return found

    def dump(self) -> list[list[Any]]:
        """As plain lists."""
        return [[s.batch, sorted(s.start.items()), sorted(s.stop.items()), sorted(s.names)] for s in self.stretches]

    @classmethod
    def load(cls, told: list[list[Any]]) -> HeldRows:
        """What `dump` gave."""
        return cls([Stretch(b, dict(start), dict(stop), {*names}) for b, start, stop, names in told])


@dataclass(slots=True)
class Hold:
    """One group that the live learner does not learn; without a shadow it can only return. The shadow was made anew at
    batch `since`, and does not know what was held before."""

    shadow: Learner | None
    rows: HeldRows = field(default_factory=HeldRows)
    since: int = 0

    def remains(self, clean: int, *, accepted: bool) -> Stretch | None:
        """What was held and nobody will learn, now that the hold ends; None where there is nothing of that kind. On a
        return it is what was held before batch `clean`, or all of it where nobody learned it aside.

        >>> hold = Hold(None)
        >>> hold.rows.take(Stretch(7, {0: 40}, {0: 43}, {"web"}))
        >>> hold.remains(7, accepted=False).stop, hold.remains(7, accepted=True)
        ({0: 43}, None)
        """
        if accepted:
            return self.rows.before(self.since)
        if self.shadow is None:
            return self.rows.before(None)
        return self.rows.before(clean) or self.rows.before(self.since)


@dataclass(frozen=True, slots=True)
class Returned:
    """Rows of a slice whose hold ended, which are to be masked or were learned; `axis` is "" where all rows are."""

    axis: str
    stretch: Stretch
    why: str
