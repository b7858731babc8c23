"""Which lanes a sequencer runs: the contract, and the plain form for a sequencer that runs by itself.

Ownership is thrift, not safety: for a moment two may run one lane. They write the same events twice then, which every
fold drops by `event_id`. What lies in a lane is for `sequencing.py`.
"""

from __future__ import annotations

from typing import Protocol

from streams.positions import Positions


class Lanes(Protocol):
    """The partitions of `events` that are this sequencer's now. May change from one look to the next."""

    shared: bool
    """Whether others may have written a lane before this one was given it, or may write it yet."""

    def owned(self) -> frozenset[int]: ...

    def tell(self, positions: dict[str, Positions]) -> None:
        """How far the owned lanes have read each raw topic, for those who watch."""
        ...

    def close(self) -> None:
        """Give the lanes back; may be called twice."""
        ...


class AllLanes:
    """Every lane, for ever.

    >>> sorted(AllLanes(3).owned())
    [0, 1, 2]
    """

    shared = False

    def __init__(self, partitions: int) -> None:
        self._owned = frozenset(range(partitions))

    def owned(self) -> frozenset[int]:
        return self._owned

    def tell(self, positions: dict[str, Positions]) -> None:
        """Nobody watches."""

    def close(self) -> None:
        """Nothing to give back."""
