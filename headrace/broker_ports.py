"""Ports on loopback: a free one, one that somebody has, one behind which a broker answers."""

from __future__ import annotations

import random
import socket
import struct

from headrace.broker_plan import HOST

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where no outgoing connection of this machine takes a port: a broker that is down for a while gets its own again, and
a client that tries it meanwhile can't be connected to itself."""
API_VERSIONS = 18


def is_free(port: int) -> bool:
    """Whether one could listen on a port now."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody has now."""
    return next(port for port in iter(lambda: random.choice(BELOW_EPHEMERAL), None) if is_free(port))


def answers(port: int, seconds: float = 1.0) -> bool:
    """Whether a Kafka broker answers there: it says which versions of its protocol it speaks, once it can serve."""
    try:
        with socket.create_connection((HOST, port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(question(7))
            return is_answer(connection.recv(10, socket.MSG_WAITALL), 7)
    except OSError:
        return False


def question(number: int) -> bytes:
    """The request for the versions, under a number that the answer repeats.

    >>> question(7).hex(" ", 2)
    '0000 000a 0012 0000 0000 0007 ffff'
    """
    asked = struct.pack(">hhih", API_VERSIONS, 0, number, -1)
    return struct.pack(">i", len(asked)) + asked


def is_answer(head: bytes, number: int) -> bool:
    """Whether the first ten bytes of an answer are those of a broker, without an error.

    >>> is_answer(struct.pack(">iih", 500, 7, 0), 7), is_answer(b"HTTP/1.1 4", 7), is_answer(b"", 7)
    (True, False, False)
    """
    return len(head) == 10 and struct.unpack(">iih", head)[1:] == (number, 0)
