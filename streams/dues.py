"""When what was opened closes: the keys of open impressions, in order, once per duration.

The state is its own expiry index: what closes `duration` after its impression is a run of time-major keys. Only the
next keys of each run are held in memory, so a million open impressions cost nothing here; the state is told which,
since reading a run at once costs a tenth of looking for each. Not state: made anew from the state and the watermark.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice

from streams.join_keys import OPEN, after_prefix, time_key, time_of
from streams.join_state import JoinState

AHEAD = 512
"""How many keys of a run are read ahead; at most twice as many are held."""
NEVER = 1 << 62


class Dues:
    """What is due, and when the next is.

    >>> from streams.join_state import MemoryStore
    >>> dues = Dues(JoinState(MemoryStore()), (10, 30), watermark=0)
    >>> dues.opened(OPEN + time_key(5) + bytes(10))
    >>> dues.next_at, [(close, duration) for close, _, duration in dues.take(20)], dues.next_at
    (15, [(15, 10)], 35)
    """

    def __init__(self, state: JoinState, durations: tuple[int, ...], *, watermark: int) -> None:
        self._runs = [_Run(state, duration, watermark) for duration in durations]
        self.next_at = min((run.next_at for run in self._runs), default=NEVER)

    def opened(self, key: bytes) -> None:
        """An impression was opened: its key is in the state already."""
        at = time_of(key)
        for run in self._runs:
            run.add(key)
            self.next_at = min(self.next_at, at + run.duration)

    def take(self, watermark: int) -> list[tuple[int, bytes, int]]:
        """(close, key, duration) of all that closes up to `watermark`, in that order; given once."""
        due = [
            (time_of(key) + run.duration, key, run.duration)
            for run in self._runs
            if run.next_at <= watermark
            for key in run.take(watermark)
        ]
        self.next_at = min((run.next_at for run in self._runs), default=NEVER)
        return sorted(due) if len(due) > 1 else due


class _Run:
    __slots__ = ("_covered", "_keys", "_state", "duration", "next_at")

    def __init__(self, state: JoinState, duration: int, watermark: int) -> None:
        self.duration = duration
        self._state = state
        self._keys: list[bytes] = []
        self._covered: bytes | None = None
        """Up to this key all is in `_keys`; None: all there is."""
        self.next_at = NEVER
        self._read(OPEN + time_key(watermark - duration + 1))

    def add(self, key: bytes) -> None:
        if self._covered is None or key <= self._covered:
            at = bisect_left(self._keys, key)
            if at < len(self._keys) and self._keys[at] == key:
                return  # opened again after a forget
            self._keys.insert(at, key)
            if at == 0:
                self.next_at = self._next_at()
            if len(self._keys) > 2 * AHEAD:
                self._covered = self._keys[AHEAD - 1]
                del self._keys[AHEAD:]

    def _next_at(self) -> int:
        return time_of(self._keys[0]) + self.duration if self._keys else NEVER

    def take(self, watermark: int) -> list[bytes]:
        stop = OPEN + time_key(watermark - self.duration + 1)
        taken: list[bytes] = []
        while self._keys:
            due = bisect_left(self._keys, stop)
            taken += self._keys[:due]
            del self._keys[:due]
            if self._keys or self._covered is None:
                break
            self._read(self._covered + b"\0")
        self.next_at = self._next_at()
        return taken

    def _read(self, since: bytes) -> None:
        ahead = list(islice(self._state.scan(since, after_prefix(OPEN)), AHEAD))
        self._state.expect(ahead)
        self._keys = [key for key, _ in ahead]
        self._covered = self._keys[-1] if len(self._keys) == AHEAD else None
        self.next_at = self._next_at()
