"""What is in hand at once, bounded: whoever comes when the room is full is told when to come again.

A request that is larger than all the room is let in when nothing else is in hand: how large one may be is for others
to say.
"""

from __future__ import annotations

import threading

from streams.errors import HeadraceError

RETRY_MS = 1_000


class Busy(HeadraceError):
    """Nothing was taken; the same again may be, `retry_ms` later."""

    def __init__(self, reason: str, retry_ms: int = RETRY_MS) -> None:
        super().__init__(reason)
        self.retry_ms = retry_ms


class Room:
    """Room for bytes, or events, or whatever is counted; threads share it.

    >>> room = Room(10)
    >>> one, two = Share(room), Share(room)
    >>> one.grow(8), two.grow(3), two.grow(2), room.refused
    (True, False, True, 1)
    >>> one.give_back(); room.used
    2
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self.refused = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether there was room for so much more."""
        with self._lock:
            if self.used and self.used + size > self.most:
                self.refused += 1
                return False
            self.used += size
            return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self.used -= size


class Share:
    """What one request has of a room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def grow(self, size: int) -> bool:
        """Whether there was room for so much more; where not, the share stays as it is."""
        if not self._room.take(size):
            return False
        self._size += size
        return True

    def give_back(self) -> None:
        """All of it; may be called twice."""
        size, self._size = self._size, 0
        self._room.give_back(size)
