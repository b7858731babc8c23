"""How many events a producer may send in a second: buckets of tokens where it can be sent away, seconds where it can
only be counted. Reads no clock.

A limit holds in one process; two gateways let through twice as much. Producers name themselves: a rate keeps one from
drowning the others by mistake, it keeps nobody out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_SECONDS = 10_000
SWEPT_AT = 1_000
"""Buckets after which the full ones are dropped: they say nothing that a new one would not."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Events per second of each producer, 0: any number; `rates` are those of single producers, by name. `burst_ms` is
    the time for which an unused rate is saved."""

    rate: int = 0
    rates: Mapping[str, int] = field(default_factory=dict)
    burst_ms: int = 10_000

    def of(self, producer: str) -> int:
        return self.rates.get(producer, self.rate)


@dataclass(slots=True)
class _Bucket:
    """`filled` is in thousandths of an event, which is what a rate gives in a ms."""

    filled: int
    at: int


class Rates:
    """The buckets of all producers.

    >>> rates = Rates(RateLimits(rate=10, burst_ms=1_000))
    >>> rates.wait({"web": 10}, now=0), rates.wait({"web": 5}, now=0), rates.wait({"web": 5}, now=500)
    ((0, ''), (500, 'web'), (0, ''))

    More than a bucket holds at once is let through by a full one, which then owes the rest.

    >>> rates.wait({"bulk": 30}, now=0), rates.wait({"bulk": 1}, now=0)
    ((0, ''), (2100, 'bulk'))
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._buckets: dict[str, _Bucket] = {}
        self._sweep_at = SWEPT_AT

    def wait(self, counts: Mapping[str, int], *, now: int) -> tuple[int, str]:
        """0, and the tokens are taken, where every producer may send its events; else the ms until all of them may,
        with the one to wait for, and none is taken."""
        longest, slowest, wanted = 0, "", []
        for producer, count in counts.items():
            rate = self._limits.of(producer)
            if rate <= 0 or count <= 0:
                continue
            bucket, room = self._filled(producer, rate, now), self._room(rate)
            ms = -((bucket.filled - min(1000 * count, room)) // rate)
            if ms > longest:
                longest, slowest = ms, producer
            wanted.append((bucket, count))
        if not longest:
            for bucket, count in wanted:
                bucket.filled -= 1000 * count
        if len(self._buckets) > self._sweep_at:
            self._sweep(now)
        return longest, slowest

    def _filled(self, producer: str, rate: int, now: int) -> _Bucket:
        bucket = self._buckets.get(producer)
        if bucket is None:
            bucket = self._buckets[producer] = _Bucket(self._room(rate), now)
        if now > bucket.at:  # a clock that goes back gives nothing and takes nothing
            bucket.filled = min(self._room(rate), bucket.filled + (now - bucket.at) * rate)
            bucket.at = now
        return bucket

    def _room(self, rate: int) -> int:
        return max(1000, rate * self._limits.burst_ms)

    def _sweep(self, now: int) -> None:
        for producer in list(self._buckets):
            rate = self._limits.of(producer)
            if self._filled(producer, rate, now).filled >= self._room(rate):
                del self._buckets[producer]
        self._sweep_at = max(SWEPT_AT, 2 * len(self._buckets))


class Seconds:
    """Which events are above their producer's rate in the second of their record, in whatever order records are read.

    >>> seconds = Seconds(RateLimits(rate=2))
    >>> [seconds.above("web", at) for at in (1_000, 2_000, 1_100, 1_200, 2_900)]
    [False, False, False, True, False]
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._counts: dict[tuple[str, int], int] = {}

    def above(self, producer: str, at: int) -> bool:
        """Count an event received at this moment; whether it is one too many."""
        rate = self._limits.of(producer)
        if rate <= 0:
            return False
        second = producer, at // 1000
        count = self._counts[second] = self._counts.get(second, 0) + 1
        if len(self._counts) > MOST_SECONDS:
            del self._counts[next(iter(self._counts))]
        return count > rate
