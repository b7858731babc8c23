"""Who writes a version: at once, or behind the trainer's back, one at a time.

A writer is given work and says when it ended. What the work raised is raised where its end is asked for; nothing that
came after it is lost by that, since the log has it. Knows no learner and no store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Writer(Protocol[T]):
    """Promised: work is done in the order in which it was begun, never two at a time; `ended` gives each end once. Not
    promised: that anything is done when the process dies."""

    @property
    def busy(self) -> bool:
        """Whether there is work of which the end was not given yet."""
        ...

    def begin(self, work: Callable[[], T]) -> None:
        """Hand over work; there must be none under way."""
        ...

    def ended(self, *, wait: bool) -> T | None:
        """What the work came to, once; None where there is none, or it is under way and is not waited for."""
        ...


class _End(Generic[T]):
    """What work came to."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._failed: BaseException | None = None
        try:
            self._done = work()
        except BaseException as error:  # it is raised again where the end is asked for
            self._failed = error

    def told(self) -> T:
        if self._failed is not None:
            raise self._failed
        return self._done


class WritesAtOnce(Generic[T]):
    """Does the work when it is begun.

    >>> writer = WritesAtOnce[int]()
    >>> writer.begin(lambda: 7); writer.busy, writer.ended(wait=False), writer.ended(wait=True)
    (True, 7, None)
    """

    def __init__(self) -> None:
        self._end: _End[T] | None = None

    @property
    def busy(self) -> bool:
        return self._end is not None

    def begin(self, work: Callable[[], T]) -> None:
        self._end = _End(work)

    def ended(self, *, wait: bool) -> T | None:
        end, self._end = self._end, None
        return None if end is None else end.told()


class WritesBehind(Generic[T]):
    """Does the work in a thread of its own.

    >>> writer = WritesBehind[int]()
    >>> writer.begin(lambda: 7); writer.ended(wait=True), writer.busy
    (7, False)
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._ends: list[_End[T]] = []

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def begin(self, work: Callable[[], T]) -> None:
        if self._thread is not None:
            raise RuntimeError("the work before this one has not ended: ask for its end first")
        self._thread = threading.Thread(target=lambda: self._ends.append(_End(work)), name="write", daemon=True)
        self._thread.start()

    def ended(self, *, wait: bool) -> T | None:
        if self._thread is None or (self._thread.is_alive() and not wait):
            return None
        self._thread.join()
        self._thread = None
        return self._ends.pop().told()
