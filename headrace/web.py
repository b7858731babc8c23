"""The shell around an HTTP application: a socket, uvicorn, and loops that run beside it in threads.

The port is known before the first request, since the socket is bound here. If a loop beside it fails, the server stops
and the failure is raised: half a server is none.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from headrace.loop import stop_signals
from headrace.ports import bound
from serving.doorkeeper import Doorkeeper
from serving.guarded import Audit, Guarded

Application = FastAPI
Work = Callable[[threading.Event], None]
"""Runs until the event is set."""
GRACE_S = 5


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket, `shared` with other workers or not; port 0 takes any free one. Raises NoPort."""
    listening = bound(host, port, shared=shared)
    listening.listen(2048)
    return listening


def behind_keys(app: Application, keeper: Doorkeeper, audit: Audit) -> None:
    """Let none in whom the doorkeeper does not; /docs says so, and lets one give a key."""
    app.add_middleware(Guarded, keeper=keeper, audit=audit)
    plain = app.openapi

    def told() -> dict[str, Any]:
        document = plain()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        document["security"] = [{"key": []}]
        return document

    app.openapi = told  # type: ignore[method-assign]


def open_to_pages(app: Application, origins: Sequence[str]) -> None:
    """Let pages of other origins ask from a browser. Added last, it answers before keys are asked for."""
    headers = ["X-API-Key", "X-API-Version", "Authorization", "Content-Type", "Content-Encoding"]
    exposed = ["Retry-After", "X-Request-Id"]
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["*"],
        allow_headers=headers,
        expose_headers=exposed,
    )


def serve(app: Application, listening: socket.socket, beside: Sequence[Work]) -> None:
    """Answer until SIGTERM or Ctrl-C: 1 the door closes, requests in hand are answered; 2 the loops beside it end.

    The loops start once the server answers.
    """
    stop_signals()  # uvicorn raises the signal again once it has stopped: then it must not end what comes after
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S)
    )
    over, failures = threading.Event(), list[BaseException]()

    def run(work: Work) -> None:
        while not server.started and not over.wait(0.01):
            pass
        try:
            if not over.is_set():
                work(over)
        except BaseException as error:
            failures.append(error)
            server.should_exit = True

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in beside]
    for thread in threads:
        thread.start()
    try:
        server.run(sockets=[listening])
    finally:
        over.set()
        for thread in threads:
            thread.join(GRACE_S)
        listening.close()
    if failures:
        raise failures[0]
