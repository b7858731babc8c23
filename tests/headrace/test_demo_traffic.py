"""The traffic: pages come, what happened is posted, failures are counted, enough is enough."""

from __future__ import annotations

import queue
from functools import partial

from headrace.demo_http import Api
from headrace.demo_stage import Stage
from headrace.demo_tally import Tally
from headrace.demo_traffic import Acked, Traffic
from headrace.options import now
from tests.headrace.small_api import SmallApi, small_api


def traffic_to(server: SmallApi, *, most_events: int) -> tuple[Traffic, Tally]:
    tally = Tally()
    stage = Stage(seed=1, started_at=now())
    return Traffic(stage, tally, api=partial(Api, "127.0.0.1", server.port), most_events=most_events), tally


def test_the_items_are_posted_first_and_pages_follow_until_there_are_enough_events() -> None:
    with small_api() as server:
        traffic, tally = traffic_to(server, most_events=1_060)
        clicks: queue.Queue[Acked] = queue.Queue()
        traffic.listeners = [clicks]
        traffic.post_now()
        assert {event["type"] for event in server.events} == {"item"}
        assert len(server.events) >= 1_000
        traffic.start(rate=300.0)
        assert traffic.enough.wait(60)
        traffic.stop()
        counted = tally.counted()
        shown = [event for event in server.events if event["type"] == "impression"]
        clicked = [event for event in server.events if event["type"] == "click"]
    assert counted.failed == counted.mixed == 0
    assert counted.events == len(server.events) + len(server.asked) >= 1_060
    assert len(shown) <= len(server.asked)
    assert {clicks.get_nowait().event_id for _ in range(clicks.qsize())} == {event["event_id"] for event in clicked}


def test_nothing_is_sent_after_the_stop() -> None:
    with small_api() as server:
        traffic, _ = traffic_to(server, most_events=1_000_000)
        traffic.start(rate=200.0)
        traffic.stop()
        sent = len(server.events) + len(server.asked)
        assert not traffic.enough.wait(0.3)
        assert len(server.events) + len(server.asked) == sent


def test_each_failed_request_is_counted_and_the_rest_goes_on() -> None:
    with small_api() as server:
        traffic, tally = traffic_to(server, most_events=1_020)
        server.fails = {"/v1/recommend"}
        traffic.start(rate=200.0)
        while tally.counted().failed < 3:
            traffic.enough.wait(0.01)
        server.fails = set()
        assert traffic.enough.wait(60)
        traffic.stop()
    assert "told to fail" in tally.counted().complaint
    assert tally.counted().events >= 1_020


def test_a_full_listener_misses_clicks_and_holds_nobody_up() -> None:
    with small_api() as server:
        traffic, tally = traffic_to(server, most_events=1_150)
        traffic.listeners = [queue.Queue(maxsize=1)]
        traffic.start(rate=400.0)
        assert traffic.enough.wait(60)
        traffic.stop()
    assert tally.counted().failed == 0
