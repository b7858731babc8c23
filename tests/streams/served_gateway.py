"""A gateway over a real socket, and events to send to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import uvicorn

from streams.gateway import Door, gateway_app
from streams.intake import Intake
from streams.log import Logs, MemoryLogs
from streams.rates import RateLimits

MAX_BODY, MAX_EVENTS = 200_000, 50
JSON = "application/json"


@dataclass
class Gateway:
    """A gateway that serves, and what it wrote to."""

    port: int = 0
    logs: MemoryLogs = field(default_factory=MemoryLogs)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        content, data = answer.headers["content-type"], answer.read()
        connection.close()
        return answer.status, content, json.loads(data)

    def post(self, body: bytes, content_type: str = JSON, **headers: str) -> tuple[int, str, Any]:
        return self.ask("POST", "/v1/events", body, content_type=content_type, **headers)

    def clicks(self) -> int:
        log = self.logs.open("interactions", 4)
        return sum(log.end(p) for p in range(4))


@contextmanager
def serving(
    logs: Logs,
    door: Door = Door(MAX_BODY, MAX_EVENTS),  # noqa: B008 - it is frozen
    *,
    rates: RateLimits | None = None,
    clock: Callable[[], int] = lambda: 1_000,
) -> Iterator[int]:
    """A gateway over these logs; the port it listens on."""
    intake = Intake(logs, partitions=4, clock=clock, max_event_bytes=5_000, rates=rates)
    app = gateway_app(intake, door)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def click(n: int, **more: Any) -> dict[str, Any]:
    return {"type": "click", "event_id": f"e{n}", "user_id": f"u{n}", "item_id": "tea", "ts": 5} | more
