"""Requests at a fixed rate to one server, and what they say of stretches with a swap and without."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from benchmarks.ticking import Gap
from headrace.demo_tally import is_mixed

CLIENTS, PATIENCE, SLOW = 4, 600.0, 0.1
QUIET = 0.4
"""Seconds of quiet after a swap, at least."""


@dataclass(frozen=True, slots=True)
class Answer:
    """When it was due and in hand (seconds), and what it was."""

    due: float
    at: float
    status: int
    version: int
    mixed: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """From, until, and whether there was a swap in it."""

    start: float
    end: float
    swap: bool


@dataclass(slots=True)
class Load:
    """Clients of one server, each with a connection and every so manieth of the requests that are due."""

    port: int
    users: int
    rate: float
    answers: list[Answer] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def on(cls, port: int, users: int, rate: float) -> Iterator[Load]:
        """As long as the block lasts."""
        load = cls(port, users, rate)
        threads = [threading.Thread(target=load._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield load
        finally:
            load.over.set()
            for thread in threads:
                thread.join()

    def wait_for(self, version: int) -> None:
        """Until every client had an answer of a version. Raises RuntimeError where that takes too long."""
        end = time.monotonic() + PATIENCE
        while True:
            last = self.answers[-2 * CLIENTS :]
            if len(last) == 2 * CLIENTS and all(one.version == version for one in last):
                return
            if time.monotonic() > end:
                raise RuntimeError(f"version {version} does not answer; the last ones were {last[-3:]}")
            time.sleep(0.005)

    def around(self, work: Callable[[], None]) -> list[Stretch]:
        """Do the work, then nothing for as long."""
        start = time.monotonic()
        work()
        end = time.monotonic()
        rest = max(QUIET, end - start)
        time.sleep(rest)
        return [Stretch(start, end, True), Stretch(end, end + rest, False)]

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        due, user = time.monotonic() + number / self.rate, number
        while not self.over.is_set():
            due += CLIENTS / self.rate
            time.sleep(max(0.0, due - time.monotonic()))
            user += 6 * 7
            self.answers.append(self._answer(connection, due, 1 + user % self.users))

    def _answer(self, connection: http.client.HTTPConnection, due: float, user: int) -> Answer:
        body = json.dumps({"user_id": str(user), "n": 10, "surface": "home"})
        try:
            connection.request("POST", "/v1/recommend", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read()
            if response.status != 200:
                return Answer(due, time.monotonic(), response.status, 0, False)
            told = json.loads(data)
            return Answer(due, time.monotonic(), 200, told["version"], is_mixed(told))
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
            return Answer(due, time.monotonic(), 0, 0, False)


@dataclass(frozen=True, slots=True)
class Figures:
    """Latencies in ms; `slow` requests took over 100 of them. `stall` is the longest by the processor, `gap` by the
    clock; `quiet` ones are of the stretches without a swap; `seconds` how long a swap took at the median."""

    errors: int
    mixed: int
    p50: float
    p99: float
    p99_quiet: float
    longest: float
    slow: int
    slow_quiet: int
    stall: float
    stall_quiet: float
    gap: float
    gap_quiet: float
    seconds: float

    @property
    def p99_ratio(self) -> float:
        return self.p99 / self.p99_quiet


def figures(answers: Sequence[Answer], stretches: Sequence[Stretch], gaps: Sequence[Gap]) -> Figures:
    """What happened in swaps and between them."""
    swaps, quiet = ([one for one in stretches if one.swap == swap] for swap in (True, False))
    busy_ms, quiet_ms = (
        np.array([1e3 * (one.at - one.due) for one in answers if _within(one.due, of)]) for of in (swaps, quiet)
    )
    late = [gap for gap in gaps if _within(gap.at, swaps)]
    return Figures(
        errors=sum(one.status != 200 for one in answers),
        mixed=sum(one.mixed for one in answers),
        p50=float(np.median(busy_ms)),
        p99=float(np.percentile(busy_ms, 99)),
        p99_quiet=float(np.percentile(quiet_ms, 99)),
        longest=float(busy_ms.max()),
        slow=int((busy_ms > 1e3 * SLOW).sum()),
        slow_quiet=int((quiet_ms > 1e3 * SLOW).sum()),
        stall=max((gap.held_ms for gap in late), default=0.0),
        stall_quiet=max((gap.held_ms for gap in gaps if _within(gap.at, quiet)), default=0.0),
        gap=max((gap.late_ms for gap in late), default=0.0),
        gap_quiet=max((gap.late_ms for gap in gaps if _within(gap.at, quiet)), default=0.0),
        seconds=float(np.median([one.end - one.start for one in swaps])),
    )


def _within(at: float, stretches: Sequence[Stretch]) -> bool:
    return any(one.start <= at < one.end for one in stretches)
