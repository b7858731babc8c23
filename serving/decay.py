"""Sums that fade by half-lives, without touching what nobody asks for.

Old sums are never multiplied one by one: new weights grow from an origin instead, and what is read is brought down to
the moment of reading. The origin moves in whole blocks of half-lives, so moving it multiplies by a power of two, which
is exact: sums do not depend on when it happened.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 256
"""Half-lives from one origin to the next: weights stay below 2 ** 256."""


@dataclass(slots=True)
class Decay:
    """The clock of one kind of sum; `half_life` and `origin` in ms.

    >>> decay = Decay(half_life=100)
    >>> sums = decay.weight(0) + decay.weight(100)
    >>> sums * decay.now(100), sums * decay.now(200)
    (1.5, 0.75)
    >>> sums *= decay.advance(25_600)
    >>> sums * decay.now(25_600) == 3.0 * 2.0**-256
    True
    """

    half_life: int
    origin: int = 0

    def advance(self, ts: int) -> float:
        """Move the origin if `ts` opens a new block; what every sum must be multiplied by (mostly 1)."""
        block = self.half_life * BLOCK
        opened = ts // block * block
        if opened <= self.origin:
            return 1.0
        factor: float = 2.0 ** ((self.origin - opened) / self.half_life)
        self.origin = opened
        return factor

    def weight(self, ts: int) -> float:
        """What an event at `ts` adds; call `advance` before."""
        return float(2.0 ** ((ts - self.origin) / self.half_life))

    def now(self, at: int) -> float:
        """What sums must be multiplied by to be read at `at`."""
        return float(2.0 ** ((self.origin - max(at, self.origin)) / self.half_life))
