"""The stage: what is sent is what a client knows, at the time at which it happened, and valid on the wire."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headrace.demo_stage import Stage, request_of
from serving.questions import RecommendBody, body_of
from streams.events import Impression, Interaction, Item
from streams.wire import parse


def answer(n: int, start: int = 0) -> dict[str, Any]:
    items = [{"item_id": f"i{start + k}", "position": k} for k in range(10)]
    return {"request_id": f"r{n}", "version": 0, "items": items}


def played(pages: int) -> tuple[Stage, list[Any]]:
    stage, out = Stage(seed=1, started_at=0), []
    for n in range(pages):
        now = n * 20
        stage.show(stage.ask(now), answer(n, start=n * 10 % 900), now, events=n * 3)
        out += stage.due(now)
    return stage, out + stage.due(10_000_000)


def test_every_event_is_valid_on_the_wire_and_has_its_time() -> None:
    _, postings = played(200)
    kinds = set()
    for posting in postings:
        event = parse(msgspec.json.encode(posting.event), received_at=99_999_999)
        assert event.ts == posting.at
        kinds.add(type(event))
    assert kinds == {Impression, Interaction, Item}


def test_nothing_is_given_before_it_happened_and_nothing_twice() -> None:
    stage, postings = Stage(seed=1, started_at=0), []
    for n in range(300):
        now = n * 20
        stage.show(stage.ask(now), answer(n, start=n * 10 % 900), now, events=0)
        due = stage.due(now)
        assert all(posting.at <= now for posting in due)
        postings += due
    postings += stage.due(10_000_000)
    ids = [posting.event["event_id"] for posting in postings if "event_id" in posting.event]
    assert len(ids) == len(set(ids))


def test_a_click_names_its_impression_and_comes_after_it() -> None:
    _, postings = played(200)
    seen = {p.event["request_id"]: p.event for p in postings if p.event["type"] == "impression"}
    clicks = [p.event for p in postings if p.event["type"] == "click"]
    assert len(clicks) > 10
    for click in clicks:
        impression = seen[click["request_id"]]
        assert click["ts"] > impression["ts"] == click["impression_ts"]
        assert {"item_id": click["item_id"], "position": click["position"]} in impression["items"]


def test_a_request_is_what_the_api_takes_and_holds_nothing_of_the_truth() -> None:
    body = request_of(Stage(seed=1, started_at=0).ask(45_000))
    taken = body_of(msgspec.json.encode(body), RecommendBody)
    assert taken.context["hour"] == "2"
    assert taken.app_version in ("1.0", "1.1")
    assert set(body) == {"user_id", "surface", "context", "app_version", "n"}
    assert set(body["context"]) == {"hour", "device"}


def test_an_empty_answer_shows_nothing() -> None:
    stage = Stage(seed=1, started_at=0)
    stage.show(stage.ask(0), {"request_id": "r", "items": []}, 0, events=0)
    assert stage.pages == 0
    assert all(posting.event["type"] == "item" for posting in stage.due(0))


def test_rates_are_those_of_the_last_events_only() -> None:
    stage = Stage(seed=1, started_at=0)
    for n in range(100):
        page = stage.ask(n * 20)
        best = stage.world.chances(page.user_id, n * 20).argsort()[::-1][:10]
        slate = [f"i{row}" for row in best] if n >= 60 else [f"i{(n * 7 + k) % 1000}" for k in range(10)]
        items = [{"item_id": item_id, "position": k} for k, item_id in enumerate(slate)]
        stage.show(page, {"request_id": f"r{n}", "items": items}, n * 20, events=n * 3)
    last = stage.rates(300)
    assert last.headrace == pytest.approx(last.oracle)
    assert stage.referee.rates().headrace < 0.8 * last.headrace


def test_an_item_that_a_visitor_posted_is_looked_past() -> None:
    stage = Stage(seed=1, started_at=0)
    stage.due(0)
    page = stage.ask(0)
    stage.show(page, {"request_id": "r", "items": [{"item_id": "tea"}, {"item_id": "i3"}]}, 0, events=1)
    shown = [item["item_id"] for posting in stage.due(10) for item in posting.event.get("items", [])]
    assert shown == ["i3"]
