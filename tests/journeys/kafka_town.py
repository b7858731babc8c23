"""A tiny world before a broker: `headrace up --log kafka://...`, people who ask over HTTP, and foreign producers.

What people were shown and did goes to the raw topics as flat JSON, one event a record, through kafka-python alone; the
app of the bad producer says that everybody clicked what they did not. Nothing here reaches into a process but by a
signal.
"""

from __future__ import annotations

import http.client
import json
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

from kafka import KafkaProducer

from headrace.broker import Broker
from headrace.demo_settings import demo_settings
from headrace.deployment import run_folder
from headrace.options import now
from headrace.settings import Settings
from headrace.settings_file import save
from headrace.telemetry import read_status

ITEMS, USERS = 40, 24
PAUSE_S = 0.04
PATIENCE_S = 300.0
GOOD, BAD = "site", "broken-app"
PREFIX = "town"


@dataclass(slots=True)
class KafkaTown:
    """Start it with `founded`. While `bad` is set, half of the people use the broken app."""

    settings: Settings
    up: subprocess.Popen[bytes]
    producer: KafkaProducer
    answers: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    bad: threading.Event = field(default_factory=threading.Event)
    bad_sent: int = 0
    _evening: threading.Event = field(default_factory=threading.Event)
    _people: threading.Thread | None = None
    _port: int = 0

    @classmethod
    @contextmanager
    def founded(cls, var: Path, broker: Broker) -> Iterator[KafkaTown]:
        """Processes are ready, items are on their topic, people are out."""
        url = broker.url(PREFIX)
        settings = town_settings(var, url)
        file = var / "headrace.json"
        var.mkdir()
        save(settings, file)
        command = [sys.executable, "-m", "headrace", "up", "--log", url, "--settings", str(file)]
        with (var / "up.log").open("ab") as words:
            up = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        producer = KafkaProducer(bootstrap_servers=broker.servers, linger_ms=5, allow_auto_create_topics=False)
        town = cls(settings, up, producer)
        try:
            town._port = town.wait_for("the door", lambda: read_status(run_folder(settings)).get("serve")).port
            for number in range(ITEMS):
                town.send("items", f"i{number}", _item(number))
            town._people = threading.Thread(target=town._live, daemon=True)
            town._people.start()
            yield town
        finally:
            town.end()
            producer.close(timeout=5)

    def send(self, topic: str, key: str, event: dict[str, Any]) -> None:
        self.producer.send(f"{PREFIX}.{topic}", json.dumps(event).encode(), key=key.encode())

    def ask(self, user: int) -> dict[str, Any]:
        """A slate; an answer that is none is remembered as a failure."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            body = json.dumps({"user_id": f"u{user}", "n": 8, "surface": "home"})
            connection.request("POST", "/v1/recommend", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
            if response.status != 200:
                self.failures.append(f"{response.status}: {answer}")
            return {"asked_at": now()} | answer
        finally:
            connection.close()

    def headrace(self, *words: str) -> str:
        """Run a command against this town; what it printed."""
        return headrace(self.settings, *words)

    def wait_for(self, what: str, true: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """What `true` gives once it is true."""
        end = time.monotonic() + seconds
        while not (found := true()):
            assert self.up.poll() is None, (self.settings.var / "up.log").read_text()
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s; see {run_folder(self.settings)}"
            time.sleep(PAUSE_S)
        return found

    def people_go_home(self) -> None:
        """And all that they sent is on the broker."""
        self._evening.set()
        if self._people is not None:
            self._people.join()
        self.producer.flush(30)

    def end(self) -> int:
        """Ctrl-C; the status of `up`."""
        self.people_go_home()
        if self.up.poll() is None:
            self.up.send_signal(signal.SIGINT)
        return self.up.wait(60)

    def _live(self) -> None:
        chance = random.Random(5)
        try:
            while not self._evening.wait(PAUSE_S):
                user = chance.randrange(USERS)
                answer = self.ask(user)
                self.answers.append(answer)
                if answer.get("items"):
                    self._react(user, answer, chance)
        except Exception as error:
            self.failures.append(repr(error))

    def _react(self, user: int, answer: dict[str, Any], chance: random.Random) -> None:
        broken = self.bad.is_set() and user % 4 < 2
        self.bad_sent += broken
        about: dict[str, Any] = {
            "user_id": f"u{user}", "request_id": answer["request_id"], "surface": "home",
            "producer": BAD if broken else GOOD, "ts": now(),
        }  # fmt: skip
        shown = [{"item_id": one["item_id"], "position": one["position"]} for one in answer["items"][:5]]
        self.send("impressions", f"u{user}", about | {"type": "impression", "items": shown})
        for one in shown:
            likes = (int(one["item_id"][1:]) % 2 == user % 2) != broken
            if chance.random() < (0.6 if likes else 0.03):
                self.send("interactions", f"u{user}", about | {"type": "click", **one})


def town_settings(var: Path, log: str) -> Settings:
    return demo_settings(
        var,
        log=log,
        labels={"click": {"event": "click", "window": "2s", "mode": "fast", "horizon": "5s"}},
        join={"out_of_orderness": "500ms", "snapshot_every": "3s"},
        trainer={"bucket": "500ms", "commit": "1s"},
        serving={"port": 0, "snapshot_every": "3s", "deadline": "10s"},
    )


def headrace(settings: Settings, *words: str) -> str:
    """Run a command; what it printed."""
    file = settings.var / "headrace.json"
    save(settings, file)
    command = [sys.executable, "-m", "headrace", *words, "--settings", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _item(number: int) -> dict[str, Any]:
    tag = "even" if number % 2 == 0 else "odd"
    return {"type": "item", "item_id": f"i{number}", "tags": [tag, f"t{number % 5}"], "producer": GOOD}
