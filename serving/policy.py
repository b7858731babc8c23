"""What an operator decides about lists: how many candidates from where, what an action is worth, how much to vary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from serving.filter_terms import Filter
from serving.filters import parsed
from serving.fold_rules import HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Quotas:
    """At most how many candidates each source may bring."""

    vectors: int = 200
    recent: int = 60
    similar: int = 60
    covisited: int = 60
    walked: int = 0
    categories: int = 20
    popular: int = 60
    trending: int = 20
    fresh: int = 30
    random: int = 0
    promoted: int = 30


@dataclass(frozen=True, slots=True)
class SeenRule:
    """What a user has had enough of: items wanted within `wanted_for` ms, and items shown `showings` times in vain, the
    last time within `shown_for` ms. Where that leaves too few, they come back."""

    wanted_for: int = 10 * MINUTE
    showings: int = 6
    shown_for: int = HOUR


@dataclass(frozen=True, slots=True)
class Caps:
    """At most so many items of one author, and of one category, in a list; 0: no cap."""

    author: int = 0
    category: int = 0


@dataclass(frozen=True, slots=True)
class Promotion:
    """Items that `filter` lets through get `share` of a list's places: no fewer where there are such items, and no
    more. An empty filter promotes nothing."""

    filter: str = ""
    share: float = 0.1

    @property
    def wanted(self) -> Filter | None:
        """The filter, None where nothing is promoted. Raises BadFilter."""
        return parsed(self.filter) if self.filter else None


@dataclass(frozen=True, slots=True)
class Bid:
    """An item's numeric `attribute` times its chance of `label`, times `weight`, adds to its value; an empty attribute
    adds nothing, and so does an item without it."""

    attribute: str = ""
    label: str = "click"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class WatchNext:
    """An item's chance of `label` times how many items people went on to want after it (`following.py`), times
    `weight`, adds to its value: `weight` is what one more item that is wanted is worth. 0 adds nothing."""

    weight: float = 0.0
    label: str = "click"


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that may change between two requests without learning anything.

    `weights` says what each predicted label is worth; empty means 1 each. `diversity` is the share of the unlike in
    choosing (0: by value alone), `epsilon` the share of places given to chance, `fatigue` the part of its value that an
    item keeps for each showing in vain.
    `exploration` says whether the other places are the values' alone or those of values as uncertain as they are, which
    `boldness` widens. `deadline` is in ms. `logged` is the share of
    lists whose slate says what their features were.
    """

    weights: dict[str, float] = field(default_factory=dict)
    quotas: Quotas = field(default_factory=Quotas)
    seen: SeenRule = field(default_factory=SeenRule)
    diversity: float = 0.05
    epsilon: float = 0.02
    fatigue: float = 0.97
    deadline: float = 100.0
    logged: float = 0.0
    caps: Caps = field(default_factory=Caps)
    promotion: Promotion = field(default_factory=Promotion)
    bid: Bid = field(default_factory=Bid)
    watch_next: WatchNext = field(default_factory=WatchNext)
    exploration: Literal["epsilon", "thompson"] = "epsilon"
    boldness: float = 1.0
