"""What the loops report, made visible: a status file per process.

Loops yield frozen reports and count nothing themselves. Which fields of a report add up is said in `COUNTS`; the
others are shown as they were last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field
from pathlib import Path
from threading import Event, Lock
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from headrace.turn_costs import UNITS, noted
from headrace.warned import Warned

EVERY = 500
"""Least milliseconds between two writes of a status file."""

COUNTS: Mapping[str, tuple[str, ...]] = {
    "sequence": ("events", "frames", "ticks", "shifted", "clamped", "buried", "fast"),
    "join": ("events", "rows", "frames", "masked"),
    "train": ("rows", "refused"),
    "follow": ("built", "rows_written"),
    "serve": ("events", "snapshots", "opened", "swapped", "welcomed"),
    "retain": ("removed", "trimmed"),
    "gateway": (),
}


class Report(Protocol):
    """One turn of a loop; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        ...


class Status(Struct, frozen=True):
    """What a process said last. `totals` adds up since its start; `last` has each field as it last had something in
    it: None is passed over, and so are idle reports that tell of no other place. `partitions` is the same of a process
    that reports by partition."""

    process: str
    pid: int
    started_at: int
    updated_at: int
    port: int | None = None
    turns: int = 0
    idle_turns: int = 0
    totals: dict[str, float] = {}
    last: dict[str, Any] = {}
    partitions: dict[str, dict[str, Any]] = {}
    costs: dict[str, float] = {}
    """What turns took by the work that they did, as `turn_costs.py` reads it."""


class Telemetry:
    """The status of one process, kept up to date; the file says that the process is ready by being there.

    Several threads may report. `more` gives what the process knows beside its reports, and is asked at each write.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Turn:
    ...     idle: bool
    ...     events: int
    >>> telemetry = Telemetry("sequence", Path("/nowhere"), clock=lambda: 5)
    >>> telemetry.count(Turn(False, 3)); telemetry.count(Turn(False, 4)); telemetry.count(Turn(True, 0))
    >>> telemetry.status().totals, telemetry.status().last, telemetry.status().turns
    ({'events': 7.0}, {'idle': False, 'events': 4}, 3)
    """

    def __init__(
        self,
        process: str,
        run: Path,
        *,
        clock: Callable[[], int],
        port: int | None = None,
        more: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._process = process
        self._path = run / f"{process}.json"
        self._clock = clock
        self._port = port
        self._more = more
        self._started_at = clock()
        self._written_at: int | None = None
        self._turns, self._idle_turns = 0, 0
        self._lock = Lock()
        self._totals: dict[str, float] = {}
        self._last: dict[str, Any] = {}
        self._partitions: dict[str, dict[str, Any]] = {}
        self._warned = Warned(process)
        self._costs: dict[str, float] = {}

    def take(self, report: Report, *, ms: float | None = None) -> None:
        """Count one report, of a turn that took so long, and write the file when it is due; what it warns of goes to
        stderr, the process's log."""
        with self._lock:
            self.count(report)
            self._cost(report, ms)
            now = self._clock()
            self._warned.take((getattr(report, "warning", ""), *getattr(report, "damaged", ())), now)
            due = self._written_at is None or not 0 <= now - self._written_at < EVERY
        if due:
            self.write()

    def forget_but(self, partitions: Collection[int]) -> None:
        """Say nothing more of other partitions: somebody else works on them now."""
        with self._lock:
            self._partitions = {p: told for p, told in self._partitions.items() if int(p) in partitions}

    def keep(self, over: Event) -> None:
        """Write again and again until `over` is set, for a process that reports nothing."""
        self.write()
        while not over.wait(EVERY / 1000):
            self.write()

    def count(self, report: Report) -> None:
        """Count one report."""
        self._turns += 1
        if report.idle:
            self._idle_turns += 1
        partition = getattr(report, "partition", None)
        last = self._last if partition is None else self._partitions.setdefault(str(partition), {})
        if not report.idle or _elsewhere(report, last):
            told = {name: getattr(report, name) for name in report.__dataclass_fields__}
            last.update({name: value for name, value in told.items() if value is not None})
        for name in COUNTS.get(kind_of(self._process), ()):
            if (number := getattr(report, name, None)) is not None:
                self._totals[name] = self._totals.get(name, 0.0) + float(number)

    def _cost(self, report: Report, ms: float | None) -> None:
        """Note what plain work took: not turns that went back or wrote a version."""
        units = getattr(report, UNITS.get(kind_of(self._process), ""), 0)
        rare = any(getattr(report, name, None) not in (None, False) for name in ("rewound", "restored", "committed"))
        if ms is not None and units and not report.idle and not rare:
            self._costs = noted(self._costs, units, ms)

    def status(self) -> Status:
        """What would be written now."""
        last, partitions = _plain({**self._more(), **self._last}), _plain(self._partitions)
        return Status(
            self._process, os.getpid(), self._started_at, self._clock(), self._port,
            self._turns, self._idle_turns, dict(self._totals), last, partitions, dict(self._costs),
        )  # fmt: skip

    def write(self) -> None:
        """Replace the file in one step. Not synced: it is of no use after a loss of power."""
        with self._lock:
            self._written_at = self._clock()
            aside = self._path.with_suffix(f".{os.getpid()}")
            aside.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(msgspec.json.encode(self.status()))
            aside.replace(self._path)


def read_status(run: Path) -> dict[str, Status]:
    """The last words of each process in a run folder, by its name; what can't be read is left out."""
    found = {}
    for path in sorted(run.glob("*.json")):
        try:
            status = _decode(path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            continue
        if status.process == path.stem:
            found[status.process] = status
    return found


def causes(status: Status) -> dict[str, int]:
    """What a process counted by cause, over its partitions.

    >>> partitions = {"0": {"counts": {"late": 1}}, "1": {"counts": {"late": 2, "orphans": 1}}}
    >>> causes(Status("join", 1, 0, 9_000, partitions=partitions))
    {'late': 3, 'orphans': 1}
    """
    found: dict[str, int] = {}
    for last in (status.last, *status.partitions.values()):
        for cause, times in last.get("counts", {}).items():
            found[cause] = found.get(cause, 0) + times
    return dict(sorted(found.items()))


def process_of(kind: str, worker: str | None) -> str:
    """What a worker is called among the processes of a run folder.

    >>> process_of("join", None), process_of("join", "join-1"), process_of("sequence", "blue")
    ('join', 'join-1', 'sequence-blue')
    """
    return kind if worker is None else worker if worker.startswith(f"{kind}-") else f"{kind}-{worker}"


def kind_of(process: str) -> str:
    """What a process does: those that share one kind of work are told apart after a hyphen.

    >>> kind_of("join"), kind_of("join-1")
    ('join', 'join')
    """
    return process.partition("-")[0]


def _elsewhere(report: Report, last: Mapping[str, Any]) -> bool:
    """Whether the last word is of another place: who was stopped between two effects says nothing of what it had done,
    and who takes its place may find nothing to do."""
    return not last or getattr(report, "next", None) != last.get("next")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(values, str_keys=True, enc_hook=_told)
    return plain


def _told(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)  # numpy's numbers have `item`


_decode = msgspec.json.Decoder(Status).decode
