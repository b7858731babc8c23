"""Where a joiner's state lies and goes back to: what stands now, snapshots of before, and the one switch between them.

`JoinDisk` is the contract of one partition, `MemoryDisk` its plain form. Which snapshot is valid is for the decisions
to say; nothing here reads a log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from streams.errors import HeadraceError
from streams.join_state import Changes, JoinStore, MemoryStore


class DamagedSnapshot(HeadraceError):
    """A snapshot that can't be restored: which, and what is wrong with it."""


@dataclass(frozen=True, slots=True, order=True)
class Snapshot:
    """A state that was put aside: made after `decisions` lines, standing at `next`, under the rules of `config`."""

    next: int
    decisions: int
    config: str

    @property
    def name(self) -> str:
        """
        >>> Snapshot(120, 3, "c0ffee").name
        '000000000120-000003-c0ffee'
        """
        return f"{self.next:012d}-{self.decisions:06d}-{self.config}"


class JoinDisk(Protocol):
    """The disk of one partition.

    Promised: `switch` and `snapshot` happen whole or not at all, whenever the process dies. Not promised: that a
    snapshot can be restored (DamagedSnapshot), more than one process at a time.
    """

    def current(self) -> JoinStore | None:
        """What stands now; None on an empty disk."""
        ...

    def switch(self, base: Snapshot | None, changes: Changes) -> JoinStore:
        """Let a copy of `base` (an empty store, if None) with `changes` made to it take the place of what stands."""
        ...

    def snapshot(self, snapshot: Snapshot) -> None:
        """Put what stands aside under this name."""
        ...

    def snapshots(self) -> list[Snapshot]:
        """Those that are there, oldest position first."""
        ...

    def remove(self, snapshot: Snapshot) -> None: ...

    def close(self) -> None: ...


class MemoryDisk:
    """The contract in memory: what stands survives those who work on it, as a disk survives a process."""

    def __init__(self) -> None:
        self._store: MemoryStore | None = None
        self._aside: dict[Snapshot, MemoryStore] = {}

    def current(self) -> MemoryStore | None:
        return self._store

    def switch(self, base: Snapshot | None, changes: Changes) -> MemoryStore:
        if base is not None and base not in self._aside:
            raise DamagedSnapshot(f"snapshot {base.name} is asked for, but gone. Choose an older one.")
        store = MemoryStore() if base is None else self._aside[base].copy()
        store.write([], changes)
        self._store = store
        return store

    def snapshot(self, snapshot: Snapshot) -> None:
        if self._store is None:
            raise DamagedSnapshot(f"snapshot {snapshot.name} can't be made: nothing stands yet")
        self._aside[snapshot] = self._store.copy()

    def snapshots(self) -> list[Snapshot]:
        return sorted(self._aside)

    def remove(self, snapshot: Snapshot) -> None:
        self._aside.pop(snapshot, None)

    def lose(self) -> None:
        """The disk is gone; the snapshots lie elsewhere."""
        self._store = None

    def close(self) -> None:
        """Nothing to let go of."""


def thinned(snapshots: Iterable[Snapshot], *, keep: int) -> list[Snapshot]:
    """Which snapshots may go: kept are the newest few, and one for each doubling of the distance behind them.

    >>> [s.next for s in thinned([Snapshot(n, 0, "") for n in range(0, 90, 10)], keep=2)]
    [10, 30, 40, 60]
    """
    newest_first = sorted(snapshots, reverse=True)
    spared = set(newest_first[:keep])
    if newest_first:
        by_distance = {(newest_first[0].next - one.next).bit_length(): one for one in newest_first}
        spared |= set(by_distance.values())
    return [one for one in reversed(newest_first) if one not in spared]
