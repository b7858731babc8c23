"""The newest vector of every item, whichever version it came from: the contract, and its plain in-memory form.

What a version changed is laid over what stood before, in one step with the version's number. An item that left keeps a
tombstone, so that who reads later knows it from one that never was. Nothing here finds neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stored:
    """`vector` is None where the item left at `version`; else it is as `version` last changed it."""

    item_id: str
    version: int
    vector: Floats | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one version changes: rows of its own items, and ids that it no longer has."""

    row_C: NDArray[np.int64]
    gone: tuple[str, ...]


class Vectors(Protocol):
    """Item id -> vector of the newest version written.

    Promised: `write` is one step, rows, tombstones and `version` together, also when the process dies in it; `scan`
    goes in the order of the ids' UTF-8. One owner at a time. Not promised: older vectors of an item.
    """

    @property
    def version(self) -> int | None:
        """The version that was written last; None where none ever was."""
        ...

    def write(self, version: int, item_ids: Sequence[str], vec_CD: Floats, gone: Sequence[str] = ()) -> None:
        """Lay the changed items of a version over what is there; `gone` leave a tombstone each."""
        ...

    def get(self, item_id: str) -> Stored | None: ...

    def scan(self) -> Iterator[Stored]: ...

    def close(self) -> None: ...


class MemoryVectors:
    """The contract in a dictionary: the test double and the oracle.

    >>> vectors = MemoryVectors()
    >>> vectors.write(1, ["tea", "jam"], np.eye(2, dtype=np.float32))
    >>> vectors.write(2, ["tea"], np.array([[0, 1]], np.float32), gone=["jam"])
    >>> [(kept.item_id, kept.version, kept.vector is None) for kept in vectors.scan()], vectors.version
    ([('jam', 2, True), ('tea', 2, False)], 2)
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._stored: dict[str, Stored] = {}

    @property
    def version(self) -> int | None:
        return self._version

    def write(self, version: int, item_ids: Sequence[str], vec_CD: Floats, gone: Sequence[str] = ()) -> None:
        self._stored |= {i: Stored(i, version, np.array(v)) for i, v in zip(item_ids, vec_CD, strict=True)}
        self._stored |= {item_id: Stored(item_id, version, None) for item_id in gone}
        self._version = version

    def get(self, item_id: str) -> Stored | None:
        return self._stored.get(item_id)

    def scan(self) -> Iterator[Stored]:
        return iter([self._stored[item_id] for item_id in sorted(self._stored, key=str.encode)])

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Held:
    """Items and their vectors as they stand in a store: what the next version is compared with."""

    item_ids: Sequence[str]
    vec_ID: Floats

    @classmethod
    def of(cls, vectors: Vectors) -> Held:
        """Read back what a store holds, tombstones left out."""
        kept = [(stored.item_id, stored.vector) for stored in vectors.scan() if stored.vector is not None]
        return cls([i for i, _ in kept], np.stack([v for _, v in kept]) if kept else np.zeros((0, 0), np.float32))


def changes(held: Held, item_ids: Sequence[str], vec_ID: Floats) -> Changes:
    """The rows of a version that differ from what is held, bit for bit, and the ids that left.

    >>> held = Held(["tea", "jam"], np.eye(2, dtype=np.float32))
    >>> found = changes(held, ["jam", "oil"], np.array([[0, 1], [1, 0]], np.float32))
    >>> found.row_C.tolist(), found.gone
    ([1], ('tea',))
    """
    before = {item_id: row for row, item_id in enumerate(held.item_ids)}
    gone = tuple(sorted(before.keys() - set(item_ids)))
    if held.vec_ID.shape[1:] != vec_ID.shape[1:]:
        return Changes(np.arange(len(item_ids)), gone)
    row_I = np.fromiter((before.get(item_id, -1) for item_id in item_ids), np.int64, len(item_ids))
    changed_I = row_I < 0
    known = np.flatnonzero(~changed_I)
    changed_I[known] = (held.vec_ID[row_I[known]] != vec_ID[known]).any(axis=1)
    return Changes(np.flatnonzero(changed_I), gone)
