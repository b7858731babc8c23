"""Slates are in the log before their answers leave, and share appends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from serving.slate_log import SlateWriter
from streams.events import Shown, Slate


def slate(n: int) -> Slate:
    return Slate(f"e{n}", n, "ana", f"r{n}", (Shown("tea", 0),))


def test_slates_of_concurrent_requests_share_an_append() -> None:
    appends: list[list[str]] = []
    begin = threading.Event()

    def append(*slates: Slate) -> None:
        begin.wait(5)
        appends.append([one.event_id for one in slates])

    async def write() -> None:
        writer = SlateWriter(append)
        first = asyncio.create_task(writer.write(slate(0)))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(writer.write(slate(n))) for n in range(1, 10)]
        await asyncio.sleep(0)
        begin.set()
        await asyncio.gather(first, *rest)
        writer.close()

    asyncio.run(write())
    assert appends == [["e0"], [f"e{n}" for n in range(1, 10)]]


def test_everyone_who_waited_hears_that_the_log_failed_and_the_next_append_is_tried() -> None:
    broken = [True]

    def append(*slates: Slate) -> None:
        if broken[0]:
            raise OSError("disk full")

    async def write() -> None:
        writer = SlateWriter(append)
        tasks = [asyncio.create_task(writer.write(slate(n))) for n in range(3)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(result) for result in results] == ["disk full"] * 3
        broken[0] = False
        await writer.write(slate(4))
        writer.close()

    asyncio.run(write())


def test_a_request_that_went_away_does_not_stop_the_others() -> None:
    written: list[str] = []

    async def write() -> None:
        writer = SlateWriter(lambda *slates: written.extend(one.event_id for one in slates))
        gone, stays = (asyncio.create_task(writer.write(slate(n))) for n in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone
        writer.close()

    asyncio.run(write())
    assert written == ["e0", "e1"]
