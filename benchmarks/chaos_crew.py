"""The processes that are struck: started as `headrace up` starts them, killed by signals, started again at once.

Without `up`'s supervisor, since that rightly gives up where a process dies as often as here. A process that ends
without being struck is remembered with its last words: that is a fault, unless the broker was away.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from headrace.deployment import run_folder
from headrace.settings import Settings
from headrace.settings_file import save, without_settings
from headrace.telemetry import Status, read_status
from headrace.tree import SINGLE_THREADED, command_of
from streams.positions import Positions

AGAIN_S = 0.1
LOOK_S = 0.05
AIM_S = 1.0
STOPPING_S = 40.0
SECOND = "join-b"
COMMANDS: Mapping[str, Sequence[str]] = {
    "sequence": ("sequence",),
    "join": ("join", "--worker", "a"),
    SECOND: ("join", "--worker", "b"),
    "train": ("train",),
}
DISKS = {"join": "a", SECOND: "b"}


@dataclass(slots=True)
class _Member:
    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0


@dataclass(slots=True)
class Crew:
    """Which of `COMMANDS` run. From one thread that lives as long as they do: they die with it."""

    settings: Settings
    deaths: list[str] = field(default_factory=list)
    """Of those that nobody struck."""
    away: bool = False
    """Whether the broker is: who ends meanwhile is excused."""
    excused: int = 0
    starts: int = 0
    _members: dict[str, _Member] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        for name in names:
            self._members[name] = _Member()
        self.tend()

    def tend(self) -> None:
        """Start those again that ended."""
        for name, member in self._members.items():
            process = member.process
            if process is not None and (status := process.poll()) is not None:
                self._remember(name, status)
                member.process, member.due = None, time.monotonic() + AGAIN_S
            if member.process is None and time.monotonic() >= member.due:
                member.process = self._spawn(name)

    def ready(self, name: str) -> Status | None:
        """What a process says, once it says anything."""
        process = self._members[name].process if name in self._members else None
        said = read_status(run_folder(self.settings)).values()
        return next((one for one in said if process is not None and one.pid == process.pid), None)

    def joined(self, partition: int) -> int:
        """Where the joiners that run say that they are."""
        said = [self.ready(name) for name in DISKS]
        return max((one.partitions.get(str(partition), {}).get("next", 0) for one in said if one), default=0)

    def wait_until_joined(self, ends: Positions, *, patience: float) -> None:
        """Raises SystemExit where the joiners do not come to the ends of the events in time."""
        end = time.monotonic() + patience
        while not all(self.joined(p) >= next for p, next in ends.items()):
            if time.monotonic() > end:
                raise SystemExit(f"the joiners are not at {ends} within {patience:.0f} s. {'; '.join(self.deaths)}")
            self.tend()
            time.sleep(LOOK_S)

    def runs(self, name: str) -> bool:
        return name in self._members

    def kill(self, name: str) -> bool:
        """kill -9, if it runs; `tend` starts it again. A joiner dies, if it works, just after it wrote to its disk:
        between that and the end of its append lies what a recovery has to do."""
        member = self._members[name]
        if member.process is None or member.process.poll() is not None:
            return False
        if name in DISKS:
            self._wait_for_a_write(self.settings.var / "join" / DISKS[name])
        self._end(member, signal.SIGKILL)
        return True

    def wipe(self, name: str) -> bool:
        """kill -9 a joiner and take its disk away; snapshots, which are meant to be elsewhere, stay."""
        folder = self.settings.var / "join" / DISKS[name]
        if not folder.exists() or not self.kill(name):
            return False
        shutil.rmtree(folder)
        return True

    def dismiss(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one for good."""
        member = self._members.pop(name, None)
        if member is not None and member.process is not None:
            self._end(member, number)

    def stop(self) -> None:
        for name in list(self._members):
            self.dismiss(name)

    def _wait_for_a_write(self, disk: Path) -> None:
        end, before = time.monotonic() + AIM_S, _written(disk)
        while time.monotonic() < end and _written(disk) == before:
            pass

    def _remember(self, name: str, status: int) -> None:
        if self.away:
            self.excused += 1
            return
        words = self._log(name).read_text(errors="replace").strip().splitlines()
        self.deaths.append(f"{name} ended with {status}: {words[-1] if words else 'no word'}")

    def _end(self, member: _Member, number: signal.Signals) -> None:
        process = member.process
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOPPING_S)
        except subprocess.TimeoutExpired:
            self.deaths.append(f"{process.args!r} did not end within {STOPPING_S:.0f} s")
            process.kill()
            process.wait()
        member.process, member.due = None, time.monotonic() + AGAIN_S

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        self.starts += 1
        written = run_folder(self.settings) / "settings.json"
        process, *more = COMMANDS[name]
        with self._log(name).open("ab") as words:
            return subprocess.Popen(
                [*command_of(process, written), *more], stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                env=SINGLE_THREADED | without_settings(os.environ), start_new_session=True,
            )  # fmt: skip

    def _log(self, name: str) -> Path:
        return run_folder(self.settings) / f"{name}.log"


def _written(disk: Path) -> int:
    """How much stands in the journals of a joiner's states."""
    total = 0
    for path in disk.glob("p*/state-*/*.log"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def write_settings(settings: Settings) -> Path:
    """Where processes and commands find them."""
    written = run_folder(settings) / "settings.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    save(settings, written)
    return written
