"""A tree of processes on one machine: started together, restarted one by one, stopped in the order of a click.

Deaths and restarts are reports; nothing here logs. What the processes do is not known here: they are command lines, or
functions that run in a fork of this process, and each says that it is ready in `NAME.json` of the run folder.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headrace.forked import Forked, Work
from headrace.restarts import DEATHS, WITHIN, Restarts
from headrace.telemetry import Status, read_status
from streams.errors import HeadraceError

PAUSE = 0.05
PATIENCE = 20.0


class GaveUp(HeadraceError):
    """A process died too often."""


@dataclass(frozen=True, slots=True)
class Death:
    """One process ended by itself; `status` as subprocess gives it, negative for a signal."""

    name: str
    status: int
    restart_in: int


@dataclass(slots=True)
class _Child:
    command: Sequence[str] | Work
    process: subprocess.Popen[bytes] | Forked | None = None
    restarts: Restarts = field(default_factory=Restarts)
    due: int = 0


class Supervisor:
    """Runs `commands`, name to command line or to a function, in the order in which they are given, and stops them so.

    Promised: a child dies with this process (a command if it holds on to the pid in its `--parent`); after `stop` none
    runs. Not promised: that a child which hangs is noticed. Start and `watch` it from one thread that lives on till
    `stop`; the only one, where there are functions. `environ` is for commands.
    """

    def __init__(
        self, commands: Mapping[str, Sequence[str] | Work], run: Path, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self.run = run
        self._children = {name: _Child(command) for name, command in commands.items()}
        self._environ = dict(os.environ if environ is None else environ)

    def start(self) -> None:
        """Start all of them."""
        self.run.mkdir(parents=True, exist_ok=True)
        for name, child in self._children.items():
            self._spawn(name, child)

    def watch(self) -> list[Death]:
        """One look: start those again whose pause is over; the deaths since the last look.

        Raises GaveUp when a process has died 5 times in 60 s.
        """
        now, deaths = _now(), []
        for name, child in self._children.items():
            if child.process is None:
                if now >= child.due:
                    self._spawn(name, child)
                continue
            status = child.process.poll()
            if status is None:
                continue
            pause = child.restarts.pause_after(now)
            if pause is None:
                raise GaveUp(
                    f"{name} died {DEATHS} times in {WITHIN // 1000} s, the last time with status {status}. "
                    f"Its last words are in {self.log_of(name)}; repair the cause and start again."
                )
            child.process, child.due = None, now + pause
            deaths.append(Death(name, status, pause))
        return deaths

    def wait_ready(
        self, timeout: float = 120.0, *, names: Collection[str] = (), waiting: Callable[[], bool] = lambda: True
    ) -> dict[str, Status]:
        """Watch until `names` (all, where none are given) are ready, and what is said then; empty as soon as `waiting`
        says no.

        Raises GaveUp at the timeout, in seconds.
        """
        end, wanted = _now() + round(timeout * 1000), set(names or self._children)
        while wanted - (ready := self.ready()).keys():
            if not waiting():
                return {}
            if _now() > end:
                late = ", ".join(sorted(wanted - ready.keys()))
                raise GaveUp(f"{late} not ready after {timeout:.0f} s; see the *.log files in {self.run}")
            self.watch()
            time.sleep(PAUSE)
        return ready

    def ready(self) -> dict[str, Status]:
        """The statuses of those that run and said that they are ready."""
        said = read_status(self.run)
        return {
            name: said[name]
            for name, child in self._children.items()
            if name in said and child.process is not None and said[name].pid == child.process.pid
        }

    def stop(self, patience: float = PATIENCE) -> None:
        """Ask one after the other to stop, in order; kill who does not within `patience` seconds. Twice is fine."""
        for child in self._children.values():
            process, child.process = child.process, None
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log_of(self, name: str) -> Path:
        """Where the words of one process go."""
        return self.run / f"{name}.log"

    def _spawn(self, name: str, child: _Child) -> None:
        (self.run / f"{name}.json").unlink(missing_ok=True)
        with self.log_of(name).open("ab") as words:
            child.process = Forked(child.command, words) if callable(child.command) else subprocess.Popen(
                child.command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=self._environ,
                start_new_session=True,  # Ctrl-C reaches this process alone, so that the order is kept
            )  # fmt: skip


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
