"""Which items are wanted together: pairs within a user's last clicks, fading, in one partition.

A neighbour counts by how near the two clicks were in the user's sequence. Bounded per item: beyond twice `keep` the
lightest go. Partitions are added up at reading (`known.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from serving.decay import Decay
from streams.examples import Past


class Covisitation:
    """Weights between items.

    >>> pairs = Covisitation(half_life=1_000, window=100, clicks=5, keep=10)
    >>> pairs.want("jam", [Past("tea", "click", 0), Past("oil", "click", 1)], ts=2)
    >>> pairs.want("salt", [Past("tea", "click", 0)], ts=200)
    >>> {item: round(weight * pairs.scale(at=2), 3) for item, weight in pairs.near("jam").items()}
    {'oil': 1.0, 'tea': 0.5}
    """

    def __init__(self, *, half_life: int, window: int, clicks: int, keep: int) -> None:
        self._decay = Decay(half_life)
        self._window = window
        self._clicks = clicks
        self._keep = keep
        self.pairs: dict[str, dict[str, float]] = {}
        self.kept: OrderedDict[str, list[Any]] = OrderedDict()
        """What readers made of an item's neighbours; gone as soon as these are others."""

    def want(self, item_id: str, wanted_before: Iterable[Past], ts: int) -> None:
        """An item was wanted after `wanted_before`, oldest first."""
        self._advance(ts)
        weight = self._decay.weight(ts)
        for rank, other in enumerate(self._last(item_id, wanted_before, ts), start=1):
            self._add(item_id, other, weight / rank)
            self._add(other, item_id, weight / rank)

    def near(self, item_id: str) -> dict[str, float]:
        """Items wanted together with one, and how much, before `scale`."""
        found = self.pairs.get(item_id)
        # the copy is one step for the interpreter: the thread that folds may add while a request reads
        return {} if found is None else found.copy()

    def scale(self, at: int) -> float:
        """What weights must be multiplied by to be read at `at`."""
        return self._decay.now(at)

    def told(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Every item with its neighbours, for a snapshot."""
        yield from self.pairs.items()

    @property
    def origin(self) -> int:
        """What the weights grow from (ms)."""
        return self._decay.origin

    def take(self, pairs: dict[str, dict[str, float]], origin: int) -> None:
        """What a snapshot held."""
        self.pairs, self._decay.origin = pairs, origin
        self.kept.clear()

    def _last(self, item_id: str, wanted: Iterable[Past], ts: int) -> list[str]:
        near = [past.item_id for past in wanted if past.item_id != item_id and abs(ts - past.ts) <= self._window]
        return list(dict.fromkeys(reversed(near)))[: self._clicks]

    def _add(self, item_id: str, other: str, weight: float) -> None:
        near = self.pairs.setdefault(item_id, {})
        near[other] = near.get(other, 0.0) + weight
        if len(near) > 2 * self._keep:
            heaviest = sorted(near, key=lambda name: (-near[name], name))[: self._keep]
            self.pairs[item_id] = {name: near[name] for name in heaviest}
        self.kept.pop(item_id, None)  # last: see `Covisited`

    def _advance(self, ts: int) -> None:
        factor = self._decay.advance(ts)
        if factor != 1.0:
            for near in self.pairs.values():
                near.update({name: weight * factor for name, weight in near.items()})
            self.kept.clear()
