"""What one turn of a partition's joiner takes, and what it tells. Data only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.decisions import DecisionLog
from streams.log import Log


@dataclass(frozen=True, slots=True)
class Topics:
    """What a joiner reads and writes. Each partition follows the decisions by itself: one that is in the middle of
    its effects must not see them move."""

    events: Log
    examples: Log
    decisions: DecisionLog


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once, and how often aside: a batch reads at most `frames` frames of events."""

    clock: Callable[[], int]
    frames: int = 200
    snapshot_ms: int = 60_000
    keep: int = 5


@dataclass(frozen=True, slots=True)
class Joined:
    """One turn of one partition. `lag` counts frames of events that wait; `counts` are by cause, since the log began,
    as the fold's head has them; `masked` counts events of this turn that no fold may see."""

    partition: int
    idle: bool = True
    frames: int = 0
    events: int = 0
    masked: int = 0
    rows: int = 0
    next: int = 0
    lag: int = 0
    watermark: int = 0
    rewound: bool = False
    saved: bool = False
    counts: dict[str, int] | None = None


@dataclass(slots=True)
class Tally:
    """What one turn did so far."""

    frames: int = 0
    events: int = 0
    masked: int = 0
    rows: int = 0
    rewound: bool = False
    saved: bool = False
