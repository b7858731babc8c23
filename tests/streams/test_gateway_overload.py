"""Too much at once: the gateway says so, keeps what it has said yes to, and its memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetters
from streams.frames import decode_event
from streams.gateway import Door, Problem
from streams.intake import Intake
from streams.log import Log, MemoryLogs
from streams.overload import Busy
from streams.rates import RateLimits
from tests.streams.raw_topics import Hooked
from tests.streams.served_gateway import JSON, MAX_BODY, MAX_EVENTS, Gateway, click, serving


class SlowLogs:
    """Logs that take nothing until they may go on."""

    def __init__(self) -> None:
        self.logs = MemoryLogs()
        self.reached, self.goes_on = threading.Event(), threading.Event()

    def open(self, topic: str, partitions: int) -> Log:
        return Hooked(self.logs.open(topic, partitions), on_append=self._append)

    def close(self) -> None:
        """Nothing to let go of."""

    def _append(self, effect: Callable[[], int]) -> int:
        self.reached.set()
        assert self.goes_on.wait(30)
        return effect()


def test_a_producer_above_its_rate_is_sent_away_whole_and_told_when_to_come_again() -> None:
    logs, clock = MemoryLogs(), [0]
    rates = RateLimits(rate=0, rates={"tv": 10}, burst_ms=1_000)
    with serving(logs, rates=rates, clock=lambda: clock[0]) as port:
        gateway = Gateway(port, logs)
        ten = json.dumps([*(click(n, producer="tv") for n in range(10)), click(99, ts="noon")]).encode()
        assert gateway.post(ten)[0] == 202
        letters = DeadLetters(logs.open(TOPIC, PARTITIONS))
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/v1/events", ten, {"content-type": JSON})
        answer = connection.getresponse()
        told = json.loads(answer.read())
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        Problem.model_validate(told)
        assert "'tv'" in told["detail"]
        assert "Nothing of this request was taken" in told["detail"]
        assert (gateway.clicks(), len(letters.list())) == (10, 1)
        assert gateway.post(json.dumps([click(n) for n in range(50)]).encode())[0] == 202
        clock[0] = 1_000
        connection.request("POST", "/v1/events", ten, {"content-type": JSON})
        assert connection.getresponse().status == 202
        connection.close()


def test_more_than_fits_into_memory_is_sent_away_at_once_and_nothing_acknowledged_is_lost() -> None:
    logs = SlowLogs()
    with serving(logs, Door(MAX_BODY, MAX_EVENTS, 100_000)) as port:
        statuses: list[tuple[int, int]] = []

        def produce(name: int) -> None:
            body = json.dumps([click(name * 100 + k) for k in range(50)]).encode()
            statuses.append((Gateway(port).post(body)[0], name))

        threads = [threading.Thread(target=produce, args=(name,)) for name in range(30)]
        for thread in threads:
            thread.start()
        while len(statuses) < 20:  # the log stands still: those who are not let in don't wait for it
            time.sleep(0.01)
        assert {status for status, _ in statuses} == {429}
        assert Gateway(port).ask("GET", "/healthz")[0] == 200
        logs.goes_on.set()
        for thread in threads:
            thread.join()
    told = {name for status, name in statuses if status == 202}
    assert 1 <= len(told) <= 5
    assert {status for status, _ in statuses} == {202, 429}
    ids = {decode_event(r.value).event_id for p in range(4) for r in logs.open("interactions", 4).read(p, 0, 10**6)}
    assert ids == {f"e{name * 100 + k}" for name in told for k in range(50)}


def test_events_that_wait_for_the_log_are_bounded_too() -> None:
    logs = SlowLogs()
    intake = Intake(logs, partitions=4, clock=lambda: 1_000, max_waiting=5)
    events = [json.dumps(click(n)).encode() for n in range(4)]
    writer = threading.Thread(target=intake.take, args=(events,))
    writer.start()
    assert logs.reached.wait(20)
    with pytest.raises(Busy):
        intake.take(events)
    assert intake.told()["intake"] == {"accepted": 0, "rejected": 0, "shifted": 0, "fast": 0, "busy": 1}
    logs.goes_on.set()
    writer.join()
    assert all(outcome.accepted for outcome in intake.take(events))
    assert intake.told()["intake"]["accepted"] == 8
