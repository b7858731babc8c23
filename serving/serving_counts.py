"""What a server counts: for Prometheus, and as plain numbers for the status file of its process."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TypedDict

import prometheus_client as prometheus

from serving.answers import Recommendation

KEPT = 2_000
"""Latencies kept for the percentiles of the status file."""

BUCKETS = (0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.02, 0.04, 0.08, 0.16, 0.4, 1.0)


class Told(TypedDict):
    """The counts so far. `rungs` has how many lists each rung gave; latencies are in ms."""

    requests: int
    failed: int
    refused: int
    mixed: int
    rungs: dict[str, int]
    version: int
    swaps: int
    p50_ms: float
    p95_ms: float
    trouble: str
    mirrors: dict[str, Mirrored]


class Mirrored(TypedDict):
    """Requests that one experiment answered beside: how many, how many not at all, how many were let go since the
    mirror was busy; time (ms) of its lists, and the share of the items that both lists had, on average."""

    answers: int
    failed: int
    dropped: int
    p50_ms: float
    p95_ms: float
    common: float


class ServingCounts:
    """Counts of one server, in a registry of its own.

    >>> counts = ServingCounts()
    >>> counts.serving(3); counts.serving(4); counts.answered("recommend", 0.002)
    >>> counts.told()["requests"], counts.told()["version"], counts.told()["swaps"]
    (1, 4, 2)
    """

    def __init__(self) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._seconds = prometheus.Histogram(
            "headrace_request_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=self.registry
        )
        self._outcomes = prometheus.Counter(
            "headrace_requests", "Requests by what became of them", ["route", "outcome"], registry=self.registry
        )
        self._rungs = prometheus.Counter("headrace_answers", "Lists by rung", ["rung"], registry=self.registry)
        self._mixed = prometheus.Counter(
            "headrace_mixed", "Lists held back since their stages used different versions", registry=self.registry
        )
        self._troubles = prometheus.Counter(
            "headrace_troubles", "Rungs that failed, by error", ["error"], registry=self.registry
        )
        self._turned_away = prometheus.Counter(
            "headrace_refusals", "Requests turned away before they reached a route", ["reason"], registry=self.registry
        )
        self._version = prometheus.Gauge("headrace_version", "The version that serves", registry=self.registry)
        self._swaps = prometheus.Counter("headrace_swaps", "Changes of the version", registry=self.registry)
        self._counted: Counter[str] = Counter()
        self._by_rung: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=KEPT)
        self._serving, self._trouble = 0, ""
        self._mirrors: dict[str, _Mirror] = {}

    def answered(self, route: str, seconds: float) -> None:
        """A request was answered, well or by a lower rung."""
        self._seconds.labels(route).observe(seconds)
        self._latencies.append(seconds)
        self._count(route, "answered")

    def refused(self, route: str) -> None:
        """A request was wrong."""
        self._count(route, "refused")

    def turned_away(self, reason: str) -> None:
        """A request had no key, or not the right one, or asked too often."""
        self._turned_away.labels(reason).inc()

    def failed(self, route: str) -> None:
        """A request was right and got no answer."""
        self._count(route, "failed")

    def gave(self, given: Recommendation) -> None:
        """A list was made: its rung, and what went wrong above it."""
        self._rungs.labels(given.rung).inc()
        self._by_rung[given.rung] += 1
        for trouble in given.trouble:
            error = trouble.partition(":")[0]
            self._troubles.labels(error).inc()
            self._trouble = trouble
            if error == "MixedVersions":
                self._mixed.inc()
                self._counted["mixed"] += 1

    def mirrored(self, name: str, outcome: str, seconds: float = 0.0, common: float = 0.0) -> None:
        """An experiment answered beside, was let go (`dropped`) or could not (`failed`)."""
        mirror = self._mirrors.setdefault(name, _Mirror())
        mirror.outcomes[outcome] += 1
        if outcome == "answers":
            mirror.latencies.append(seconds)
            mirror.common += common

    def serving(self, version: int) -> None:
        """The version that serves, as seen now."""
        if version != self._serving:
            self._serving = version
            self._version.set(version)
            self._swaps.inc()
            self._counted["swaps"] += 1

    def exposed(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return prometheus.generate_latest(self.registry)

    def told(self) -> Told:
        """All of it, as plain numbers."""
        latencies, counted = sorted(self._latencies), self._counted
        return Told(
            requests=counted["answered"] + counted["failed"] + counted["refused"],
            failed=counted["failed"],
            refused=counted["refused"],
            mixed=counted["mixed"],
            rungs=dict(self._by_rung),
            version=self._serving,
            swaps=counted["swaps"],
            p50_ms=_at(latencies, 0.5),
            p95_ms=_at(latencies, 0.95),
            trouble=self._trouble,
            mirrors={name: mirror.told() for name, mirror in list(self._mirrors.items())},
        )

    def _count(self, route: str, outcome: str) -> None:
        self._outcomes.labels(route, outcome).inc()
        self._counted[outcome] += 1


@dataclass(slots=True)
class _Mirror:
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    common: float = 0.0

    def told(self) -> Mirrored:
        latencies, answers = sorted(self.latencies), self.outcomes["answers"]
        return Mirrored(
            answers=answers,
            failed=self.outcomes["failed"],
            dropped=self.outcomes["dropped"],
            p50_ms=_at(latencies, 0.5),
            p95_ms=_at(latencies, 0.95),
            common=round(self.common / answers, 4) if answers else 0.0,
        )


def _at(latencies: list[float], share: float) -> float:
    return round(1_000 * latencies[int(share * (len(latencies) - 1))], 3) if latencies else 0.0
