"""A closed loop of the world of `tastes.py` and a site in this process: each page is asked for, answered, looked at and
told, and the site learns of it. A deployment starts with a catalogue and no history, or with what an older system
(`tastes_older.py`) showed before it.

Everything is a function of seed and settings: two loops with the same are the same. Time is the loop's own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.poison_site import Clock, Site
from benchmarks.tastes import Tastes, Visit
from benchmarks.tastes_older import Older
from headrace.demo_settings import demo_settings
from headrace.settings import Settings
from serving.answers import Ask

START = 1_790_000_000_000
SLATE = 10
STEP = 1_000
"""Ms between two turns of the site."""
PER_SECOND = 100
CLICKS_AFTER = 300
"""Ms from a look to a click."""
COMMON: dict[str, Any] = {"surface": "home", "producer": "world"}
Event = dict[str, Any]


def settings_for(var: Path, *, seed: int, label: dict[str, Any] | None = None, **serving: Any) -> Settings:
    """The demo's settings with one label that is decided when its window closes. Nobody here tires of an item from page
    to page, so none is kept away for that."""
    weary = {"fatigue": 1.0, "seen": {"wanted_for": 0, "showings": 1_000_000, "shown_for": 0}}
    click = {"event": "click", "window": "1s", "mode": "wait", "horizon": 0} | (label or {})
    return demo_settings(
        var,
        partitions=1,
        labels={"click": click},
        join={"grace": 0, "out_of_orderness": 0, "snapshot_every": "1h"},
        trainer={"commit": "4s", "seed": seed, "context": (), "guard": {"on": False}, "challengers": {"on": False}},
        follower={"keep": 2},
        serving={"snapshot_every": "1h", "diversity": 0.05, "log_features": 0.0} | weary | serving,
    )


class Loop:
    """A site and its visitors."""

    def __init__(self, tastes: Tastes, settings: Settings, *, seed: int) -> None:
        self.tastes, self.clock = tastes, Clock(START)
        self.site = Site(settings, self.clock, seed=seed)
        self._next, self._held = START + STEP, 0
        self._later: list[tuple[int, int, Event]] = []
        self.site.post([self._item(number) for number in range(tastes.kind.items)])
        self.site.turn()

    def run(self, pages: range, judge: Callable[[Visit, Ask], None] = lambda visit, ask: None) -> list[list[int]]:
        """The lists that these pages showed; `judge` meets each before it is answered."""
        return [self._page(number, judge) for number in pages]

    def before(self, pages: range, older: Older) -> None:
        """An older system serves these pages; the site is told, and learns."""
        for number in pages:
            now = _time(number)
            self._pass(now)
            visit = self.tastes.visit(number)
            slate = older.slate(number, SLATE)
            older.told([slate[place] for place in self.tastes.clicked(visit, slate)])
            self._show(visit, f"older-{number}", slate, now)

    def _page(self, number: int, judge: Callable[[Visit, Ask], None]) -> list[int]:
        now = _time(number)
        self._pass(now)
        visit = self.tastes.visit(number)
        ask = Ask(f"u{visit.user}", SLATE, now, "home")
        judge(visit, ask)
        answer = self.site.answer(ask)
        slate = rows_of(answer["items"])
        self._show(visit, answer["request_id"], slate, now)
        return slate

    def _show(self, visit: Visit, request_id: str, slate: list[int], now: int) -> None:
        common = COMMON | {"user_id": f"u{visit.user}", "request_id": request_id}
        seen = [{"item_id": f"i{row}", "position": place} for place, row in enumerate(slate[: visit.depth])]
        self._hold(now, common | {"type": "impression", "event_id": f"{request_id}.seen", "items": seen})
        for place in self.tastes.clicked(visit, slate):
            about = seen[place] | {"impression_ts": now, "event_id": f"{request_id}.{place}"}
            self._hold(now + CLICKS_AFTER, common | {"type": "click"} | about)

    def _pass(self, until: int) -> None:
        """Time passes; what happened meanwhile is posted, and the site works it off."""
        while self._next <= until:
            self.clock.now = self._next
            due = []
            while self._later and self._later[0][0] <= self._next:
                at, _, event = heapq.heappop(self._later)
                due.append(event | {"ts": at})
            self.site.post(due)
            self.site.turn()
            self._next += STEP
        self.clock.now = until

    def _hold(self, at: int, event: Event) -> None:
        self._held += 1
        heapq.heappush(self._later, (at, self._held, event))

    def _item(self, number: int) -> Event:
        topic = f"topic{self.tastes.topic_I[number]}"
        return {"type": "item", "item_id": f"i{number}", "categories": [topic], "producer": "world", "ts": START}


def _time(number: int) -> int:
    return START + STEP + number * 1_000 // PER_SECOND


def rows_of(items: list[dict[str, Any]]) -> list[int]:
    """The world's numbers of items that were answered.

    >>> rows_of([{"item_id": "i7"}])
    [7]
    """
    return [int(item["item_id"][1:]) for item in items]
