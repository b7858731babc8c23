from __future__ import annotations

import asyncio
import socket

from headrace.web import listen


def test_small_answers_are_sent_at_once() -> None:
    """Without this, each answer waits 40 ms for the client to acknowledge its head."""

    async def nodelay() -> int:
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("socket")
            told.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen("127.0.0.1", 0) as listening:
            server = await asyncio.start_server(answer, sock=listening)
            _, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                return await asyncio.wait_for(told, 20)
            finally:
                writer.close()
                server.close()
                await server.wait_closed()

    assert asyncio.run(nodelay()) == 1
