"""A tiny world over HTTP: even users click even items. Its people never stop asking, and remember every answer.

The processes are real ones, started as `headrace up` starts them; nothing here reaches into them except by signals.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from headrace.demo_settings import demo_settings
from headrace.options import now
from headrace.settings import Settings
from headrace.supervisor import Supervisor
from headrace.tree import tree_of

ITEMS = 40
USERS = 24
PAUSE = 0.05
PATIENCE = 300.0


@dataclass(frozen=True)
class Reply:
    """`status` 0: no answer at all, and `body` says why."""

    status: int
    body: Any
    sent_at: int


@dataclass
class Town:
    """Start it with `founded`."""

    settings: Settings
    tree: Supervisor
    replies: list[Reply] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    failure: Exception | None = None
    _evening: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _ready: threading.Event = field(default_factory=threading.Event)
    _port: int = 0

    @classmethod
    @contextmanager
    def founded(cls, var: Path) -> Iterator[Town]:
        """A town whose processes are ready, whose items are posted, whose people are out."""
        settings = demo_settings(
            var,
            labels={"click": {"event": "click", "window": "2s", "mode": "fast", "horizon": "5s"}},
            join={"out_of_orderness": "500ms", "snapshot_every": "3s"},
            trainer={"bucket": "500ms", "commit": "1s"},
            serving={"port": 0, "snapshot_every": "3s", "deadline": "10s"},
        )
        town = cls(settings, tree_of(settings))
        keeper = threading.Thread(target=town._keep)
        people = threading.Thread(target=town._live)
        keeper.start()
        try:
            town._ready.wait()
            assert not town.failure, town.failure
            town.post([_item(number) for number in range(ITEMS)])
            people.start()
            yield town
        finally:
            town._evening.set()
            if people.ident is not None:
                people.join()
            town._over.set()
            keeper.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def ask(self, user: int, **more: object) -> Reply:
        return self.request("POST", "/v1/recommend", {"user_id": f"u{user}", "n": 8, "surface": "home", **more})

    def post(self, events: list[dict[str, object]]) -> Reply:
        reply = self.request("POST", "/v1/events", events)
        assert reply.status == 202, reply
        assert reply.body["rejected"] == 0, reply
        return reply

    def request(self, method: str, path: str, body: object = None) -> Reply:
        sent_at, connection = now(), http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            data = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            if "json" in (response.headers["content-type"] or ""):
                return Reply(response.status, msgspec.json.decode(text), sent_at)
            return Reply(response.status, text.decode(), sent_at)
        except OSError as error:
            return Reply(0, repr(error), sent_at)
        finally:
            connection.close()

    def headrace(self, *words: str) -> str:
        """Run a command against this town; what it printed."""
        command = [sys.executable, "-m", "headrace", *words, "--settings", str(self.tree.run / "settings.json")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill(self, name: str) -> int:
        """kill -9; the pid."""
        pid = self.tree.ready()[name].pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for(self, what: str, true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """What `true` gives once it is true."""
        end = time.monotonic() + seconds
        while not (found := true()):
            assert not self.failure, self.failure
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s; see {self.tree.run}"
            time.sleep(PAUSE)
        return found

    def served(self, since: int = 0) -> list[dict[str, Any]]:
        """The answers that people got to questions they asked after `since`."""
        return [reply.body for reply in list(self.replies) if reply.sent_at > since and reply.status == 200]

    def _keep(self) -> None:
        """One thread starts the processes, watches them and stops them: they die with it."""
        try:
            self.tree.start()
            ready = self.tree.wait_ready(PATIENCE, waiting=lambda: not self._over.is_set())
            self._port = ready["serve"].port or 0
            self._ready.set()
            while not self._over.wait(PAUSE):
                self.deaths += [death.name for death in self.tree.watch()]
        except Exception as error:
            self.failure = error
        finally:
            self._ready.set()
            self.tree.stop()

    def _live(self) -> None:
        chance = random.Random(7)
        while not self._evening.wait(PAUSE):
            user = chance.randrange(USERS)
            reply = self.ask(user)
            self.replies.append(reply)
            if reply.status == 200 and reply.body["items"]:
                self.post(_reaction(user, reply.body, chance))


def _item(number: int) -> dict[str, object]:
    tag = "even" if number % 2 == 0 else "odd"
    return {"type": "item", "item_id": f"i{number}", "categories": [tag], "tags": [tag, f"t{number % 5}"]}


def _reaction(user: int, answer: dict[str, Any], chance: random.Random) -> list[dict[str, object]]:
    """What a user was shown and clicked; everything carries the request's id."""
    about: dict[str, object] = {"user_id": f"u{user}", "request_id": answer["request_id"], "surface": "home"}
    shown = answer["items"][:5]
    events = [
        about | {"type": "impression", "items": [{"item_id": s["item_id"], "position": s["position"]} for s in shown]}
    ]
    for item in shown:
        liked = int(item["item_id"][1:]) % 2 == user % 2
        if chance.random() < (0.6 if liked else 0.03):
            events.append(about | {"type": "click", "item_id": item["item_id"], "position": item["position"]})
    return events
