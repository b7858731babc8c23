"""The shell around an HTTP application: a socket, uvicorn, and loops that run beside it in threads.

The port is known before the first request, since the socket is bound here. If a loop beside it fails, the server stops
and the failure is raised: half a server is none.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI

from headrace.loop import stop_signals
from streams.errors import HeadraceError

Application = FastAPI
Work = Callable[[threading.Event], None]
"""Runs until the event is set."""
GRACE_S = 5


class NoPort(HeadraceError):
    """The address can't be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises NoPort."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named TCP, since asyncio sends small answers at once (TCP_NODELAY) only where it reads that on the socket
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise NoPort(
            f"can't listen on {host}:{port}: {error.strerror}. Another Headrace may be running there: stop it, "
            "or choose another port with --port (0 takes any free one)"
        ) from None
    listening.listen(2048)
    return listening


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
