"""The items of the simulated world: what everyone can read of them, and what they are really worth.

A tag that an item truly has may be missing from what it says of itself. Refuses to know anything of users.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TAGS: dict[str, tuple[str, ...]] = {
    "music": ("jazz", "choir", "techno", "folk", "opera"),
    "food": ("baking", "noodles", "grill", "cheese", "coffee"),
    "sport": ("climbing", "football", "running", "chess", "rowing"),
    "travel": ("islands", "trains", "mountains", "cities", "camping"),
    "making": ("wood", "pottery", "sewing", "robots", "bicycles"),
    "nature": ("birds", "gardens", "stars", "weather", "rivers"),
    "stories": ("crime", "history", "comedy", "poetry", "space"),
    "home": ("cats", "dogs", "children", "design", "saving"),
}
"""Eight categories of five tags each."""

TAG_NAMES = tuple(tag for tags in TAGS.values() for tag in tags)
CATEGORY_NAMES = tuple(TAGS)
PER_CATEGORY = 5
AUTHORS = 80
SAID = 0.9
"""Share of an item's tags that it names."""


@dataclass(frozen=True, slots=True)
class WorldItem:
    """What an item says of itself: nothing here is hidden truth."""

    item_id: str
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    author: str


class Catalogue:
    """All items so far, with their true tags and quality as columns; row = order of arrival.

    >>> items = Catalogue(np.random.default_rng(1))
    >>> [item.item_id for item in items.arrive(2)], items.size, items.row_of("i1")
    (['i0', 'i1'], 2, 1)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._fame_C = _skewed(rng, len(CATEGORY_NAMES), 0.3)
        self._fame_T = np.concatenate([_skewed(rng, PER_CATEGORY, 0.6) for _ in CATEGORY_NAMES])
        self._skill_A = rng.normal(0.0, 0.3, AUTHORS)
        self.said: list[WorldItem] = []
        self.tag_TI = np.zeros((len(TAG_NAMES), 0), np.float32)
        self.category_I = np.zeros(0, np.int64)
        self.quality_I = np.zeros(0, np.float32)

    @property
    def size(self) -> int:
        """How many items there are."""
        return len(self.said)

    def knows(self, item_id: str) -> bool:
        """Whether this world made the item: anybody may post others to the same address."""
        return item_id[:1] == "i" and item_id[1:].isdecimal() and int(item_id[1:]) < self.size

    def row_of(self, item_id: str) -> int:
        """The column of an item in the arrays; KeyError for an item that this world never made."""
        if not self.knows(item_id):
            raise KeyError(f"item {item_id!r} is none of the world's {self.size:,}: is the log of another demo in use?")
        return int(item_id[1:])

    def draw_tag(self, rng: np.random.Generator) -> int:
        """A tag as often as it is common among items."""
        category = int(rng.choice(len(CATEGORY_NAMES), p=self._fame_C))
        return self._tag_in(rng, category)

    def draw_neighbour(self, rng: np.random.Generator, tag: int) -> int:
        """Another tag, mostly of the same category: what goes together with `tag`."""
        while True:
            other = self._tag_in(rng, tag // PER_CATEGORY) if rng.random() < 0.8 else self.draw_tag(rng)
            if other != tag:
                return other

    def arrive(self, count: int) -> list[WorldItem]:
        """`count` new items."""
        fresh = [self._make(self.size + i) for i in range(count)]
        if fresh:
            self.tag_TI = np.concatenate([self.tag_TI, np.stack([tags for _, tags, _, _ in fresh], axis=1)], axis=1)
            self.category_I = np.append(self.category_I, [category for _, _, category, _ in fresh])
            self.quality_I = np.append(self.quality_I, np.array([quality for *_, quality in fresh], np.float32))
        self.said.extend(item for item, *_ in fresh)
        return [item for item, *_ in fresh]

    def _make(self, number: int) -> tuple[WorldItem, npt.NDArray[np.float32], int, float]:
        rng = self._rng
        tags = [self.draw_tag(rng)]
        tags.append(self.draw_neighbour(rng, tags[0]))
        if rng.random() < 0.4:
            tags.append(self.draw_neighbour(rng, tags[0]))
        category = tags[0] // PER_CATEGORY
        author = int(rng.integers(AUTHORS // len(TAGS))) * len(TAGS) + category
        said = [tag for tag in tags if rng.random() < SAID] or tags[:1]
        true_T = np.zeros(len(TAG_NAMES), np.float32)
        true_T[tags] = 1.0
        item = WorldItem(
            f"i{number}",
            (CATEGORY_NAMES[category],),
            tuple(sorted({TAG_NAMES[tag] for tag in said})),
            f"author{author}",
        )
        return item, true_T, category, float(np.exp(self._skill_A[author] + rng.normal(0.0, 0.35)))

    def _tag_in(self, rng: np.random.Generator, category: int) -> int:
        first = category * PER_CATEGORY
        return first + int(rng.choice(PER_CATEGORY, p=self._fame_T[first : first + PER_CATEGORY]))


def _skewed(rng: np.random.Generator, n: int, exponent: float) -> npt.NDArray[np.float64]:
    share = np.arange(1, n + 1, dtype=float) ** -exponent
    rng.shuffle(share)
    out: npt.NDArray[np.float64] = share / share.sum()
    return out
