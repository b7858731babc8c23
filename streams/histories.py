"""What each user did last, and which users were forgotten. Bounded; nothing here drops a repeat."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from streams.examples import Past
from streams.join_keys import GONE, HISTORY, after_prefix
from streams.join_state import JoinState


class Histories:
    """The last `size` interactions of each user, oldest first.

    Profiles that are to show serving what training saw keep the same: sorted by ts, for equal ts as they came, and
    where one is too many the oldest goes.

    >>> from streams.join_state import MemoryStore
    >>> histories = Histories(JoinState(MemoryStore()), size=2)
    >>> for ts in (5, 9, 7): histories.add("ana", Past("tea", "click", ts))
    >>> [past.ts for past in histories.before("ana", 8)], [past.ts for past in histories.before("ana", 9)]
    ([7], [7, 9])
    """

    def __init__(self, state: JoinState, *, size: int) -> None:
        self._state = state
        self._size = size

    def add(self, user_id: str, past: Past) -> None:
        pasts = [*self._all(user_id), past]
        if len(pasts) > 1 and pasts[-2].ts > past.ts:
            pasts.sort(key=lambda one: one.ts)
        self._state.put(HISTORY + user_id.encode(), _encode(pasts[-self._size :] if self._size else []))

    def before(self, user_id: str, ts: int) -> tuple[Past, ...]:
        """The user's interactions so far with a ts of at most `ts`."""
        pasts = self._all(user_id)
        return pasts if not pasts or pasts[-1].ts <= ts else tuple(past for past in pasts if past.ts <= ts)

    def forget(self, user_id: str) -> None:
        self._state.delete(HISTORY + user_id.encode())

    def _all(self, user_id: str) -> tuple[Past, ...]:
        told = self._state.get(HISTORY + user_id.encode())
        return () if told is None else _decode(told)


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
_decode = lru_cache(1 << 13)(msgspec.msgpack.Decoder(tuple[Past, ...]).decode)
"""Users ask for many pages in a row, and do little between two of them."""
