"""A server in one process over a log in memory, on a real socket: what the tests of the HTTP side talk to."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from serving.answering import Answering
from serving.api import Server, create_app
from serving.fold_rules import FoldRules
from serving.folding import Folded, fold
from serving.gorse_desk import GorseDesk
from serving.gorse_routes import gorse_router
from serving.gorse_words import TYPES
from serving.known import Known
from serving.policy import Policy
from serving.recommend import Recommender
from serving.slate_log import SlateWriter
from streams.events import Event, Item, Slate, key_of
from streams.frames import EventFrame, decode_event, encode_frame
from streams.gateway import router
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.positions import partition_of
from tests.worlds import MemoryLive, Now, Telling

PARTITIONS = 2
CALM = Policy(epsilon=0.0, diversity=0.0, deadline=60_000.0)


class Deployment:
    """Logs, folds and recommender; `tell` writes events as a sequencer would, `fold` reads them to the end."""

    def __init__(
        self, folder: Path, *, logs: MemoryLogs | None = None, now: Now | None = None, rules: FoldRules | None = None
    ) -> None:
        self.folder = folder
        self.now = now or Now()
        self.telling = Telling(self.now)
        self.logs = logs or MemoryLogs()
        self.live = MemoryLive()
        self.known = Known(partitions=PARTITIONS, rules=rules or FoldRules())
        self.recommender = Recommender(self.known, self.live, CALM)
        self.intake = Intake(self.logs, partitions=PARTITIONS, clock=self.now)
        self.folding: Iterator[Folded] = fold(self.logs, self.known, folder=folder, clock=self.now, snapshot_every=1)

    def tell(self, *events: Event) -> None:
        """Append one frame per event: to its user's partition, an item's to all."""
        log = self.logs.open("events", PARTITIONS)
        for event in events:
            homes = range(PARTITIONS) if isinstance(event, Item) else [partition_of(key_of(event), PARTITIONS)]
            for partition in homes:
                log.append(partition, [encode_frame(EventFrame((event,)))], at=event.ts)

    def fold(self) -> Folded:
        """Fold until nothing is left, and past the next view."""
        while not (turn := next(self.folding)).idle:
            pass
        self.now.at += 1_000
        return next(self.folding) and turn

    def slates(self) -> list[Slate]:
        """The slates that were logged, in the order of their partitions."""
        log = self.logs.open("slates", PARTITIONS)
        return [decode_event(record.value) for p in range(PARTITIONS) for record in log.read(p, 0)]

    @contextmanager
    def served(self) -> Iterator[Client]:
        """The server on a socket, and a client of it."""
        server = Server(Answering(self.recommender, SlateWriter(self.intake.append), clock=self.now))
        gorse = gorse_router(GorseDesk(server.answering, self.intake.take, TYPES), server.counts)
        app = create_app(server, routers=[router(self.intake), gorse])
        config = uvicorn.Config(app, port=0, log_level="critical", access_log=False, timeout_keep_alive=600)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        while not running.started:
            threading.Event().wait(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        client = Client(port)
        try:
            yield client
        finally:
            client.close()
            running.should_exit = True
            thread.join(10)


class Client:
    """One connection; `post` and `get` give the status and the decoded body."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.content_type = ""

    def close(self) -> None:
        self._connection.close()

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Send JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, data)

    def get(self, path: str) -> tuple[int, Any]:
        return self._ask("GET", path, None)

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """Without a body."""
        return self._ask(method, path, None)

    def recommend(self, user_id: str, **more: Any) -> Any:
        """A list that must be there."""
        status, answer = self.post("/v1/recommend", {"user_id": user_id, **more})
        assert status == 200, answer
        return answer

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        data = response.read()
        self.content_type = response.headers["Content-Type"]
        return response.status, json.loads(data) if "json" in self.content_type else data.decode()


def ids(answer: Any) -> list[str]:
    """The items of an answer, in order."""
    return [item["item_id"] for item in answer["items"]]
