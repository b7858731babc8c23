"""The state of one partition's joiner: bytes by bytes, changed in memory, written in ONE step.

`JoinStore` is what lies on a disk; `MemoryStore` is its plain form. `JoinState` is what the joiner works on: the
changes of a batch over a store. Nothing here knows what the bytes mean; families are those of `join_keys.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from streams.families import Families, Named, Timed, changes_in, family_of
from streams.join_keys import REREAD

Changes = Iterable[tuple[bytes, bytes | None]]
"""What to write: key and value, None where the key goes."""
Ranges = Iterable[tuple[bytes, bytes]]
"""What to drop: from the first key up to, without, the second."""

HOT = 50_000
"""How many answers of REREAD families that were read or written lately are kept; at most twice as many."""
EXPECTED = 8_192
"""How many answers that will be asked for soon are kept."""


class JoinStore(Protocol):
    """Values by key, in the order of keys.

    Promised: `write` is atomic and survives the death of the process when it returns. Not promised: survival of a
    power cut, more than one process at a time.
    """

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` up to, without, `stop`, in order. One family at a time."""
        ...

    def write(self, dropped: Ranges, changes: Changes) -> None:
        """First drop the ranges, then make the changes."""
        ...

    def close(self) -> None: ...


class MemoryStore:
    """The contract in memory: the test double, and the store of replays.

    >>> store = MemoryStore()
    >>> store.write([], [(b"a1", b"x"), (b"a2", b"y")])
    >>> list(store.scan(b"a2", b"b"))
    [(b'a2', b'y')]
    """

    def __init__(self) -> None:
        self._families: Families = {}

    def get(self, key: bytes) -> bytes | None:
        return family_of(self._families, key).values.get(key)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        family = family_of(self._families, start)
        for key in family.between(start, stop):
            value = family.values.get(key)
            if value is not None:
                yield key, value

    def write(self, dropped: Ranges, changes: Changes) -> None:
        for start, stop in dropped:
            family_of(self._families, start).drop(start, stop)
        for key, value in changes:
            family = family_of(self._families, key)
            if value is not None:
                family.put(key, value)
            elif isinstance(family, Named):
                family.values.pop(key, None)
            elif key in family.values:
                family.drop(key, key + b"\0")

    def copy(self) -> MemoryStore:
        """Another store with the same content."""
        twin = MemoryStore()
        twin.write([], sorted(changes_in(self._families)))
        return twin

    def close(self) -> None:
        """Nothing to let go of."""


class JoinState:
    """A store and the changes since the last `commit`. What is not committed is lost with this object.

    >>> store = MemoryStore()
    >>> state = JoinState(store)
    >>> state.put(b"a", b"1")
    >>> state.get(b"a"), store.get(b"a")
    (b'1', None)
    >>> state.commit(); store.get(b"a")
    b'1'
    """

    def __init__(self, store: JoinStore) -> None:
        self.store = store
        self._fresh: Families = {}
        self._dropped: dict[int, tuple[bytes, bytes]] = {}
        self._reach: dict[int, bytes] = {}
        self._hot: dict[bytes, bytes | None] = {}
        self._warm: dict[bytes, bytes | None] = {}
        self._expected: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        byte = key[0]
        family = self._fresh.get(byte)
        if family is not None and key in family.values:
            return family.values[key]
        if byte in REREAD:
            return self._hot[key] if key in self._hot else self._warmed(key)
        if byte in self._reach and key < self._reach[byte]:
            return None
        return self._expected[key] if key in self._expected else self.store.get(key)

    def expect(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Pairs that a scan gave just now, and that will be asked for soon."""
        if len(self._expected) >= EXPECTED:
            self._expected.clear()
        self._expected.update(pairs)

    def put(self, key: bytes, value: bytes) -> None:
        (self._fresh.get(key[0]) or family_of(self._fresh, key)).put(key, value)

    def delete(self, key: bytes) -> None:
        (self._fresh.get(key[0]) or family_of(self._fresh, key)).put(key, None)

    def put_all(self, keys: list[bytes], value: bytes | None) -> None:
        """The same value for some keys of one family; None where they go."""
        put = family_of(self._fresh, keys[0]).put
        for key in keys:
            put(key, value)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` up to `stop`, in order; nothing may be changed while this goes on."""
        family = family_of(self._fresh, start)
        fresh = iter(family.between(start, stop))
        key, values, reach = next(fresh, None), family.values, self._reach.get(start[0], b"")
        for stored, value in self.store.scan(start, stop):
            while key is not None and key < stored:
                yield from self._present(family, key)
                key = next(fresh, None)
            if stored >= reach and stored not in values:
                yield stored, value
        while key is not None:
            yield from self._present(family, key)
            key = next(fresh, None)

    def drop(self, start: bytes, stop: bytes) -> None:
        """Drop a range, for ever: below `stop` the family ends. Each range starts where the one before it stopped,
        since overlapping ones make stores slow."""
        reach = self._reach.get(start[0], start)
        if reach != start:
            raise ValueError(f"dropped up to {reach.hex()}, now from {start.hex()}: ranges must join")
        family_of(self._fresh, start).drop(start, stop)
        self._reach[start[0]] = stop
        self._dropped[start[0]] = (self._dropped.get(start[0], (start, stop))[0], stop)

    def commit(self) -> None:
        """Write every change in one step."""
        self.store.write(list(self._dropped.values()), changes_in(self._fresh))
        for byte in REREAD & self._fresh.keys():
            self._hot.update(self._fresh[byte].values)
        self._turn_over()
        for family in self._fresh.values():
            for key in self._expected.keys() & family.values.keys():
                self._expected[key] = family.values[key]
        self._fresh, self._dropped = {}, {}

    def _present(self, family: Timed | Named, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        value = family.values[key]
        if value is not None:
            yield key, value

    def _warmed(self, key: bytes) -> bytes | None:
        value = self._hot[key] = self._warm[key] if key in self._warm else self.store.get(key)
        self._turn_over()
        return value

    def _turn_over(self) -> None:
        if len(self._hot) >= HOT:
            self._warm, self._hot = self._hot, {}
