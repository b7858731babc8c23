"""The threads that carry the world over HTTP: some ask for pages, one posts what happened. No decision is made here.

Requests and events go the way of any client. A failed request is counted, its page is lost, and the rest goes on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headrace.demo_http import Api, Reply
from headrace.demo_stage import Posting, Stage, request_of
from headrace.demo_tally import Tally
from headrace.options import now

ASKERS = 4
POST_EVERY = 0.06
CATCH_UP = 0.2
"""Seconds of missed turns that are made up for."""
MOST_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Acked:
    """A click whose post was answered at `at` (ms)."""

    event_id: str
    user_id: str
    ts: int
    at: int


class Traffic:
    """Pages at `rate` a second, until `stop`. Each acked click goes into the queues of `listeners`; full ones miss it.

    `start` is called once; `stop` waits for all threads.
    """

    def __init__(self, stage: Stage, tally: Tally, *, api: Callable[[], Api], most_events: int | None = None) -> None:
        self.rate = 0.0
        self.enough = threading.Event()
        self.listeners: list[queue.Queue[Acked]] = []
        self._stage = stage
        self._tally = tally
        self._api = api
        self._most_events = most_events
        self._lock = threading.Lock()
        self._next_turn = 0.0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def lock(self) -> threading.Lock:
        """Whoever reads the stage holds it."""
        return self._lock

    def post_now(self) -> None:
        """Post everything that has happened by now, from the calling thread: the first items."""
        api = self._api()
        self._post_due(api)
        api.close()

    def start(self, rate: float) -> None:
        """Let the pages come."""
        self.rate = rate
        self._next_turn = time.monotonic()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(ASKERS)]
        self._threads.append(threading.Thread(target=self._post, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No page and no event after this."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        api = self._api()
        while self._wait_for_turn():
            with self._lock:
                page = self._stage.ask(now())
            reply = api.post("/v1/recommend", request_of(page))
            if reply.status != 200:
                self._tally.failed(f"POST /v1/recommend: {_told(reply)}")
                continue
            at = now()
            self._tally.answered(reply.body, ms=reply.ms, at=at)
            self._took(["slate"])
            with self._lock:
                self._stage.show(page, reply.body, at, events=self._tally.counted().events)
        api.close()

    def _wait_for_turn(self) -> bool:
        with self._lock:
            turn = max(self._next_turn, time.monotonic() - CATCH_UP)
            self._next_turn = turn + 1.0 / max(self.rate, 1e-3)
        return not self._stopping.wait(max(0.0, turn - time.monotonic()))

    def _post(self) -> None:
        api = self._api()
        while not self._stopping.wait(POST_EVERY):
            self._post_due(api)
        api.close()

    def _post_due(self, api: Api) -> None:
        with self._lock:
            due = self._stage.due(now())
        for start in range(0, len(due), MOST_AT_ONCE):
            self._post_some(api, due[start : start + MOST_AT_ONCE])

    def _post_some(self, api: Api, postings: Sequence[Posting]) -> None:
        reply = api.post("/v1/events", [posting.event for posting in postings])
        if reply.status != 202 or reply.body["rejected"]:
            self._tally.failed(f"POST /v1/events of {len(postings)}: {_told(reply)}")
            return
        at = now()
        self._tally.posted()
        self._took([posting.event["type"] for posting in postings])
        for posting in postings:
            event = posting.event
            if event["type"] == "click" and posting.at - event["impression_ts"] < LEARNABLE_MS:
                self._offer(Acked(event["event_id"], event["user_id"], posting.at, at))

    def _offer(self, click: Acked) -> None:
        for listener in self.listeners:
            if not listener.full():
                listener.put_nowait(click)

    def _took(self, kinds: Sequence[str]) -> None:
        self._tally.took(kinds)
        if self._most_events is not None and self._tally.counted().events >= self._most_events:
            self.enough.set()


LEARNABLE_MS = 5_000
"""Later clicks are outside the demo's window: no label, so no weights to wait for."""


def _told(reply: Reply) -> str:
    return f"status {reply.status}, {str(reply.body)[:300]}"
