"""The other end of the gateway's benchmark: sockets that post clicks as fast as they are answered, in one process.

What they send is made before the clock starts, and of an answer only the status is read.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection


@dataclass(frozen=True, slots=True)
class Job:
    """What a client process posts: events `first` and on, `batch` at a time; until `events` or for `seconds`."""

    port: int
    batch: int
    sockets: int
    first: int
    events: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it: the seconds between first request and last answer, answers by status, batches by their first
    event that were acknowledged."""

    seconds: float
    statuses: dict[int, int]
    taken: list[int]


def body_of(first: int, batch: int) -> bytes:
    """A request with clicks number `first` and on."""
    events = [
        {
            "type": "click",
            "event_id": f"e{n}",
            "ts": 1_700_000_000_000 + n,
            "user_id": f"user-{n % 5_000}",
            "item_id": f"item-{n % 9_999}",
            "request_id": f"018bcfe56800-00000007-{n:016x}",
            "surface": "home",
            "producer": "web",
            "app_version": "9.1",
        }
        for n in range(first, first + batch)
    ]
    body = json.dumps(events if batch > 1 else events[0]).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """One socket that posts and reads the status: far cheaper than the server it measures."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def post(self, request: bytes) -> int:
        self._socket.sendall(request)
        status, size = int(self._answers.readline().split()[1]), 0
        while line := self._answers.readline().strip().lower():
            if line.startswith(b"content-length:"):
                size = int(line[15:])
        self._answers.read(size)
        return status


def post(job: Job, results: Connection) -> None:
    """Run a job in this process and send what became of it."""
    told: list[tuple[float, float, dict[int, int], list[int]]] = []
    threads = [threading.Thread(target=_post, args=(job, n, told)) for n in range(job.sockets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses: dict[int, int] = {}
    for _, _, counts, _ in told:
        for status, count in counts.items():
            statuses[status] = statuses.get(status, 0) + count
    seconds = max(end for _, end, _, _ in told) - min(begin for begin, _, _, _ in told)
    results.send(Done(seconds, statuses, [first for *_, taken in told for first in taken]))


def _post(job: Job, mine: int, told: list[tuple[float, float, dict[int, int], list[int]]]) -> None:
    """Batches `mine`, `mine + sockets` and so on. In a crowd the same few bodies go again and again."""
    client, statuses, taken = Client(job.port), dict[int, int](), list[int]()
    end = job.first + (job.events or job.sockets * job.batch)
    starts = range(job.first + mine * job.batch, end, job.batch * job.sockets)
    bodies = [(first, body_of(first, job.batch)) for first in starts]
    begin = time.perf_counter()
    while True:
        for first, body in bodies:
            status = client.post(body)
            statuses[status] = statuses.get(status, 0) + 1
            if status == 202:
                taken.append(first)
        if time.perf_counter() - begin >= job.seconds:
            break
    told.append((begin, time.perf_counter(), statuses, taken))


def posted(job: Job) -> Done:
    """Run a job in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=post, args=(job, theirs), daemon=True)
    process.start()
    done: Done = ours.recv()
    process.join()
    return done
