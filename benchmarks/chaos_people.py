"""People before a site, as foreign producers see them: flat JSON, one event a record, through kafka-python alone.

They are shown pages and react: clicks and likes at once or late, before their impression, twice. Nothing of ours has a
part in what they send, and they remember every event that the broker acknowledged.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer

Event = dict[str, Any]
S = 1_000
ITEMS, USERS, PAGE = 60, 200, 3
PATIENCE_MS = 900 * S
TOPICS = {"impression": "impressions", "item": "items"}
REACTIONS = (("click", 0.3, 0.7), ("like", 0.1, 1.2))
"""Type, how often on each item shown, seconds after it on average."""
EARLY, TWICE, LATE = 0.03, 0.03, 0.04
"""How much is sent before its impression, is sent twice, is sent seconds after it happened."""


@dataclass(order=True)
class _Sending:
    due: float
    number: int
    event: Event = field(compare=False)


class Life:
    """What happens, without a clock of its own: `upto` gives what is to be sent by then, in order.

    >>> life = Life(seed=1, started_at=0.0, pages=20.0)
    >>> first = list(life.upto(10.0))
    >>> [event["type"] for event in first[:2]], first[-1]["ts"] <= 10_000
    (['item', 'item'], True)
    """

    def __init__(self, *, seed: int, started_at: float, pages: float) -> None:
        self._chance = random.Random(seed)
        self._pages = pages
        self._page_at, self._page = started_at + 0.5, itertools.count()
        self._numbers = itertools.count()
        self._later: list[_Sending] = []
        for item in range(ITEMS):
            self._send(started_at, _item(item, started_at, 0))

    def upto(self, now: float) -> Iterator[Event]:
        """Seconds since 1970."""
        while self._page_at <= now:
            self._show(self._page_at, next(self._page))
            self._page_at += self._chance.expovariate(self._pages)
        while self._later and self._later[0].due <= now:
            yield heapq.heappop(self._later).event

    def _show(self, at: float, page: int) -> None:
        chance = self._chance
        user, request = f"u{chance.randrange(USERS)}", f"r{page}"
        about: Event = {"user_id": user, "request_id": request, "surface": "home", "producer": "site"}
        items = [f"i{n}" for n in chance.sample(range(ITEMS), PAGE)]
        shown = [{"item_id": item, "position": n} for n, item in enumerate(items)]
        self._tell(at, about | {"type": "impression", "event_id": request, "items": shown})
        for item, (kind, odds, mean) in itertools.product(items, REACTIONS):
            if chance.random() < odds * (2 if int(item[1:]) % 2 == int(user[1:]) % 2 else 0.2):
                delay = -0.2 if chance.random() < EARLY else chance.expovariate(1 / mean)
                name = f"{request}.{item}.{kind}"
                self._tell(at + delay, about | {"type": kind, "event_id": name, "item_id": item})
        if page % 50 == 0:
            number = chance.randrange(ITEMS)
            self._send(at, _item(number, at, page + 1))

    def _tell(self, at: float, event: Event) -> None:
        chance, event = self._chance, event | {"ts": round(at * S)}
        due = at + (chance.uniform(1, 6) if chance.random() < LATE else 0)
        self._send(due, event)
        if chance.random() < TWICE:
            self._send(due + chance.uniform(0, 3), event)

    def _send(self, due: float, event: Event) -> None:
        heapq.heappush(self._later, _Sending(due, next(self._numbers), event))


class People:
    """A thread that lives a life until `leave`; then `acknowledged` has the id of every event that the broker took."""

    def __init__(self, servers: str, prefix: str, *, seed: int, pages: float) -> None:
        self._prefix = prefix
        self._life = Life(seed=seed, started_at=time.time(), pages=pages)
        self._producer = KafkaProducer(
            bootstrap_servers=servers.split(","), delivery_timeout_ms=PATIENCE_MS, max_block_ms=PATIENCE_MS,
            reconnect_backoff_max_ms=S, linger_ms=5, allow_auto_create_topics=False,
        )  # fmt: skip
        self.acknowledged: set[str] = set()
        self.refused: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="people", daemon=True)

    def come(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Stop, and wait until all that was sent is acknowledged or refused."""
        self._over.set()
        self._thread.join()
        self._producer.flush(PATIENCE_MS / S)
        self._producer.close()

    def _live(self) -> None:
        while not self._over.wait(0.01):
            for event in self._life.upto(time.time()):
                self._send(event)

    def _send(self, event: Event) -> None:
        name = f"{self._prefix}.{TOPICS.get(event['type'], 'interactions')}"
        key = str(event.get("user_id", event.get("item_id"))).encode()
        sent = self._producer.send(name, json.dumps(event).encode(), key=key)
        sent.add_callback(lambda _, known=event["event_id"]: self.acknowledged.add(known))
        sent.add_errback(lambda error: self.refused.append(repr(error)))


def _item(number: int, at: float, edition: int) -> Event:
    tag = "even" if number % 2 == 0 else "odd"
    return {
        "type": "item", "item_id": f"i{number}", "event_id": f"i{number}.{edition}", "ts": round(at * S),
        "tags": [tag, f"t{edition % 7}"], "producer": "site",
    }  # fmt: skip
