"""What retention works on, and what one turn of it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.log import Log
from streams.positions import Positions


@dataclass(frozen=True, slots=True)
class Topics:
    """The logs that retention shortens: `raw` is what the sequencer reads. The decisions stay whole."""

    events: Log
    examples: Log
    raw: Sequence[Log] = ()
    letters: Log | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """One turn. `floor` is in force after it and `base` the version there; `expired` is the line that raised it, `void`
    where a mask came in between; `held` says why it was not raised. `gone` are the versions taken away, `begins` where
    the topics that were trimmed begin now; `removed` and `trimmed` count versions and records. `bytes` is what versions
    take, `compacted` the one that was made whole since the last report; a `warning` is for people."""

    idle: bool = True
    floor: Positions | None = None
    base: int | None = None
    expired: int | None = None
    void: bool = False
    held: str = ""
    gone: tuple[int, ...] = ()
    begins: dict[str, Positions] | None = None
    removed: int = 0
    trimmed: int = 0
    bytes: int | None = None
    compacted: int | None = None
    warning: str = ""
