"""Sees to it that chains stay short: looks now and then, and has a child process make the newest version whole.

Never waits, reads no arrays, and removes nothing: what is no longer stood upon goes by retention. Where it can't keep
up, the trainer writes a full version itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from checkpoints.chain_plan import chains_of, to_compact
from checkpoints.errors import PlaceError
from checkpoints.locations import Location, store_at

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
LAST_PAUSE = 600_000


@dataclass(frozen=True, slots=True)
class Compacted:
    """One compaction that ended; an `error` says why it came to nothing."""

    version: int
    error: str = ""


class Compacting:
    """One at a time; `most` is how long a chain may get. After a failure it pauses, twice as long each time."""

    def __init__(self, location: Location, *, most: int, every: int, clock: Callable[[], int]) -> None:
        self._location, self._most, self._every, self._clock = location, most, every, clock
        self._store = store_at(location)
        self._child: tuple[int, subprocess.Popen[bytes]] | None = None
        self._due, self._pause = clock(), every

    def turn(self) -> Compacted | None:
        """Begin one where it is due; what came of it, once it has ended."""
        if self._child is not None:
            return self._ended(*self._child)
        if self._clock() >= self._due:
            self._due = self._clock() + self._every
            if (version := self._wanted()) is not None:
                self._child = version, started(self._location, version)
        return None

    def close(self) -> None:
        """End the child, whatever it is at: what it left aside is taken away by the next one."""
        child, self._child = self._child, None
        if child is not None:
            child[1].kill()
            child[1].communicate()

    def _wanted(self) -> int | None:
        try:
            return to_compact(chains_of(self._store.manifests(), self._store.compacted()), self._most)
        except (OSError, PlaceError):
            return None  # retention looks at the same place, and says so

    def _ended(self, version: int, process: subprocess.Popen[bytes]) -> Compacted | None:
        status = process.poll()
        if status is None:
            return None
        said = process.communicate()[1].decode(errors="replace").strip()
        self._child = None
        if not status:
            self._pause = self._every
            return Compacted(version)
        self._pause = min(2 * self._pause, LAST_PAUSE)
        self._due = self._clock() + self._pause
        return Compacted(version, f"version {version} could not be made whole (status {status}): {said[-500:]}")


def started(location: Location, version: int) -> subprocess.Popen[bytes]:
    """A child of low priority that makes a version whole, and dies with this process; it says on stderr what failed."""
    home, known = str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")
    told = msgspec.json.encode(location).decode()
    return subprocess.Popen(
        [sys.executable, "-m", "checkpoints.compaction", told, str(version), "--parent", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": f"{home}{os.pathsep}{known}" if known else home},
    )
