"""What a server knows, as requests read it: one part per partition, the stock, and the newest view.

One thread writes (`folding.py`), requests read without locks: each read is one dictionary look-up, one copy, or one
frozen view. A part that had to be built again is put in place by one assignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from heapq import merge
from itertools import islice

from serving.awaited import Awaited
from serving.boards import Boards
from serving.code_sums import CodeSums
from serving.covisited import Codes, Covisited, Weights
from serving.fold_rules import FoldRules
from serving.part import Part
from serving.profiles import Profile
from serving.stock import Stock
from serving.view import LISTED, View, view_of
from streams.positions import Positions, partition_of


class Known:
    """Everything folded so far.

    >>> from streams.events import Interaction
    >>> known = Known(partitions=2, rules=FoldRules())
    >>> known.home("ana").feed(known.home("ana").partition, 0, [Interaction("e", 7, "ana", "click", item_id="tea")])
    >>> known.refresh(); known.profile("ana").history_at, known.view.popular
    (7, ('tea',))
    """

    def __init__(self, *, partitions: int, rules: FoldRules) -> None:
        self.partitions = partitions
        self.rules = rules
        self.parts = [Part(partition, partitions, rules) for partition in range(partitions)]
        self.stock = Stock()
        self.view = View()
        self.boards = Boards()
        self.caught_up = False
        """Whether every partition was read to its end once."""
        self.published = False
        """Whether any version was ever published."""
        self.awaited = Awaited()
        self._partition_of = lru_cache(maxsize=1 << 16)(partition_of)
        self._covisited = Covisited(self.stock)
        self._counts, self._follows = CodeSums(self.stock), CodeSums(self.stock)

    @property
    def positions(self) -> Positions:
        """The next offsets to read in `events`."""
        return {part.partition: part.next for part in self.parts}

    @property
    def counts_what_follows(self) -> bool:
        """Whether the rules that hold now say that what is wanted after an item is counted."""
        return any(part.rules.follow_window for part in self.parts)

    def home(self, user_id: str) -> Part:
        """The part that knows a user."""
        return self.parts[self._partition_of(user_id, self.partitions)]

    def profile(self, user_id: str) -> Profile:
        """What is known of a user, for reading only."""
        return self.home(user_id).profiles.of(user_id)

    def near(self, item_ids: Sequence[str], limit: int) -> list[tuple[str, float]]:
        """Items wanted together with these, of which the first counts most; heaviest first."""
        codes, weights = self.near_codes(item_ids, limit)
        return list(zip(self.stock.named(codes), weights.tolist(), strict=True))

    def near_codes(self, item_ids: Sequence[str], limit: int) -> tuple[Codes, Weights]:
        """The same by the stock's numbers."""
        at = max(part.newest for part in self.parts)
        return self._covisited.near([part.covisitation for part in self.parts], at, item_ids, limit)

    def restock(self) -> None:
        """Bring the stock up to what the parts took since the last time, and number what they count. For the folding
        thread alone."""
        for part in self.parts:
            changed, part.changed = part.changed, []
            for item in changed:
                self.stock.put(item)
        self._counts.number([part.popularity for part in self.parts])

    def put(self, part: Part) -> None:
        """Replace a part: 1 requests read the new one; 2 the stock forgets what only the old one had."""
        old, self.parts[part.partition] = self.parts[part.partition], part
        for item_id in old.catalogue.items.keys() - part.catalogue.items.keys():
            self.stock.drop(item_id)
        for item in part.catalogue.items.values():
            self.stock.put(item)

    def refresh(self) -> None:
        """Make the view anew, as of the newest event. For the folding thread alone."""
        at = max(part.newest for part in self.parts)
        counts = self._counts.read([part.popularity for part in self.parts], at)
        counted = self.counts_what_follows
        follows = self._follows.read([part.following for part in self.parts], at) if counted else None
        self.view = view_of(at, self.stock.item_ids, counts, self._latest(at), follows)

    def _latest(self, at: int) -> list[str]:
        by_birth = (self._born(part, at) for part in self.parts)
        return [item_id for _, item_id in islice(merge(*by_birth), LISTED)]

    def _born(self, part: Part, at: int) -> list[tuple[int, str]]:
        born = part.catalogue.newest(LISTED)
        return [(-born_at, item_id) for item_id, born_at in born if self.stock.open_at(item_id, max(at, born_at))]
