"""A child that runs a function of this program in a copy of this process: what stood before the fork, it shares.

It has the verbs of `subprocess.Popen` that a supervisor uses. Linux alone promises that libraries bear a fork.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import get_context
from typing import BinaryIO

from headrace.lifeline import hold_on_to
from headrace.terminal import complain
from streams.errors import HeadraceError

Work = Callable[[], None]
STOPS = (signal.SIGTERM, signal.SIGINT)


def can_fork() -> bool:
    """Whether a copy of this process would be whole: the threads of its parent are not in it, but their locks are."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


class Forked:
    """`work` in a session of its own, its words in `words`; it dies with this process, and with the function."""

    def __init__(self, work: Work, words: BinaryIO) -> None:
        process = get_context("fork").Process(target=_become, args=(work, words, os.getpid()), daemon=True)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # one that came now would set the parent's flag alone
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def poll(self) -> int | None:
        """Its status once it has ended, negative for a signal."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its status, once there is one. Raises TimeoutExpired."""
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return status

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _become(work: Work, words: BinaryIO, parent: int) -> None:
    """1. be held; 2. hear signals as a new process does; 3. speak into the file; 4. work."""
    hold_on_to(parent)
    os.setsid()
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    for stream in (1, 2):
        os.dup2(words.fileno(), stream)
    try:
        work()
    except HeadraceError as error:
        complain(error)
        raise SystemExit(1) from None
