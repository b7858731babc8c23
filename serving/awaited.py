"""Which events that came through this process are not folded yet: so that who wrote can wait to read it.

The doors tell what they wrote, the thread that folds tells what it has taken. Waiting is bounded by who waits; nothing
here sleeps.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from streams.events import Arrival

MOST = 100_000
"""Events that may be awaited at once; the oldest are given up."""


class Awaited:
    """Events that were written, by what they are about.

    >>> from streams.events import Item
    >>> awaited = Awaited()
    >>> awaited.expect("e1", "item tea"); awaited.pending("item tea"), awaited.pending("item jam"), awaited.pending()
    (True, False, True)
    >>> awaited.heard([Item("e1", 5, "tea")]); awaited.settle(); awaited.pending("item tea")
    False
    """

    def __init__(self) -> None:
        self._about: dict[str, str] = {}
        self._heard: list[str] = []
        self._lock = Lock()

    def expect(self, event_id: str, about: str) -> None:
        """An event is about to be written."""
        with self._lock:
            self._about[event_id] = about
            while len(self._about) > MOST:
                del self._about[next(iter(self._about))]

    def drop(self, event_id: str) -> None:
        """An event was not written after all."""
        with self._lock:
            self._about.pop(event_id, None)

    def heard(self, events: Iterable[Arrival]) -> None:
        """A part took events. For the folding thread alone, as `settle`."""
        if self._about:
            names = (getattr(event, "event_id", None) for event in events)
            self._heard += [name for name in names if name in self._about]

    def settle(self) -> None:
        """What the parts took can be read everywhere now."""
        if self._heard:
            with self._lock:
                for name in self._heard:
                    self._about.pop(name, None)
            self._heard = []

    def pending(self, about: str | None = None) -> bool:
        """Whether something was written, about this or at all, that is not folded yet."""
        if not self._about:
            return False
        with self._lock:
            return about is None or about in self._about.values()
