"""Who holds the states of this deployment: asks the kernel for each LOCK file, and never takes one.

Where the kernel can't be asked (not Linux) nobody is said to hold anything.
"""

from __future__ import annotations

import fcntl
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from headrace.doctor_facts import Lock

OWNERS = {"join": "join", "follow": "follow"}
"""Folders of run-time data with a RocksDB in them, and whose they are."""
_FLOCK = "hhqqi4x"  # struct flock of Linux on 64 bits


def locks_in(var: Path) -> Iterator[Lock]:
    """Each LOCK file below the folder of run-time data."""
    for folder, owner in OWNERS.items():
        for path in sorted((var / folder).rglob("LOCK")):
            yield Lock(str(path.parent), owner, holder_of(path))


def holder_of(path: Path) -> int | None:
    """The process that holds a lock on a file; None where nobody does, or it can't be known."""
    if not sys.platform.startswith("linux"):
        return None
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
    try:
        with path.open("rb") as opened:
            told = struct.unpack(_FLOCK, fcntl.fcntl(opened, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if told[0] == fcntl.F_UNLCK else int(told[4])
