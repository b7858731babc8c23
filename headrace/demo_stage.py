"""Where the world meets the wire: pages become requests, answers become impressions and clicks at their times.

Pure: the clock and the answers come in as arguments, and nothing is sent from here. One driver at a time: threads
share it under a lock of theirs. Headrace sees what a client would report, and nothing of the truth.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from headrace.world import Click, Page, Reaction, World
from headrace.world_items import WorldItem
from headrace.world_oracle import Rates, Referee

SLATE = 10
"""Items in a slate; nobody looks at more than the first few."""
PRODUCER = "world"
LAST = 0.4
"""Share of the events, the last ones, over which click rates are given."""

WireEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posting:
    """An event and when (ms) it becomes known."""

    at: int
    event: WireEvent


class Bends(Protocol):
    """What goes wrong on the way from people to the log; `demo_incident.Incident` is the demo's."""

    def turn(self, events: int, now: int) -> None:
        """`events` are in the log by now."""
        ...

    def opened(self, page: Page) -> Page:
        """The page, with the app that opened it."""
        ...

    def reported(self, page: Page, reaction: Reaction) -> Reaction:
        """What the app says of a reaction."""
        ...


class Stage:
    """Asks, shows, and holds back what has not happened yet.

    >>> stage = Stage(seed=1, started_at=0)
    >>> len(stage.due(0)), stage.due(500)
    (1000, [])
    >>> page = stage.ask(1_000)
    >>> answer = {"request_id": "r", "version": 0, "items": [{"item_id": "i3", "position": 0}]}
    >>> stage.show(page, answer, 1_000, events=0)
    >>> [(posting.at, posting.event["type"]) for posting in stage.due(1_000)]
    [(1000, 'impression'), (1000, 'item')]
    """

    def __init__(
        self, *, seed: int, started_at: int, incident: Bends | None = None, world: World | None = None
    ) -> None:
        self.world = world or World(seed, started_at=started_at)
        self.incident = incident
        self.referee = Referee(self.world, seed)
        self._events_at: list[int] = []
        self._later: list[tuple[int, int, WireEvent]] = []
        self._put = 0

    def ask(self, now: int) -> Page:
        """Somebody wants a page."""
        page = self.world.ask(now)
        return page if self.incident is None else self.incident.opened(page)

    def show(self, page: Page, answer: Mapping[str, Any], now: int, *, events: int) -> None:
        """Put an answer before its user; `events` is how many the log holds by now.

        1. The referee compares; 2. the user reacts; 3. popular learns of it; 4. the events wait for their times.
        Items that a visitor posted are looked past. Where an app reports what did not happen, only 4 is of its report:
        popular stays a yardstick that the incident does not bend.
        """
        slate = [item["item_id"] for item in answer["items"] if self.world.items.knows(item["item_id"])]
        if not slate:
            return
        self.referee.judge(page, slate, now)
        self._events_at.append(events)
        reaction = self.world.react(page, slate, now)
        self.referee.saw(reaction, now)
        request_id = str(answer["request_id"])
        common = _circumstances(page) | {"request_id": request_id}
        shown = [{"item_id": seen.item_id, "position": seen.position} for seen in reaction.shown]
        self._hold(now, common | {"type": "impression", "event_id": f"{request_id}.seen", "items": shown})
        for click in self._reported(page, reaction, events, now):
            about = {"item_id": click.item_id, "position": click.position, "impression_ts": now}
            name = {"type": "click", "event_id": f"{request_id}.{click.position}"}
            self._hold(now + click.delay, common | name | about)

    def due(self, now: int) -> list[Posting]:
        """What has happened by now and was not given before, in order of time; new items included."""
        for item in self.world.arrivals(now):
            self._hold(now, _item(item))
        out = []
        while self._later and self._later[0][0] <= now:
            at, _, event = heapq.heappop(self._later)
            out.append(Posting(at, event | {"ts": at}))
        return out

    def rates(self, events: int) -> Rates:
        """Click rates over the last 40 % of `events`."""
        return self.between((1 - LAST) * events)

    def between(self, since: float, until: float = float("inf")) -> Rates:
        """Click rates over the pages that were shown while the log held from `since` to `until` events."""
        return self.referee.rates(bisect_left(self._events_at, since), bisect_left(self._events_at, until))

    def recent(self, pages: int) -> Rates:
        """Click rates over the last `pages` pages."""
        return self.referee.rates(max(0, len(self._events_at) - pages))

    @property
    def pages(self) -> int:
        """How many pages were shown."""
        return len(self._events_at)

    def _reported(self, page: Page, reaction: Reaction, events: int, now: int) -> tuple[Click, ...]:
        if self.incident is None:
            return reaction.clicks
        self.incident.turn(events, now)
        return self.incident.reported(page, reaction).clicks

    def _hold(self, at: int, event: WireEvent) -> None:
        self._put += 1
        heapq.heappush(self._later, (at, self._put, event))


def request_of(page: Page) -> WireEvent:
    """The body of a request for a slate.

    >>> request_of(Page(0, "u7", "home", {"hour": "3"}, "1.0"))
    {'user_id': 'u7', 'surface': 'home', 'context': {'hour': '3'}, 'app_version': '1.0', 'n': 10}
    """
    about = {"user_id": page.user_id, "surface": page.surface, "context": page.context}
    return about | {"app_version": page.app_version, "n": SLATE}


def _circumstances(page: Page) -> WireEvent:
    return {
        "user_id": page.user_id,
        "surface": page.surface,
        "context": page.context,
        "app_version": page.app_version,
        "producer": PRODUCER,
    }


def _item(item: WorldItem) -> WireEvent:
    return {
        "type": "item",
        "item_id": item.item_id,
        "categories": list(item.categories),
        "tags": list(item.tags),
        "author": item.author,
        "producer": PRODUCER,
    }
