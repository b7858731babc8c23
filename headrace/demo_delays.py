"""From a click to weights that learned it: which version was the first to answer with the click in it. Pure.

A click is in a version when the trainer had wholly used the examples of the frame of `events` that holds the click.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PATIENCE_MS = 30_000


class WeightDelays:
    """Follows some clicks through the log and the versions; all times in ms.

    >>> delays = WeightDelays()
    >>> delays.acked("e1", at=100)
    >>> delays.framed(partition=2, offset=7, event_ids=["e0", "e1"])
    >>> delays.answered(5, at=900, used={2: 6}); delays.answered(6, at=4_100, used={2: 9})
    >>> delays.measured
    [4000]
    """

    def __init__(self) -> None:
        self._acked: dict[str, int] = {}
        self._framed: dict[str, tuple[int, int]] = {}
        self._versions: set[int] = set()
        self.measured: list[int] = []

    def acked(self, event_id: str, *, at: int) -> None:
        """The gateway answered for this click."""
        self._acked[event_id] = at

    def framed(self, *, partition: int, offset: int, event_ids: Iterable[str]) -> None:
        """These events stand in one frame."""
        for event_id in event_ids:
            if event_id in self._acked:
                self._framed.setdefault(event_id, (partition, offset))

    def answered(self, version: int, *, at: int, used: Mapping[int, int]) -> None:
        """A version answered first at `at`; `used` is the offset of the last frame that it has wholly learned, per
        partition. Versions come in the order of their first answers."""
        if version in self._versions:
            return
        self._versions.add(version)
        for event_id, (partition, offset) in list(self._framed.items()):
            if used.get(partition, -1) >= offset:
                self.measured.append(max(0, at - self._acked.pop(event_id)))
                del self._framed[event_id]

    def overdue(self, now: int) -> list[int]:
        """The ages of clicks that no version learned for so long that they must count as they are."""
        return [now - at for at in self._acked.values() if now - at > PATIENCE_MS]
