"""Whether a worker gets on: the one test of its health. Pure; times come in.

A worker that is alive, connected and a member of its group may still do nothing: a blocked loop, a dead coordinator, a
partition that is never fetched. So only this counts: the log goes on, and the worker does not.
"""

from __future__ import annotations

BLIND_MS = 5_000
"""Longer than this between two looks, and nothing is known of the time between: the broker was away, or we were."""


class Standstill:
    """How long each place has had something to do and has done nothing of it, in ms.

    A place is a partition, or whatever else must get on; its `mark` moves as work is done.

    >>> still = Standstill()
    >>> [still.seen("p0", mark=5, behind=True, at=at) for at in (1_000, 4_000, 7_000)]
    [0, 3000, 6000]
    >>> still.seen("p0", mark=6, behind=True, at=8_000), still.seen("p0", mark=6, behind=False, at=9_000)
    (0, 0)
    >>> still.seen("p0", mark=6, behind=True, at=99_000)
    0
    """

    def __init__(self) -> None:
        self._marks: dict[str, int] = {}
        self._since: dict[str, int] = {}
        self._looked_at: dict[str, int] = {}

    def seen(self, place: str, *, mark: int, behind: bool, at: int) -> int:
        """How long this place has stood still; 0 where it moved, or has nothing to do."""
        blind = at - self._looked_at.get(place, at) > BLIND_MS
        if blind or not behind or self._marks.get(place) != mark:
            self._marks[place], self._since[place] = mark, at
        self._looked_at[place] = at
        return at - self._since[place]

    def forget(self, place: str) -> None:
        """This place is somebody else's now."""
        for told in (self._marks, self._since, self._looked_at):
            told.pop(place, None)
