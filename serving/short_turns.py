"""The interpreter's habits that hold up requests, and what a server does about them.

A thread that computes keeps the interpreter lock for 5 ms before another gets it; a tenth of that costs nothing here. A
full collection of garbage looks at every object that could stand in a ring: with a million items known, a tenth of a
second in which nothing is answered. Here one is made often, and what it would look at for too long is passed over from
then on. That is freed all the same once nobody holds it; only rings of old objects would stay, and a server makes none.
And a thread that opens a version computes for seconds: it stands behind those that answer.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Report = TypeVar("Report")

TURN = 0.0005
"""Seconds that one thread may compute while others wait."""

LONG = 0.001
"""Seconds of processor from which a collection is too long to be made again."""

BEHIND = 5
"""Steps of niceness: a third of the processor's time, where two threads want the same one."""


@dataclass(frozen=True, slots=True)
class Collected:
    """One turn; `passed_over` says whether what is left is not looked at again."""

    idle: bool
    passed_over: bool | None = None


def standing_behind(reports: Iterator[Report]) -> Iterator[Report]:
    """The same reports; from the first one on, the thread that asks for them lets others of the process go first.

    By little only: it holds the interpreter lock now and then, and must not be kept waiting with it.
    """
    if sys.platform == "linux":  # elsewhere threads have no priority of their own
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + BEHIND)
    yield from reports


def short_turns() -> Iterator[Collected]:
    """1. shorten the turns of threads; 2. one full collection a turn, for ever, of what came since one took too long.
    What a parent froze stays so."""
    sys.setswitchinterval(TURN)
    while True:
        began = time.thread_time()
        gc.collect()
        long = time.thread_time() - began > LONG
        if long:
            gc.freeze()
        yield Collected(True, long)
