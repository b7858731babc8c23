"""Which version serves, and why: the fold of the decisions.

Every change of mind is one appended line. Nothing here opens a version, and nothing here decides what is masked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from streams.decisions import Decision, Decisions
from streams.mask import equal_below

Standing = Literal["live", "published", "held", "rolled back", "committed"]


@dataclass(slots=True)
class Registry:
    """Who serves what, after the lines fed so far.

    >>> registry = Registry()
    >>> for line in (
    ...     Decision("publish", at=1, who="trainer", why="gate passed", seen=0, version=1),
    ...     Decision("publish", at=2, who="trainer", why="gate passed", seen=1, version=2),
    ...     Decision("rollback", at=3, who="ana", why="bad clicks", seen=2, version=1),
    ...     Decision("publish", at=4, who="trainer", why="gate passed", seen=2, version=3),
    ... ):
    ...     registry.feed(line)
    >>> registry.live, registry.paused, registry.standing(2)
    (1, True, 'rolled back')
    """

    live: int | None = None
    paused: bool = False
    published: list[int] = field(default_factory=list)
    held: set[int] = field(default_factory=set)
    rolled_back: set[int] = field(default_factory=set)

    position: int = 0
    """The next decision line to read."""

    @classmethod
    def of(cls, decisions: Decisions) -> Registry:
        """The registry after every line of a fold."""
        registry = cls()
        registry.follow(decisions)
        return registry

    def follow(self, decisions: Decisions) -> bool:
        """Take the lines that were not read yet; whether there were any.

        A publish of a version that is not valid at its line is passed over, so a trainer that has not yet seen a
        quarantine can't bring a tainted version back (folds, section 3).
        """
        fresh = decisions.lines[self.position :]
        for line in fresh:
            then = decisions.masking(self.position)
            if line.kind != "publish" or equal_below(decisions.masking(line.mask_position), then, line.input):
                self.feed(line)
            self.position += 1
        return bool(fresh)

    def feed(self, line: Decision) -> None:
        """Take one line. A publish while paused is kept, but does not serve: a rollback stands until `resume`."""
        match line.kind:
            case "publish" if line.version is not None:
                self.published.append(line.version)
                if not self.paused and line.version not in self.held:
                    self.live = line.version
            case "promote" if line.version is not None:
                self._back(line.version)
                self.live = line.version
            case "rollback" if line.version is not None:
                self.rolled_back.update(v for v in self.published if v > line.version)
                self._back(line.version)
                self.live, self.paused = line.version, True
            case "hold" if line.version is not None:
                self.held.add(line.version)
            case "pause":
                self.paused = True
            case "resume":
                self.paused = False

    def standing(self, version: int) -> Standing:
        """What the decisions say of a version."""
        if version == self.live:
            return "live"
        if version in self.held:
            return "held"
        if version in self.rolled_back:
            return "rolled back"
        return "published" if version in self.published else "committed"

    def _back(self, version: int) -> None:
        self.held.discard(version)
        self.rolled_back.discard(version)
