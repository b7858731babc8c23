"""Which slate an item was last shown on, by user: for clients that tell what was done without saying of which slate.

In memory, bounded, of this process: what is not remembered is feedback without a slate, which teaches retrieval alone.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

MOST_USERS, MOST_ITEMS = 10_000, 500


class ShownTo:
    """Request ids by user and item.

    >>> shown = ShownTo()
    >>> shown.answered("ana", "r1", ["tea", "jam"])
    >>> shown.done("ana", "tea"), shown.seen("ana", "tea"), shown.done("ana", "tea")
    (None, 'r1', 'r1')
    >>> shown.seen("ana", "oil") == shown.seen("ana", "oil") != shown.seen("bob", "oil")
    True
    """

    def __init__(self) -> None:
        self._users: OrderedDict[str, OrderedDict[str, tuple[str, bool]]] = OrderedDict()

    def answered(self, user_id: str, request_id: str, item_ids: Iterable[str]) -> None:
        """A slate left."""
        for item_id in item_ids:
            self._put(user_id, item_id, request_id, told=False)

    def seen(self, user_id: str, item_id: str) -> str:
        """The request id of an item that the user was really shown: its slate's, or one of its own."""
        request_id, _ = self._of(user_id, item_id)
        if request_id is None:
            named = hashlib.blake2b(f"{user_id}\n{item_id}".encode("utf-8", "replace"), digest_size=12).hexdigest()
            request_id = f"gorse-{named}"
        self._put(user_id, item_id, request_id, told=True)
        return request_id

    def done(self, user_id: str, item_id: str) -> str | None:
        """The request id of what was done with an item, where its showing was told; else none would wait for it."""
        request_id, told = self._of(user_id, item_id)
        return request_id if told else None

    def _of(self, user_id: str, item_id: str) -> tuple[str | None, bool]:
        mine = self._users.get(user_id)
        return (None, False) if mine is None else mine.get(item_id, (None, False))

    def _put(self, user_id: str, item_id: str, request_id: str, *, told: bool) -> None:
        mine = self._users.setdefault(user_id, OrderedDict())
        self._users.move_to_end(user_id)
        mine[item_id] = request_id, told
        mine.move_to_end(item_id)
        while len(mine) > MOST_ITEMS:
            mine.popitem(last=False)
        while len(self._users) > MOST_USERS:
            self._users.popitem(last=False)
