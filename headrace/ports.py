"""Sockets by address: bound here, so that a port is known before the first request, and one may be shared by workers.

Light: whoever supervises holds a port and answers nothing on it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from headrace.settings import Settings
from streams.errors import HeadraceError


class NoPort(HeadraceError):
    """The address can't be listened on."""


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket at an address, which does not listen yet; port 0 takes any free one. Raises NoPort.

    Where it is `shared`, others of this user may bind the same address as shared too, and the machine deals connections
    out to those that listen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named TCP, since asyncio sends small answers at once (TCP_NODELAY) only where it reads that on the socket
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if shared:
            made.setsockopt(socket.SOL_SOCKET, _shared_option(), 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise NoPort(
            f"can't listen on {host}:{port}: {error.strerror}. Another Headrace may be running there: stop it, "
            "or choose another port with --port (0 takes any free one)"
        ) from None
    return made


@contextmanager
def one_port(settings: Settings) -> Iterator[Settings]:
    """The settings with the port that all workers share, held for them as long as the block lasts."""
    serving = settings.serving
    if serving.workers == 1:
        yield settings
        return
    with bound(serving.host, serving.port, shared=True) as held:
        port = held.getsockname()[1]
        yield settings.model_copy(update={"serving": serving.model_copy(update={"port": port})})


def _shared_option() -> int:
    option: int | None = getattr(socket, "SO_REUSEPORT", None)
    if option is None:
        raise NoPort("this system can't share a port among processes: set workers = 1 under [serving]")
    return option
