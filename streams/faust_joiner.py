"""The joiner's host on Kafka: one worker of any number, with a desk for each partition that its group assigns to it.

Faust brings the newest frames and says which partitions are ours; states, positions and the order of effects are
`partition_joiner.py`'s.

Assigned: 1 a desk opens its own state, or the newest valid snapshot where that stands further, 2 it reads the log by
itself up to the end, 3 Faust is placed there and brings what follows. Revoked: 1 each desk ends between two effects,
2 its state is closed, 3 the group goes on. Whatever fails in a desk or in Faust ends the worker with an error, so that
no frame is passed over; a worker that stands still while the log goes on is ended by `join_watch.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import BoundedSemaphore, Event, Timer
from typing import Any

from streams.faust_app import LOOK_S, FaustGroup, Member
from streams.join_desk import Desk, Work, held
from streams.join_turn import Joined
from streams.kafka_connection import Connection
from streams.log import Record
from streams.pushed_log import PushedLog

GROUP = "headrace-join"
AT_ONCE = 2
"""Turns that run side by side: while one waits for the broker, another computes."""
TELL_S = 5.0
ENDING_S = 5.0
"""How long desks, and then Faust, may take to end; what has not ended by then ends with the process."""


class Host:
    """One worker. `run` in the main thread; `desks`, `assignments` and `settled` may be looked at from others."""

    def __init__(self, connection: Connection, member: Member, work: Work, *, told: Callable[[Joined], None]) -> None:
        self.desks: dict[int, Desk] = {}
        self.assignments, self.settled = 0, False
        self._connection, self._member, self._told = connection, member, told
        self._pushed = PushedLog(work.events, self._wish)
        self._work = replace(work, events=self._pushed)
        self._slot = BoundedSemaphore(AT_ONCE)
        self._wishes: dict[int, int | None] = {}
        self._errors: list[BaseException] = []

    def run(self, asked: Event) -> None:
        """Join until a stop is asked for. Raises what a desk or Faust failed with, and LogError where another process
        has this worker's name."""
        with held(self._work.folder):
            asyncio.run(self._run(asked))

    async def _run(self, asked: Event) -> None:
        self._loop, self._wished = asyncio.get_running_loop(), asyncio.Event()
        self._faust = FaustGroup(
            self._connection, self._member, self, group=GROUP, topic="events", folder=self._work.folder / "faust"
        )
        tasks = [asyncio.create_task(one) for one in (self._faust.start(), self._steer(), self._tell())]
        try:
            while not asked.is_set():
                self._check(tasks)
                await asyncio.sleep(LOOK_S)
        finally:
            await self._let_go()
            await self._end(tasks)

    def _check(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        self._errors += [error for task in tasks if task.done() and (error := task.exception()) is not None]
        if self._errors:
            raise self._errors[0]
        self._faust.check()

    async def _end(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        last = Timer(2 * ENDING_S, os._exit, [1])
        last.daemon = True
        last.start()  # Faust's own threads may hang, and would keep the process for ever
        for task in tasks:
            task.cancel()
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(self._faust.stop(), ENDING_S)
            last.cancel()

    async def assigned(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            desk = Desk(partition, self._work, told=self._told, failed=self._errors.append, slot=self._slot)
            self.desks[partition] = desk
            desk.start()
        self.assignments, self.settled = self.assignments + 1, True

    async def revoked(self) -> None:
        self.settled = False
        await self._let_go()

    async def _let_go(self) -> None:
        """Close the states. A desk that waits for a broker is left as it is: that is as good as a kill."""
        desks = list(self.desks.values())
        for desk in desks:
            desk.leave()
            self._pushed.stop(desk.partition)
        end = self._loop.time() + ENDING_S
        while any(desk.busy for desk in desks) and self._loop.time() < end:
            await asyncio.sleep(0.005)
        self.desks.clear()

    def displaced(self) -> None:
        for partition in self.desks:
            self._pushed.stop(partition)

    def bring(self, partition: int, record: Record, end: int) -> None:
        self._pushed.push(partition, record, end)
        if (desk := self.desks.get(partition)) is not None:
            desk.wake()

    def _wish(self, partition: int, position: int | None) -> None:
        """Where a reader wants its partition to go on, from any thread; the newest wish counts."""
        self._wishes[partition] = position
        self._loop.call_soon_threadsafe(self._wished.set)

    async def _steer(self) -> None:
        """Carry wishes to Faust; what it can't do just now, the reader asks for again."""
        while True:
            await self._wished.wait()
            self._wished.clear()
            while self._wishes:
                partition, position = self._wishes.popitem()
                if not await self._faust.place(partition, position):
                    self._pushed.stop(partition)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            stands = {p: desk.next for p, desk in self.desks.items() if desk.next >= 0}
            if self.settled and stands:
                await self._faust.tell(stands, within=TELL_S)
