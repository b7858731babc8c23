"""What is asked of an id before it gets a row, and how long it keeps it: plain facts, by kind of ids."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Kind:
    """Rules of one kind of ids. The `count`-th sighting gets a row; with a `chance` above 0 each sighting gets one
    with that chance instead, and nothing is remembered of those that got none. A row that was not used for `ttl_ms`
    of event time goes; 0: it stays."""

    count: int = 1
    chance: float = 0.0
    ttl_ms: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.chance <= 1 or self.ttl_ms < 0:
            raise ValueError(f"{self}: count is at least 1, chance from 0 to 1, ttl_ms at least 0")


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules of all ids together. Beyond `cap` rows (0: there is none) those of least use go, down to `low` of it; a
    use counts half after `half_life_ms`. An id without a row is forgotten `forget_ms` after its last sighting."""

    cap: int = 0
    low: float = 0.9
    half_life_ms: int = DAY_MS
    forget_ms: int = 7 * DAY_MS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.cap < 0 or not 0 < self.low <= 1 or self.half_life_ms <= 0 or self.forget_ms < 0:
            raise ValueError(f"{self}: cap and forget_ms are at least 0, low is in (0, 1], half_life_ms above 0")


def chance_of(sightings: int, missed: float = 0.05) -> float:
    """The chance at which an id has got a row by so many sightings, but for a share of `missed`: 1 - missed^(1/T), as
    in Monolith (arXiv 2209.07663) and its released filter.

    >>> round(chance_of(5), 4), round(1 - (1 - chance_of(5)) ** 5, 4)
    (0.4507, 0.95)
    """
    return float(1 - missed ** (1 / sightings))
