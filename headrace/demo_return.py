"""From a rollback to answers by the old version, and on to a version that learned everything again. Pure.

Counts every answer, also those that were under way at the command. An answer without a model carries no version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from checkpoints.manifest import Manifest
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

    def is_over_with(self, manifest: Manifest) -> bool:
        """Whether a version that answers ends the replay: it was made under the rollback's mask and has caught up.

        >>> old = Manifest(version=3, parent=2, decisions=1, positions={})
        >>> Command(at=0, line=4, version=2, until={}, tainted=1).is_over_with(old)
        False
        """
        return manifest.decisions > self.line and covers(manifest.input, self.until)


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
