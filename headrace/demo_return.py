"""From a rollback to answers by the old version, and on to a version that learned everything again. Pure.

Counts every answer, also those that were under way at the command. An answer without a model carries no version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from streams.decisions import Decision
from streams.positions import Positions, covers


@dataclass(frozen=True, slots=True)
class Command:
    """A rollback: given at `at` (ms), it wrote decision `line`, went back to `version`, and stands until a version has
    learned everything before `until`."""

    at: int
    line: int
    version: int
    until: Positions
    tainted: int

    def ended_by(self, line: Decision) -> bool:
        """Whether a later line ends the replay: it publishes a version that has caught up.

        >>> command = Command(at=0, line=4, version=2, until={0: 9}, tainted=1)
        >>> command.ended_by(Decision("publish", 1, "trainer", "", seen=4, version=8, input={0: 7}))
        False
        """
        return line.kind == "publish" and covers(line.until or line.input, self.until)


@dataclass(frozen=True, slots=True)
class Return:
    """Milliseconds from the command; None for what never happened."""

    to_old_version: int | None
    to_caught_up: int | None


def measured(
    command: Command, *, first: Mapping[int, int], last: Mapping[int, int], caught_up: Collection[int]
) -> Return:
    """How long it took, from each version's `first` and `last` answer (ms) and the versions that have `caught_up`.

    >>> command = Command(at=100, line=4, version=2, until={}, tainted=1)
    >>> measured(command, first={2: 5, 3: 50, 7: 900}, last={2: 890, 3: 140, 7: 950}, caught_up=[7])
    Return(to_old_version=40, to_caught_up=800)
    """
    if last.get(command.version, 0) < command.at:
        return Return(None, None)
    others = [at for version, at in last.items() if version != command.version and version not in caught_up]
    ended = [first[version] for version in caught_up if version in first]
    return Return(max(max(others, default=0) - command.at, 0), min(ended) - command.at if ended else None)
