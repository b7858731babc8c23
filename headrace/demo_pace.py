"""How many pages a second the machine can bear: the demo must not starve what it shows.

`Pace` decides, from what share of the cores the whole tree used and how long answers took. Reading /proc stands below
it; where there is none (not Linux) answer times alone decide.
"""

from __future__ import annotations

import os
from pathlib import Path

FASTEST, SLOWEST = 95.0, 25.0
BUSY = 0.7
"""Share of the cores that the demo takes at most."""
SLOW_MS = 200.0


class Pace:
    """Pages per second: a little up while there is room, quickly down when there is none.

    >>> pace = Pace(start=50.0)
    >>> pace.adapt(busy=0.9, answer_ms=20.0), pace.adapt(busy=0.3, answer_ms=20.0)
    (40.0, 42.0)
    """

    def __init__(self, *, start: float = 35.0, fastest: float = FASTEST) -> None:
        self.rate = start
        self._fastest = fastest

    def adapt(self, *, busy: float | None, answer_ms: float | None) -> float:
        """The rate for the next second."""
        hot = (busy or 0.0) > BUSY or (answer_ms or 0.0) > SLOW_MS
        roomy = (busy or 0.0) < BUSY - 0.07 and (answer_ms or 0.0) < SLOW_MS / 2
        step = 0.8 if hot else 1.05 if roomy else 1.0
        self.rate = min(self._fastest, max(SLOWEST, self.rate * step))
        return self.rate


class TreeLoad:
    """Share of all cores that this process and its descendants used since the last look; None where unknown."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._used: dict[int, int] = {}
        self._at: float | None = None

    def look(self, now: float) -> float | None:
        """`now` in seconds of a clock that never goes back."""
        used = self._ticks()
        if not used:
            return None
        spent = sum(ticks - self._used.get(pid, 0) for pid, ticks in used.items())
        since, first = now - (self._at or now), self._at is None
        self._used, self._at = used, now
        if first or since <= 0:
            return None
        return spent / os.sysconf("SC_CLK_TCK") / since / (os.cpu_count() or 1)

    def _ticks(self) -> dict[int, int]:
        parents: dict[int, int] = {}
        ticks: dict[int, int] = {}
        for stat in self._proc.glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(stat.parent.name)
            parents[pid], ticks[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
        return {pid: ticks[pid] for pid in _tree(os.getpid(), parents)}


def seconds_since_start(proc: Path = Path("/proc")) -> float:
    """How long this process has lived, so that its own start counts; 0 where that is unknown."""
    try:
        started = int((proc / "self/stat").read_text().rpartition(")")[2].split()[19])
        up = float((proc / "uptime").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return 0.0
    return max(0.0, up - started / os.sysconf("SC_CLK_TCK"))


def _tree(root: int, parents: dict[int, int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, queue = set(), [root] if root in parents else []
    while queue:
        pid = queue.pop()
        found.add(pid)
        queue.extend(children.get(pid, []))
    return found
