"""A child that never outlives its parent, however the parent ends. Linux tells the child; elsewhere it asks.

A program that isn't ours is held as well: `python -m headrace.lifeline PARENT COMMAND...` becomes that command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def hold_on_to(parent: int) -> None:
    """Die with the process `parent`, also if that one gets a kill -9; at once if it is dead already.

    The death of the thread that started this process counts as its parent's death: start children from a thread that
    lives as long as they do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if is_orphan(parent):
        raise SystemExit(f"the parent, process {parent}, is gone; nothing to work for")


def tied_to_us(command: Sequence[str]) -> list[str]:
    """The command line of a foreign program that shall die with this process."""
    return [sys.executable, "-m", "headrace.lifeline", str(os.getpid()), *command]


def is_orphan(parent: int) -> bool:
    """Whether this process has another parent than it was started by."""
    return os.getppid() != parent


if __name__ == "__main__":
    hold_on_to(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
