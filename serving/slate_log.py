"""Slates are in the log before their answers leave: those of concurrent requests share an append.

While one append is on its way, the next ones collect, so nobody waits for a timer. Where a slate goes is for the
intake.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

from streams.events import Slate

Append = Callable[..., None]
"""Appends any number of slates and returns when they are in the log, as `streams.intake.Intake.append` does."""
Waiting = list[tuple[Slate, asyncio.Future[None]]]


class SlateWriter:
    """Awaited once per slate, in one event loop.

    1. the slate joins those that wait; 2. one thread appends them all; 3. everyone who waited for that append goes on,
    or gets its error.
    """

    def __init__(self, append: Append) -> None:
        self._append = append
        self._groups: SimpleQueue[tuple[asyncio.AbstractEventLoop, Waiting] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._waiting: Waiting = []
        self._writing = False

    async def write(self, slate: Slate) -> None:
        """Return when the slate is in the log."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((slate, done))
        if not self._writing:
            self._writing = True
            loop.call_soon(self._hand_over, loop)  # those of this turn of the loop go together
        await done

    def close(self) -> None:
        """Let go of the thread, after what it is writing."""
        if self._thread is not None:
            self._groups.put(None)
            self._thread.join()
            self._thread = None

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="slates", daemon=True)
            self._thread.start()
        group, self._waiting = self._waiting, []
        self._groups.put((loop, group))

    def _write(self) -> None:
        while (handed := self._groups.get()) is not None:
            loop, group = handed
            error: Exception | None = None
            try:
                self._append(*(slate for slate, _ in group))
            except Exception as failed:  # every request of the group must hear of it
                error = failed
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._written, loop, group, error)

    def _written(self, loop: asyncio.AbstractEventLoop, group: Waiting, error: Exception | None) -> None:
        for _, done in group:
            _settle(done, error)
        self._writing = bool(self._waiting)
        if self._writing:
            self._hand_over(loop)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
