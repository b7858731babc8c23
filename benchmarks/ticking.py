"""A thread that wants to run every millisecond, and how long it was kept from it: by whoever holds the interpreter
lock, or by a machine that has other work.

The two are told apart twice: a gap in which the process hardly computed was the machine's, and so is the part of it in
which the thread could have run and got no processor (`schedstat` of Linux).
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TextIO

EVERY = 0.001
TOLD = 0.002
"""Seconds of lateness from which a gap is told."""


@dataclass(frozen=True, slots=True)
class Gap:
    """When it ended (seconds), how late the thread was, and how much of that this process may have held it up (ms)."""

    at: float
    late_ms: float
    held_ms: float


def tick(out: TextIO) -> threading.Thread:
    """Start it; each gap is written as a line of `out`."""

    def run() -> None:
        own = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        at, computed, waited = time.monotonic(), time.process_time(), _waited(own)
        while True:
            time.sleep(EVERY)
            now, so_far, ready = time.monotonic(), time.process_time(), _waited(own)
            late = now - at - EVERY
            if late > TOLD:
                held = max(0.0, min(late - (ready - waited), so_far - computed))
                out.write(f"{now} {1e3 * late} {1e3 * held}\n")
            at, computed, waited = now, so_far, ready

    thread = threading.Thread(target=run, name="tick", daemon=True)
    thread.start()
    return thread


def _waited(stat: int) -> float:
    """Seconds that the thread was ready to run and did not."""
    return int(os.pread(stat, 100, 0).split()[1]) / 1e9


def gaps_of(lines: list[str]) -> list[Gap]:
    """What was written.

    >>> gaps_of(["7.5 3.0 1.0"])
    [Gap(at=7.5, late_ms=3.0, held_ms=1.0)]
    """
    return [Gap(*map(float, line.split())) for line in lines if line.strip()]
