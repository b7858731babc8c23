"""The people of `poison.py` and what goes wrong with what one app tells of them: the demo's world, where clicks may
lead to purchases, and one of two upstream bugs. People never behave otherwise; only reports are wrong.

Pure: times come in. Half of the users have the app from the begin on. Refuses to know what Headrace does about a bug.
"""

from __future__ import annotations

import dataclasses
import heapq
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headrace.demo_incident import GOES_TO, inverted
from headrace.world import ATTENTION, HOUR_MS, Page, Reaction, World, looks

APP = "1.2"
SURE, SELDOM = 0.5, 0.02
"""Chances that a click leads to a purchase: of one item in three, and of the others."""
BUYS_AFTER = 700
"""Median of ms from a click to its purchase."""
PER_SECOND = 30
"""Pages a second: people who are asked more often are bored sooner."""
S = 1_000

Kind = Literal["none", "inverted", "lost"]


@dataclass(frozen=True, slots=True)
class Times:
    """Page numbers: the bug begins, the app is repaired, the operator acts, and where click rates are compared: while
    bad versions serve, right after the way back, and once that is forgotten."""

    pages: int
    bug: int
    fixed: int
    back: int
    during: tuple[int, int]
    soon: tuple[int, int]
    after: tuple[int, int]

    @classmethod
    def of(cls, pages: int, *, hours: float) -> Times:
        """A bug from 40 % of the pages on for so many hours of the world, a way back 5 % later.

        >>> times = Times.of(20_000, hours=3)
        >>> times.bug, times.fixed, times.back, times.during, times.after
        (8000, 9800, 10800, (9000, 10800), (15000, 20000))
        """
        bug = pages * 4 // 10
        fixed = bug + int(hours * HOUR_MS / S * PER_SECOND)
        back = fixed + pages // 20
        soon = (back, back + 40 * PER_SECOND)
        return cls(pages, bug, fixed, back, (bug + pages // 20, back), soon, (pages * 3 // 4, pages))


def at(number: int, started_at: int) -> int:
    """When (ms) a page is asked for."""
    return started_at + number * S // PER_SECOND


class People:
    """Who opens pages with which app, what the app says of them, and what they buy; `demo_stage.Bends` of a stage.

    >>> people = People("inverted", Times.of(1_000, hours=0.1), seed=1, started_at=0)
    >>> page = people.opened(Page(0, "u8", "home", {"device": "phone"}, "1.0"))
    >>> from headrace.world import Seen
    >>> left = Reaction((Seen("i1", 0),), ())
    >>> people.turn(399, 0); people.reported(page, left).clicks
    ()
    >>> people.turn(400, 0); len(people.reported(page, left).clicks)
    1
    """

    def __init__(self, kind: Kind, times: Times, *, seed: int, started_at: int) -> None:
        self._kind, self._times, self._seed = kind, times, seed
        self.began_at, self.ended_at = at(times.bug, started_at), at(times.fixed, started_at)
        self._broken, self._truth = False, Reaction((), ())
        self._later: list[tuple[int, str, dict[str, Any]]] = []

    def turn(self, events: int, now: int) -> None:
        """`events` is the number of the page."""
        self._broken = self._kind != "none" and self._times.bug <= events < self._times.fixed

    def opened(self, page: Page) -> Page:
        """The page with its user's app."""
        return page if int(page.user_id[1:]) % GOES_TO else dataclasses.replace(page, app_version=APP)

    def reported(self, page: Page, reaction: Reaction) -> Reaction:
        """What the app says."""
        self._truth = reaction
        wrong = self._broken and self._kind == "inverted" and page.app_version == APP
        return inverted(page, reaction, self._seed) if wrong else reaction

    def bought(self, page: Page, request_id: str, now: int) -> None:
        """What the page that was reported last leads to; nothing where its app has lost the button."""
        if self._broken and self._kind == "lost" and page.app_version == APP:
            return
        rng = np.random.default_rng([self._seed, 6, page.number])
        for click, luck, late in zip(self._truth.clicks, rng.random(16), rng.standard_normal(16), strict=False):
            if luck < chance_of_purchase(click.item_id):
                ts = now + click.delay + max(1, int(BUYS_AFTER * np.exp(0.5 * late)))
                event: dict[str, Any] = {"type": "purchase", "event_id": f"{request_id}.{click.position}.buy", "ts": ts}
                event |= {"request_id": request_id, "item_id": click.item_id, "position": click.position}
                event |= {"user_id": page.user_id, "surface": page.surface, "app_version": page.app_version}
                heapq.heappush(self._later, (ts, str(event["event_id"]), event | {"producer": "world"}))

    def purchases(self, now: int) -> list[dict[str, Any]]:
        """Those that have happened by now and were not given before."""
        out = []
        while self._later and self._later[0][0] <= now:
            out.append(heapq.heappop(self._later)[2])
        return out


def chance_of_purchase(item_id: str) -> float:
    """Of one click on this item; the same in every world."""
    return SURE if int(item_id[1:]) % 3 == 0 else SELDOM


def expected(world: World, page: Page, slate: list[str], now: int) -> tuple[float, float]:
    """Clicks and purchases that `slate` leads to on average, by item looked at, if this page shows it now."""
    look_n = looks(page, len(slate))
    chance_n = world.chances(page.user_id, now)[[world.items.row_of(item_id) for item_id in slate]]
    click_n = look_n * ATTENTION ** np.arange(len(slate)) * chance_n
    buys_n = np.array([chance_of_purchase(item_id) for item_id in slate])
    return float(click_n.sum() / look_n.sum()), float((click_n * buys_n).sum() / look_n.sum())
