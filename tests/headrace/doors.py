"""An operator's requests over a socket."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI

from serving.answering import Answering
from serving.api import Server, create_app
from serving.fold_rules import FoldRules
from serving.known import Known
from serving.recommend import Recommender
from serving.slate_log import SlateWriter
from tests.serving.deployment import CALM
from tests.worlds import MemoryLive


@dataclass(frozen=True)
class Door:
    """One request after the other, to a port of this machine."""

    port: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and what was told; every refusal is a problem, and only those are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Content-Type": "application/json"} | headers
        connection.request(method, f"/v1/admin{path}", None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        told = json.loads(response.read())
        assert ("problem" in response.headers["Content-Type"]) == (response.status != 200)
        connection.close()
        return response.status, told


@contextmanager
def listening(*routers: APIRouter, guard: Callable[[FastAPI], None] = lambda _: None) -> Iterator[Door]:
    """A server of two partitions with these routes beside its own, behind a socket of this machine."""
    recommender = Recommender(Known(partitions=2, rules=FoldRules()), MemoryLive(), CALM)
    server = Server(Answering(recommender, SlateWriter(lambda *_: None), clock=lambda: 0))
    app = create_app(server, routers=routers)
    guard(app)
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        threading.Event().wait(0.01)
    try:
        yield Door(running.servers[0].sockets[0].getsockname()[1])
    finally:
        running.should_exit = True
        thread.join(10)
