"""How soon answers know what happened: a click, a new item, one that is deleted or hidden. The real processes.

A small site runs as `headrace up` runs it (server, sequencer, joiner, trainer, follower), and people ask and click all
the while. `click_ms_*`: from the post of a click until its user's answer covers it. `new_item_ms_*`: from the post of
an item until a list that only it fits has it, and routes know it (`similar`). `gone_ms_*`: from the post of its delete,
or of an upsert that closes it, until no route has it: recommend (plain, filtered, paged), batch, rank, similar, and
Gorse's recommend and neighbours. Every item has an author of its own, so that a filter asks for it alone. Versions are
swapped in all the while, about each two seconds.

    python -m benchmarks.freshness [--quick] [--json] [--rounds N]
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.report_rows import Row, as_json, at_most, told
from headrace.demo_http import Api, Reply
from headrace.options import now
from headrace.settings import Settings
from headrace.stream_settings import Label
from headrace.tree import tree_of

PROCESSES = ("serve", "sequence", "join", "train", "follow")
ITEMS, USERS, PATIENCE, LOOK_EVERY = 2_000, 500, 120.0, 0.005
PACE = 0.05
"""Seconds between two pages of the others."""
CLICK, NEW, GONE = 200.0, 2_000.0, 1_000.0


@dataclass(slots=True)
class Site:
    """A server that runs, and the numbers of what was told to it."""

    api: Callable[[], Api]
    random: Random = field(default_factory=lambda: Random(5))
    told: int = 0

    def event(self, kind: str, **of: Any) -> dict[str, Any]:
        """An event of now."""
        self.told += 1
        return {"type": kind, "event_id": f"f{self.told}", "ts": now(), **of}

    def item(self, item_id: str, **more: Any) -> dict[str, Any]:
        """An upsert of an item; its author is its own."""
        return self.event("item", item_id=item_id, categories=[f"c{hash_of(item_id)}"], author=f"by-{item_id}", **more)


def hash_of(item_id: str) -> int:
    """A category of twenty."""
    return sum(item_id.encode()) % 20


def settings_in(place: Path) -> Settings:
    """Labels that close soon, so that versions come; Gorse's routes on."""
    return Settings(
        var=place / "var",
        partitions=2,
        labels={"click": Label(event="click", window=5_000, horizon=60_000)},
        trainer={"commit": 2_000},  # type: ignore[arg-type]
        serving={"port": 0},  # type: ignore[arg-type]
        gate={"on": False},  # type: ignore[arg-type]
        gorse={"on": True},  # type: ignore[arg-type]
    )


@contextmanager
def running(place: Path) -> Iterator[Site]:
    """All processes, the first items, and people who go on clicking until the end."""
    tree = tree_of(settings_in(place), PROCESSES)
    tree.start()
    over = threading.Event()
    try:
        port = tree.wait_ready(PATIENCE)["serve"].port
        site = Site(lambda: Api("127.0.0.1", int(port or 0), timeout=30))
        api = site.api()
        for first in range(0, ITEMS, 200):
            posted(api, [site.item(f"i{n}") for n in range(first, first + 200)])
        people = threading.Thread(target=visits, args=(Site(site.api, Random(6), told=1 << 30), over), daemon=True)
        people.start()
        until(lambda: asked(api, "u0")["rung"] == "model", tree.watch)
        yield site
    finally:
        over.set()
        tree.stop()


def visits(site: Site, over: threading.Event) -> None:
    """One page after the other, of which some items are clicked."""
    api, random = site.api(), site.random
    while not over.wait(PACE):
        user = f"u{random.randrange(USERS)}"
        reply = api.post("/v1/recommend", {"user_id": user, "n": 10, "surface": "home"})
        if reply.status != 200 or not reply.body["items"]:
            continue
        seen, asked_as = reply.body["items"], {"user_id": user, "request_id": reply.body["request_id"]}
        shown = [{"item_id": one["item_id"], "position": place} for place, one in enumerate(seen)]
        events = [site.event("impression", items=shown, surface="home", **asked_as)]
        clicked = [one["item_id"] for one in seen if random.random() < 0.1]
        events += [site.event("click", item_id=name, surface="home", **asked_as) for name in clicked]
        posted(api, events)


def click_ms(site: Site, api: Api, at: int) -> float:
    """A click of somebody, until his answer covers it."""
    user, item = f"u{at % USERS}", f"i{site.random.randrange(ITEMS)}"
    click = site.event("click", user_id=user, item_id=item, surface="home")
    start = time.perf_counter()
    posted(api, [click])
    until(lambda: (asked(api, user)["history_at"] or 0) >= click["ts"])
    return 1_000 * (time.perf_counter() - start)


def new_item_ms(site: Site, api: Api, item_id: str) -> float:
    """An item nobody knew, until it is found."""
    start = time.perf_counter()
    posted(api, [site.item(item_id)])
    until(lambda: item_id in listed(asked(api, "u1", **only(item_id))))
    until(lambda: api.get(f"/v1/items/{item_id}/similar?n=5").status == 200)
    return 1_000 * (time.perf_counter() - start)


def gone_ms(site: Site, api: Api, item_id: str, *, closed: bool) -> float:
    """An item is deleted, or closed, until no route has it."""
    start = time.perf_counter()
    last = site.item(item_id, available_until=now() - 1) if closed else site.event("item_delete", item_id=item_id)
    posted(api, [last])
    for has in places(api, item_id):
        until(lambda has=has: not has())  # type: ignore[misc]
    return 1_000 * (time.perf_counter() - start)


def places(api: Api, item_id: str) -> list[Callable[[], bool]]:
    """Each route, and whether it has an item."""
    other = "i7" if item_id != "i7" else "i8"
    narrow = {"user_id": "u3", "n": 1, "surface": "home", "dry_run": True} | only(item_id)
    batch = {"requests": [narrow]}
    near = f"/v1/items/{other}/similar?n=5&filter=author%20%3D%20%27by-{item_id}%27"
    return [
        lambda: item_id in listed(api.post("/v1/recommend", narrow).body),
        lambda: item_id in listed(api.post("/v1/recommend", narrow | {"cursor": ""}).body),
        lambda: item_id in listed(api.post("/v1/recommend/batch", batch).body["answers"][0]["answer"]),
        lambda: item_id in listed(api.post("/v1/rank", {"user_id": "u3", "items": [item_id, other]}).body),
        lambda: item_id in listed(api.get(near).body),
        lambda: api.get(f"/v1/items/{item_id}/similar?n=5").status == 200,
        lambda: item_id in listed(asked(api, "u3", n=100)),
        lambda: item_id in (api.get("/api/recommend/u3?n=100").body or []),
        lambda: item_id in [one["Id"] for one in api.get(f"/api/item/{other}/neighbors?n=100").body or []],
    ]


def only(item_id: str) -> dict[str, Any]:
    """A filter that one item fits."""
    return {"filter": f"author = 'by-{item_id}'"}


def listed(answer: dict[str, Any]) -> list[str]:
    """The items of an answer."""
    return [one["item_id"] for one in answer.get("items", [])]


def asked(api: Api, user: str, **more: Any) -> dict[str, Any]:
    """An answer that nobody sees."""
    body = {"user_id": user, "n": 10, "surface": "home", "dry_run": True} | more
    return _good(api.post("/v1/recommend", body))


def posted(api: Api, events: list[dict[str, Any]]) -> None:
    """Tell the gateway. Raises RuntimeError where it takes not all of them."""
    _good(api.post("/v1/events", events))


def _good(reply: Reply) -> dict[str, Any]:
    if reply.status not in (200, 202):
        raise RuntimeError(f"status {reply.status}: {reply.body}")
    body: dict[str, Any] = reply.body
    return body


def until(true: Callable[[], bool], look: Callable[[], object] = lambda: None) -> None:
    """Ask again and again. Raises RuntimeError after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE:.0f} s")
        look()
        time.sleep(LOOK_EVERY)


def measure(place: Path, rounds: int) -> list[Row]:
    """All figures."""
    with running(place) as site:
        api = site.api()
        clicks = [click_ms(site, api, at) for at in range(rounds)]
        new = [new_item_ms(site, api, f"new-{at}") for at in range(rounds)]
        gone = [gone_ms(site, api, f"new-{at}", closed=at % 2 == 0) for at in range(rounds)]
    rows = [Row("rounds", rounds)]
    for name, taken, bar in (("click", clicks, CLICK), ("new_item", new, NEW), ("gone", gone, GONE)):
        p50, p95 = np.percentile(taken, (50, 95)).tolist()
        rows += [Row(f"{name}_ms_p50", p50), at_most(f"{name}_ms_p95", p95, bar), Row(f"{name}_ms_most", max(taken))]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20 rounds instead of 100")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--rounds", type=int)
    asked_for = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        rows = measure(Path(place), asked_for.rounds or (20 if asked_for.quick else 100))
    print(as_json(rows) if asked_for.json else "\n".join(told(row) for row in rows))


if __name__ == "__main__":
    main()
