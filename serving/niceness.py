"""Work that stands back behind what answers requests."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def at_nice(nice: int, work: Callable[[], T]) -> T:
    """Do the work in a thread that stands back: niceness is a thread's own, and can't be taken back from a process."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, max(nice, os.getpriority(os.PRIO_PROCESS, own)))
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="build")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
