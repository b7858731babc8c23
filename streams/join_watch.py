"""Looks at a worker from beside it, and says when it stands still; in a thread of its own, since a loop may hang.

Asks the broker itself where the logs end: what the worker believes may be what is wrong. While the broker is away
nothing is known, so nothing is said. What is done about it is for the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Protocol

from streams.errors import LogError
from streams.log import Log
from streams.standstill import Standstill

LOOK_S = 1.0


class Stands(Protocol):
    """What is looked at of a partition: the next offset to read, and what moves whenever it gets on."""

    @property
    def next(self) -> int: ...

    @property
    def pulse(self) -> int: ...


class Crew(Protocol):
    """What is looked at of a worker. `settled`: it has been told which partitions are its own."""

    assignments: int
    settled: bool

    @property
    def desks(self) -> Mapping[int, Stands]: ...


class Watch:
    """`stood` is how long the worst place has stood still, in ms; beyond `patience`, `still` is told where, once.

    A worker that waits to be given partitions has `joining` ms more: a group waits for its dead.
    """

    def __init__(
        self, crew: Crew, events: Log, still: Callable[[str], None], *, patience: int, joining: int,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self.stood = 0
        self._crew, self._events, self._still = crew, events, still
        self._patience, self._joining, self._clock = patience, joining, clock
        self._standstill = Standstill()

    def start(self, over: Event) -> None:
        """Look every second until `over` is set, or something stands still for too long."""
        Thread(target=self._run, args=(over,), name="join-watch", daemon=True).start()

    def _run(self, over: Event) -> None:
        while not over.wait(LOOK_S):
            if where := self.look():
                self._still(where)
                return

    def look(self) -> str:
        """Look once; where something stands still for too long, or nothing."""
        try:
            stood = [self._group_stood(), *(self._stood(p, desk) for p, desk in list(self._crew.desks.items()))]
        except LogError:
            return ""
        self.stood = max(ms for _, ms in stood)
        return "; ".join(f"{place}, for {ms / 1000:.0f} s" for place, ms in stood if ms > self._patience)

    def _stood(self, partition: int, desk: Stands) -> tuple[str, int]:
        end = self._events.end(partition)
        ms = self._standstill.seen(f"p{partition}", mark=desk.pulse, behind=end != desk.next, at=self._clock())
        return f"events[{partition}] at {desk.next:,} of {end:,}", ms

    def _group_stood(self) -> tuple[str, int]:
        self._events.end(0)  # whether the broker is there at all
        crew = self._crew
        ms = self._standstill.seen("group", mark=crew.assignments, behind=not crew.settled, at=self._clock())
        return "no partitions were given or refused", max(ms - self._joining, 0)
