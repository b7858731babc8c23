"""What each user did last, and which users were forgotten. Bounded; nothing here drops a repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from streams.examples import Past
from streams.join_keys import GONE, HISTORY, after_prefix
from streams.join_state import JoinState

NEAR = 1 << 13
"""Of how many users the pasts are at hand: users ask for many pages in a row, and do little between two of them."""


def bounded(pasts: Sequence[Past], size: int, size_of: Mapping[str, int]) -> Sequence[Past]:
    """Of pasts in order the last `size`, and besides them the last `size_of` of single types.

    >>> pasts = [Past(item, kind, 1) for item, kind in (("a", "buy"), ("b", "buy"), ("c", "click"), ("d", "click"))]
    >>> [past.item_id for past in bounded(pasts, 1, {"buy": 1})], bounded(pasts, 0, {})
    (['b', 'd'], ())
    """
    if not size_of:
        return pasts[-size:] if size else ()
    left, kept = dict(size_of), []
    for n, past in enumerate(reversed(pasts)):
        more = left.get(past.type, 0)
        if more:
            left[past.type] = more - 1
        if more or n < size:
            kept.append(past)
    return kept[::-1]


class Histories:
    """The last `size` interactions of each user and the last `size_of` of single types, oldest first.

    Profiles that are to show serving what training saw keep the same: sorted by ts, for equal ts as they came, and
    where one is too many the oldest goes.

    >>> from streams.join_state import MemoryStore
    >>> histories = Histories(JoinState(MemoryStore()), size=2)
    >>> for ts in (5, 9, 7): histories.add("ana", Past("tea", "click", ts))
    >>> [past.ts for past in histories.before("ana", 8)], [past.ts for past in histories.before("ana", 9)]
    ([7], [7, 9])
    """

    def __init__(self, state: JoinState, *, size: int, size_of: Mapping[str, int] | None = None) -> None:
        self._state = state
        self._size, self._size_of = size, size_of or {}
        self._near: dict[str, tuple[Past, ...]] = {}

    def add(self, user_id: str, past: Past) -> None:
        pasts = [*self._all(user_id), past]
        if len(pasts) > 1 and pasts[-2].ts > past.ts:
            pasts.sort(key=lambda one: one.ts)
        self._near[user_id] = kept = tuple(bounded(pasts, self._size, self._size_of))
        self._state.put(HISTORY + user_id.encode(), _encode(kept))

    def before(self, user_id: str, ts: int) -> tuple[Past, ...]:
        """The user's interactions so far with a ts of at most `ts`."""
        pasts = self._all(user_id)
        return pasts if not pasts or pasts[-1].ts <= ts else tuple(past for past in pasts if past.ts <= ts)

    def forget(self, user_id: str) -> None:
        self._near.pop(user_id, None)
        self._state.delete(HISTORY + user_id.encode())

    def _all(self, user_id: str) -> tuple[Past, ...]:
        known = self._near.get(user_id)
        if known is None:
            told = self._state.get(HISTORY + user_id.encode())
            if len(self._near) >= NEAR:
                self._near.clear()
            known = self._near[user_id] = () if told is None else _decode(told)
        return known


class Forgotten:
    """Users that were deleted: up to their time nothing of them may come back, until it is too late anyway."""

    def __init__(self, state: JoinState) -> None:
        self._state = state
        stored = state.scan(GONE, after_prefix(GONE))
        self._gone = {key[1:].decode(): int.from_bytes(value, "big") for key, value in stored}

    def add(self, user_id: str, ts: int) -> None:
        self._gone[user_id] = max(ts, self._gone.get(user_id, 0))
        self._state.put(GONE + user_id.encode(), self._gone[user_id].to_bytes(8, "big"))

    def covers(self, user_id: str, ts: int) -> bool:
        """Whether something of this user with this ts was deleted."""
        return bool(self._gone) and ts <= self._gone.get(user_id, -1)

    def expire(self, *, since: int) -> None:
        """What is older than `since` is too late by itself."""
        for user_id in [user_id for user_id, ts in self._gone.items() if ts < since]:
            del self._gone[user_id]
            self._state.delete(GONE + user_id.encode())


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Past, ...]).decode
