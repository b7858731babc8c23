"""A server with Gorse's routes over a log in memory, its sequencer and its folds running beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from serving.answering import Answering
from serving.api import Server, create_app
from serving.fold_rules import FoldRules
from serving.folding import fold
from serving.gorse_desk import GorseDesk
from serving.gorse_routes import gorse_router
from serving.gorse_words import TYPES
from serving.known import Known
from serving.recommend import Recommender
from serving.slate_log import SlateWriter
from streams.frames import decode_frame
from streams.gateway import router
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.sequencer import sequence
from tests.serving.deployment import CALM, PARTITIONS, Client
from tests.worlds import MemoryLive


def clock() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Town:
    """What runs."""

    logs: MemoryLogs
    known: Known
    live: MemoryLive
    recommender: Recommender
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def events(self, kind: str) -> list[object]:
        """Every event of a kind that was sequenced."""
        log = self.logs.open("events", PARTITIONS)
        frames = [decode_frame(record.value) for p in range(PARTITIONS) for record in log.read(p, 0, 10_000)]
        return [event for frame in frames for event in frame.events if type(event).__name__ == kind]


@contextmanager
def gorse_town(folder: Path, *, feedback: int = 10_000) -> Iterator[Town]:
    """Everything from the door to the answer, in threads of one process."""
    logs, live = MemoryLogs(), MemoryLive()
    known = Known(partitions=PARTITIONS, rules=FoldRules(feedback=feedback))
    recommender = Recommender(known, live, CALM)
    town = Town(logs, known, live, recommender)
    intake, over = Intake(logs, partitions=PARTITIONS, clock=clock), threading.Event()
    server = Server(Answering(recommender, SlateWriter(intake.append), clock=clock))
    desk = GorseDesk(server.answering, intake.take, TYPES)
    app = create_app(server, routers=[router(intake), gorse_router(desk, server.counts)])
    loops = [
        sequence(logs, partitions=PARTITIONS, clock=clock, clock_ahead=2_000, frame_ms=5),
        fold(logs, known, folder=folder, clock=clock, snapshot_every=500),
    ]
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    threads = [threading.Thread(target=turn, args=(loop, over), daemon=True) for loop in loops]
    threads.append(threading.Thread(target=running.run, daemon=True))
    for thread in threads:
        thread.start()
    while not running.started:
        over.wait(0.01)
    town.port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield town
    finally:
        running.should_exit = True
        over.set()
        for thread in threads:
            thread.join(10)


def turn(loop: Iterator[object], over: threading.Event) -> None:
    """A loop, until it is over."""
    while not over.is_set():
        if getattr(next(loop), "idle", False):
            over.wait(0.002)


@contextmanager
def asking(town: Town) -> Iterator[Client]:
    """A plain client of the town."""
    client = Client(town.port)
    try:
        yield client
    finally:
        client.close()
