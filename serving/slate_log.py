"""Slates are in the log before their answers leave: those of concurrent requests share an append.

While one append is on its way, the next ones collect, so nobody waits for a timer. Where a slate goes is for the
intake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from streams.events import Slate

Append = Callable[..., None]
"""Appends any number of slates and returns when they are in the log, as `streams.intake.Intake.append` does."""


class SlateWriter:
    """Awaited once per slate, in one event loop.

    1. the slate joins those that wait; 2. one thread appends them all; 3. everyone who waited for that append goes on,
    or gets its error.
    """

    def __init__(self, append: Append) -> None:
        self._append = append
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="slates")
        self._waiting: list[tuple[Slate, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, slate: Slate) -> None:
        """Return when the slate is in the log."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((slate, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._drain())
        await done

    def close(self) -> None:
        """Let go of the thread, after what it is writing."""
        self._thread.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            error: Exception | None = None
            try:
                await loop.run_in_executor(self._thread, self._append, *(slate for slate, _ in group))
            except Exception as failed:  # every request of the group must hear of it
                error = failed
            for _, done in group:
                _settle(done, error)
        self._writing = None


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
