"""Requests from this process to another, as fast as they are answered: latencies, failures, and what they cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.gateway_client import Client
from benchmarks.recommend_ground import Asked


@dataclass(slots=True)
class Measured:
    """Latencies (ms) of what was answered with 200, how many were not, seconds asked, seconds of a core used there."""

    ms: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0
    used: float = 0.0

    def at(self, percent: float) -> float:
        """A percentile, ms."""
        return float(np.percentile(self.ms, percent))

    @property
    def rps(self) -> float:
        return len(self.ms) / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time of a request, in microseconds."""
        return 1e6 * self.used / max(len(self.ms), 1)

    def add(self, more: Measured) -> None:
        """Another stretch of the same."""
        self.ms += more.ms
        self.failed += more.failed
        self.seconds += more.seconds
        self.used += more.used


def ask(asked: Asked, connections: int, seconds: float, request: Callable[[int], bytes], first: int = 0) -> Measured:
    """Ask over so many connections, each again as soon as it is answered."""
    told = [Measured() for _ in range(connections)]
    began, used = time.perf_counter(), asked.used()
    threads = [
        threading.Thread(target=_ask, args=(asked.port, one, began + seconds, request, first + 1_000 * number))
        for number, one in enumerate(told)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Measured(seconds=time.perf_counter() - began, used=asked.used() - used)
    for one in told:
        whole.add(one)
    return whole


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask: of whom, over how many connections, what."""

    asked: Asked
    connections: int
    request: Callable[[int], bytes]


def alternated(ways: dict[str, Way], rounds: int, seconds: float) -> dict[str, Measured]:
    """Each way in turn, again and again, so that what else the machine does is in all of them; by name."""
    told = {name: Measured() for name in ways}
    for way in ways.values():
        ask(way.asked, way.connections, seconds / 4, way.request)
    for number in range(rounds):
        for name, way in ways.items():
            told[name].add(ask(way.asked, way.connections, seconds, way.request, first=977 * number))
    return told


def failed(all_of: Iterable[Measured]) -> int:
    """How many requests were not answered with 200."""
    return sum(one.failed for one in all_of)


def _ask(port: int, told: Measured, end: float, request: Callable[[int], bytes], first: int) -> None:
    client, number = Client(port), first
    while (began := time.perf_counter()) < end:
        status = client.post(request(number))
        number += 1
        if status == 200:
            told.ms.append(1e3 * (time.perf_counter() - began))
        else:
            told.failed += 1
