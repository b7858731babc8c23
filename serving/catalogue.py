"""Items as they are now: attributes, availability, tombstones; in one partition.

Every partition of `events` brings every item; each keeps those whose home it is, so that nothing is kept twice and a
mask reaches it through one partition alone. The larger (ts, event_id) wins, whatever came first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from msgspec.structs import replace
from sortedcontainers import SortedList

from streams.events import Item
from streams.positions import partition_of

FOREVER = 1 << 62
NO_ATTRIBUTES: dict[str, Any] = {}


def open_span(item: Item | None) -> tuple[int, int]:
    """From when (ms) and until when, exclusive, an item may be shown. What was never declared may be shown.

    >>> open_span(Item("e", 5, "tea", available_until=9)), open_span(Item("e", 5, "tea", deleted=True))
    ((0, 9), (4611686018427387904, 4611686018427387904))
    """
    if item is None:
        return 0, FOREVER
    if item.deleted:
        return FOREVER, FOREVER
    return item.available_from or 0, FOREVER if item.available_until is None else item.available_until


def sparing(item: Item) -> Item:
    """The same item with less memory: equal lists of texts are one for many items, as read each item has its own."""
    return replace(
        item,
        categories=_one(item.categories),
        tags=_one(item.tags),
        author=item.author and sys.intern(item.author),
        attributes=item.attributes or NO_ATTRIBUTES,
    )


@lru_cache(maxsize=1 << 16)
def _one(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(sys.intern, texts))


class Catalogue:
    """The items at home in one partition, and when each was born (its first upsert, or its opening).

    >>> catalogue = Catalogue(partition=0, partitions=1)
    >>> catalogue.put(Item("e2", 9, "tea", deleted=True)), catalogue.put(Item("e1", 8, "tea"))
    (True, False)
    >>> catalogue.items["tea"].deleted
    True
    """

    def __init__(self, *, partition: int, partitions: int) -> None:
        self._partition = partition
        self._partitions = partitions
        self.items: dict[str, Item] = {}
        self.born: dict[str, int] = {}
        self._by_birth: Any = SortedList()  # of (born, item_id): a plain list moves half of itself for a late one

    def put(self, item: Item) -> bool:
        """Take an upsert or a delete; whether it changed anything here."""
        held = self.items.get(item.item_id)
        if held is None and partition_of(item.item_id, self._partitions) != self._partition:
            return False
        if held is not None and (held.ts, held.event_id) >= (item.ts, item.event_id):
            return False
        again = held is None or held.deleted
        self.items[item.item_id] = sparing(item)
        if again:
            self._bear(item.item_id, max(item.ts, item.available_from or 0))
        return True

    def newest(self, limit: int) -> list[tuple[str, int]]:
        """The items born last, and when; newest first."""
        return [(item_id, born) for born, item_id in islice(reversed(self._by_birth), limit)]

    def told(self) -> Iterator[tuple[Item, int]]:
        """Every item and its birth, for a snapshot."""
        for item_id, item in self.items.items():
            yield item, self.born[item_id]

    def take(self, item: Item, born: int) -> None:
        """One item of a snapshot."""
        self.items[item.item_id] = sparing(item)
        self._bear(item.item_id, born)

    def _bear(self, item_id: str, born: int) -> None:
        if item_id in self.born:
            self._by_birth.remove((self.born[item_id], item_id))
        self.born[item_id] = born
        self._by_birth.add((born, item_id))
