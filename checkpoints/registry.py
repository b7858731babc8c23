"""Which version serves, and why: the fold of the decisions.

Every change of mind is one appended line. Nothing here opens a version, and nothing here decides what is masked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from streams.decisions import Decision, Decisions
from streams.mask import equal_below
from streams.positions import Positions, covers

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
    fallback: int | None = None
    """What was live before."""
    paused: bool = False
    until: Positions | None = None
    """Paused only until a version is published that has taken in everything before these positions."""
    published: list[int] = field(default_factory=list)
    held: set[int] = field(default_factory=set)
    rolled_back: set[int] = field(default_factory=set)
    pinned: frozenset[int] = frozenset()
    """Versions that are never taken away, by decision."""

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

        Void lines are passed over, and so are those that name a version which is not valid after them: a trainer
        that has not yet seen a quarantine can't bring a tainted version back (folds, section 3).
        """
        fresh = decisions.lines[self.position :]
        for line in fresh:
            made, then = decisions.masking(line.mask_position), decisions.masking(self.position + 1)
            if decisions.effective[self.position] and equal_below(made, then, line.input):
                self.feed(line)
            self.position += 1
        return bool(fresh)

    def takes(self, reached: Positions) -> bool:
        """Whether a version that has taken in the events before `reached` would serve once it is published."""
        return not self.paused or (self.until is not None and covers(reached, self.until))

    def feed(self, line: Decision) -> None:
        """Take one line. A publish while paused is kept, but does not serve: a rollback stands until `resume`, or
        until a version that has caught up is published."""
        before = self.live
        match line.kind:
            case "publish" if line.version is not None:
                self.published.append(line.version)
                if self.takes(line.until or line.input):
                    self.paused, self.until = False, None
                    self.rolled_back.discard(line.version)
                    self.live = self.live if line.version in self.held else line.version
            case "promote" if line.version is not None:
                self._back(line.version)
                self.live = line.version
            case "rollback" if line.version is not None:
                self.rolled_back.update(v for v in self.published if v > line.version)
                self._back(line.version)
                self.live, self.paused, self.until = line.version, True, line.until
            case "hold" if line.version is not None:
                self.held.add(line.version)
                if self.live == line.version:
                    self.live = self._good_before(line.version)
            case "pin" if line.version is not None:
                self.pinned |= {line.version}
            case "unpin" if line.version is not None:
                self.pinned -= {line.version}
            case "pause":
                self.paused, self.until = True, None
            case "resume":
                self.paused, self.until = False, None
        if self.live != before:
            self.fallback = before

    def standing(self, version: int) -> Standing:
        """What the decisions say of a version."""
        if version == self.live:
            return "live"
        if version in self.held:
            return "held"
        if version in self.rolled_back:
            return "rolled back"
        return "published" if version in self.published else "committed"

    def _good_before(self, version: int) -> int:
        """The newest that was published before it, and is neither held nor rolled back; itself where there is none."""
        bad = self.held | self.rolled_back
        return max((one for one in self.published if one < version and one not in bad), default=version)

    def _back(self, version: int) -> None:
        self.held.discard(version)
        self.rolled_back.discard(version)
