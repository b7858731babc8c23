"""What `headrace doctor` looks at, as plain data. Says nothing of whether it is well (`doctor.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.positions import Positions


@dataclass(frozen=True, slots=True)
class Place:
    """The log. `error`: why it can't be read, empty where it can; `broker`: the broker's version, empty on the embedded
    log; `unlike`: what of the broker's topics must be other, each with what to do."""

    url: str
    error: str = ""
    broker: str = ""
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: what it holds, and the newest record time (ms) in it, None where it is empty."""

    name: str
    begins: Positions
    ends: Positions
    newest_at: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Where somebody goes on: the next offset to read of a partition, as it stands on a disk or in the log."""

    who: str
    topic: str
    partition: int
    next: int


@dataclass(frozen=True, slots=True)
class Process:
    """What a process said last, `age` ms ago. `lag` is in frames, `watermark` (ms) that of its slowest partition; a
    `warning` is what it wants people to know."""

    name: str
    pid: int
    alive: bool
    age: int
    lag: int | None = None
    watermark: int | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A RocksDB, who may open it (a process's name), and the process that holds it, None where nobody does."""

    path: str
    owner: str
    holder: int | None


@dataclass(frozen=True, slots=True)
class Versions:
    """`live` serves; `damage` says what is wrong with its files. `valid` and `tainted` count versions under today's
    mask; `usable` is the newest valid one that did not fail."""

    valid: int = 0
    tainted: int = 0
    live: int | None = None
    live_valid: bool = True
    damage: str = ""
    usable: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """`unlike`: settings that differ from those of the log; `endless`: entries of the mask that go on for ever;
    `floor`: below it nothing can be rebuilt."""

    unlike: tuple[str, ...] = ()
    endless: tuple[str, ...] = ()
    masked: int = 0
    floor: Positions | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """`crc32c`: whether checksums are computed in C. `torch` is its version, None where it is not installed."""

    free: int
    size: int
    open_files: int
    python: tuple[int, int, int]
    torch: str | None
    crc32c: Literal["hardware", "software", "missing"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything, as of `now` (ms). `out_of_orderness` and `partitions` are settings; `letters` are open dead letters,
    the newest of which came at `letter_at`."""

    now: int
    place: Place
    machine: Machine
    topics: tuple[Topic, ...] = ()
    stored: tuple[Stored, ...] = ()
    processes: tuple[Process, ...] = ()
    locks: tuple[Lock, ...] = ()
    versions: Versions = Versions()
    decided: Decided = Decided()
    partitions: int = 4
    out_of_orderness: int = 5_000
    letters: int = 0
    letter_at: int = 0

    @property
    def on_broker(self) -> bool:
        return self.place.url.startswith("kafka://")
