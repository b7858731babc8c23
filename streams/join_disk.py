"""Where a joiner's state lies and goes back to: what stands now, snapshots of before, and the one switch between them.

`JoinDisk` is the contract of one partition, `MemoryDisk` its plain form. Which snapshot is valid is for the decisions
to say; nothing here reads a log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streams.decisions import Decisions
from streams.errors import HeadraceError
from streams.join_state import Changes, JoinStore, MemoryStore
from streams.thinning import spared


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


def thinned(snapshots: Iterable[Snapshot], *, keep: int, base: Snapshot | None = None) -> list[Snapshot]:
    """Which snapshots may go. `base`, the newest valid one below the floor of the decisions, stays, and what lies below
    it goes; above it the newest few stay, and some for each doubling of the distance behind them (`thinning`).

    >>> aside = [Snapshot(n, 0, "") for n in range(0, 190, 10)]
    >>> [s.next for s in thinned(aside, keep=2)]
    [10, 20, 40, 50, 80, 100]
    >>> [s.next for s in thinned(aside, keep=2, base=aside[2])]
    [0, 10, 40, 50, 80, 100]
    """
    newest_first = sorted(snapshots, reverse=True)
    above = [one for one in newest_first if base is None or one.next > base.next]
    kept = {above[n] for n in spared([above[0].next - one.next for one in above], keep)}
    return [one for one in reversed(newest_first) if one not in kept and one != base]


def base_of(snapshots: Iterable[Snapshot], partition: int, decisions: Decisions) -> Snapshot | None:
    """The newest snapshot that is valid and lies at the floor or below: what the oldest mask that holds leads back to.

    None where there is no floor yet: the log still begins at 0.
    """
    floor = (decisions.floor() or {}).get(partition, 0)
    valid = (one for one in snapshots if decisions.valid(one.decisions, {partition: one.next}))
    return max((one for one in valid if one.next <= floor), default=None)


def snapshots_in(folder: Path) -> list[Snapshot]:
    """The snapshots that are whole in a folder of them, by their names; for those who only look."""
    named = [path.name.split("-") for path in folder.glob("[0-9]*-*-*")]
    return sorted(Snapshot(int(next), int(decisions), config) for next, decisions, config in named)


def spare(snapshots: Iterable[Snapshot], partition: int, decisions: Decisions, *, keep: int) -> list[Snapshot]:
    """Which snapshots of a partition may go. Those that are not valid now, but may be after a lift, are thinned by
    themselves: after a rewind they lie ahead, and would take the places of those made anew."""
    aside = list(snapshots)
    base = base_of(aside, partition, decisions)
    good = [one for one in aside if decisions.valid(one.decisions, {partition: one.next})]
    stale = [one for one in aside if one not in good]
    return [*thinned(good, keep=keep, base=base), *thinned(stale, keep=1, base=base)]
