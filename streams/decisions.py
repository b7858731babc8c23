"""What was decided, in order: one line per change of mind, and the fold of all lines.

The lines of kind `mask`, `expire` and `configure` change what folds compute; `publish`, `hold`, `promote`, `rollback`,
`pause` and `resume` change only who serves what, `pin` and `unpin` which versions are never taken away
(`checkpoints/registry.py` folds those), `experiment` what a share of the users gets (`streams/experiments.py`).
Nothing here opens a version.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from streams.experiments import Trial
from streams.log import Log
from streams.mask import Entry, Masking, equal_below
from streams.positions import Positions, merged

TOPIC = "decisions"
Kind = Literal[
    "publish", "hold", "promote", "rollback", "mask", "expire", "configure", "pause", "resume", "pin", "unpin",
    "experiment",
]  # fmt: skip


class Decision(Struct, frozen=True, omit_defaults=True):
    """One line. `seen` is how many lines its writer had read; `n`, its own offset, is given by the log.

    `version`, `mask_position` and `input` describe the version of a publish, hold, promote or rollback; a pin or unpin
    names its `version` alone; `add` and
    `remove` change the mask (`remove` names entry ids); `floor` is an expire line's. A configure line has the
    `settings` of each fold as text, and `start`: the log ends of events when it was written. The first one of a log is
    its base: it holds from the begin, and is no edge.
    A rollback with `until` stands until a version is published that has taken in all events before these positions;
    a publish says in `until` how far its version has. An experiment line says in `trial` what is tried; one that
    starts names the version, if one is tried, and the log ends in `start`.
    """

    kind: Kind
    at: int
    who: str
    why: str
    seen: int
    version: int | None = None
    mask_position: int = 0
    input: Positions = {}
    until: Positions | None = None
    add: tuple[Entry, ...] = ()
    remove: tuple[str, ...] = ()
    floor: Positions | None = None
    settings: dict[str, str] = {}
    start: Positions = {}
    trial: Trial | None = None


class Decisions:
    """Fold of the decisions log.

    Every reader of the same lines computes the same: which lines are void, the mask and the floor at each position.

    >>> d = Decisions()
    >>> d.feed(Decision("mask", at=1, who="ana", why="bad app", seen=0, add=(Entry("q1", start={0: 5}),)))
    True
    >>> [e.id for e in d.masking().entries], d.masking(0).entries
    (['q1'], ())
    """

    def __init__(self) -> None:
        self.lines: list[Decision] = []
        self.effective: list[bool] = []
        self._masks: list[Masking] = [Masking(())]
        self._floors: list[Positions | None] = [None]

    @property
    def position(self) -> int:
        """The next line to read."""
        return len(self.lines)

    def feed(self, line: Decision) -> bool:
        """Take the next line; whether it holds or is void."""
        mask, floor, holds = self._masks[-1], self._floors[-1], True
        changed = _changed(mask, line)
        if changed is not mask:
            holds = floor is None or equal_below(mask, changed, floor)
            mask = changed if holds else mask
        elif line.kind == "expire":
            holds = not any(self._changes_mask(n) for n in range(line.seen, self.position))
            floor = merged(floor or {}, line.floor or {}) if holds else floor  # never down: what lay below is gone
        self.lines.append(line)
        self.effective.append(holds)
        self._masks.append(mask)
        self._floors.append(floor)
        return holds

    def masking(self, position: int | None = None) -> Masking:
        """The mask and the settings in force after `position` lines (all of them, if None)."""
        return self._masks[self.position if position is None else position]

    def floor(self, position: int | None = None) -> Positions | None:
        """Below these positions nothing can be rebuilt; as it was after `position` lines (all of them, if None)."""
        return self._floors[self.position if position is None else position]

    def valid(self, made_under: int, positions: Positions) -> bool:
        """Whether a state made after `made_under` lines, standing at `positions`, is what today's mask and settings
        give."""
        return made_under <= self.position and equal_below(self.masking(made_under), self.masking(), positions)

    def _changes_mask(self, n: int) -> bool:
        return self._masks[n] is not self._masks[n + 1]


def _changed(mask: Masking, line: Decision) -> Masking:
    """The mask after a line, were it not void; itself where the line changes nothing."""
    if line.kind == "configure" and line.settings:
        mask = mask.configured_by(line.start, line.settings)
    return mask.changed(line.add, line.remove) if line.add or line.remove else mask


class DecisionLog:
    """The decisions topic, followed: `follow` reads what is new, `decide` appends and reads back."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.fold = Decisions()

    def follow(self) -> list[Decision]:
        """Read the lines that were not read yet, feed the fold, give them back."""
        fresh: list[Decision] = []
        while records := self._log.read(0, self.fold.position):
            fresh.extend(_decode(record.value) for record in records)
            for line in fresh[len(fresh) - len(records) :]:
                self.fold.feed(line)
        return fresh

    def append(self, line: Decision) -> int:
        """Append one line; its offset. Whether it holds shows when it is read back."""
        return self._log.append(0, [_encode(line)], at=line.at) - 1

    def decide(self, line: Decision) -> tuple[int, bool]:
        """Append one line, read back up to it; its offset, and whether it holds or is void."""
        n = self.append(line)
        self.follow()
        return n, self.fold.effective[n]


def told(lines: Iterable[Decision]) -> list[dict[str, object]]:
    """Lines as plain dictionaries, for people and JSON."""
    return [msgspec.to_builtins(line) | {"n": n} for n, line in enumerate(lines)]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Decision, strict=False).decode
