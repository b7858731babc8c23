"""One closed loop of `poison.py`: people ask, a site in this process answers and learns of what they are said to do.

Everything is a function of the run's terms: two runs with the same terms are the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.poison_site import Clock, Digests, Site
from benchmarks.poison_watch import Watch
from benchmarks.poison_world import APP, Kind, People, S, Times, at, expected
from checkpoints.quarantine import Order
from headrace.demo_settings import demo_settings
from headrace.demo_stage import SLATE, Stage
from headrace.settings import Settings
from headrace.world import Page, World
from serving.answers import Ask

START = 1_790_000_000_000
USERS, ITEMS = 150, 300
STEP = 500
"""Ms between two turns of the site."""
LATE, SILENCE = 8 * S, 20 * S
"""After the last page: clicks still come, then only time passes, until every label is closed."""
WAIT = 24
"""Batches that wait for the guard's word: what it needs to see a fault, and somewhat more."""
MARGIN = 2 * S
"""What an operator leaves on both sides of the times that the app's makers give."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """A run. `back` None: nobody acts; else whether the ripple is masked too. Other `chances` explore otherwise."""

    seed: int
    times: Times
    kind: Kind = "none"
    back: bool | None = None
    guard: bool = False
    chances: int = 0


@dataclass(slots=True)
class Ran:
    """What became of it. `clicks` and `buys` are to be expected of each page. `served` counts pages by the version
    that answered, `spoilt` are versions that had learned what the bug told, `learned_ever` and `learned` the corrupt
    rows that were learned at some time, and those that are in what was learned at the end."""

    clicks: list[float] = field(default_factory=list)
    buys: list[float] = field(default_factory=list)
    served: dict[int, int] = field(default_factory=dict)
    spoilt: set[int] = field(default_factory=set)
    learned: int = 0
    learned_ever: int = 0
    tainted: int = 0
    masked: list[str] = field(default_factory=list)
    digests: Digests = field(default_factory=dict)

    def ctr(self, pages: tuple[int, int]) -> float:
        """Expected clicks by item looked at."""
        return mean(self.clicks[slice(*pages)])

    def btr(self, pages: tuple[int, int]) -> float:
        """Expected purchases by item looked at."""
        return mean(self.buys[slice(*pages)])

    @property
    def spoilt_pages(self) -> int:
        return sum(self.served.get(version, 0) for version in self.spoilt)


def settings_for(var: Path, *, guard: bool) -> Settings:
    """The demo's settings with a second label, and batches of half a second. What a guard judges must be told at its
    close: hours of this world last four windows, and a fast label is off by itself at each turn of one."""
    told = {"window": "5s", "mode": "wait" if guard else "fast", "horizon": "10s"}
    return demo_settings(
        var,
        partitions=2,
        labels={"click": {"event": "click"} | told, "buy": {"event": "purchase"} | told},
        trainer={
            "bucket": "500ms",
            "guard": {"on": guard, "label": "click", "wait": WAIT},
            "challengers": {"on": False},
        },
        serving={"weights": {"click": 1.0, "buy": 0.0}, "log_features": 0.0, "watch_next": {"window": "30s"}},
    )


class Loop:
    """A site and its people; `run` goes to the end."""

    def __init__(self, terms: Terms, folder: Path) -> None:
        self.terms, self.ran = terms, Ran()
        self.clock = Clock(START)
        self.people = People(terms.kind, terms.times, seed=terms.seed, started_at=START)
        world = World(terms.seed, started_at=START, users=USERS, items=ITEMS)
        self.stage = Stage(seed=terms.seed, started_at=START, incident=self.people, world=world)
        self.site = Site(settings_for(folder, guard=terms.guard), self.clock, seed=terms.seed + terms.chances)
        began_at, ended_at = self.people.began_at, self.people.ended_at
        label = "buy" if terms.kind == "lost" else ""
        self.watch = Watch(APP, began_at, ended_at, on=terms.kind != "none", label=label)
        self.site.watch = self.watch.look
        self.site.trainer.watch = self.watch
        self._next = START

    def run(self, say: Say = lambda _: None) -> Ran:
        """All pages, and the time after them; `ran` is whole then, but for digests."""
        times, ran = self.terms.times, self.ran
        for number in range(times.pages):
            now = at(number, START)
            self._pass(now)
            if number == times.back and self.terms.back is not None:
                self._go_back(ripple=self.terms.back)
            self._visit(number, now)
            if number % 500 == 0:
                say(f"page {number:,}")
        end = at(times.pages, START)
        self._pass(end + LATE)
        self._pass(end + LATE + SILENCE, silent=True)
        ran.spoilt, ran.learned, ran.learned_ever = self.watch.spoilt, self.watch.inside, self.watch.learned_ever
        return ran

    def _pass(self, until: int, *, silent: bool = False) -> None:
        """Time passes; what happens meanwhile is posted, and the site works it off."""
        while self._next <= until:
            self.clock.now = self._next
            if not silent:
                self.site.post([posting.event for posting in self.stage.due(self._next)])
                self.site.post(self.people.purchases(self._next))
            self.site.turn()
            self._next += STEP
        self.clock.now = until

    def _visit(self, number: int, now: int) -> None:
        page = self.stage.ask(now)
        answer = self.site.answer(_asked(page, now))
        slate = [item["item_id"] for item in answer["items"]]
        clicks, buys = expected(self.stage.world, page, slate, now)
        self.ran.clicks.append(clicks)
        self.ran.buys.append(buys)
        self.stage.show(page, answer, now, events=number)
        self.people.bought(page, answer["request_id"], now)
        self.ran.served[answer["version"]] = self.ran.served.get(answer["version"], 0) + 1

    def _go_back(self, *, ripple: bool) -> None:
        done = self.site.roll_back(self.order(), why=f"app {APP} tells lies", ripple=ripple)
        self.ran.tainted, self.ran.masked = len(done.tainted), [entry.id for entry in done.entries]
        self.site.turn()

    def order(self) -> Order:
        """What the operator distrusts: of an app without a button only that label, so that clicks stay."""
        t0, t1 = self.people.began_at - MARGIN, self.people.ended_at + MARGIN
        return Order(t0=t0, t1=t1, app_version=APP, labels=("buy",) if self.terms.kind == "lost" else None)


def ran(terms: Terms, folder: Path, say: Say = lambda _: None) -> tuple[Loop, Ran]:
    """A run that is over; its site is still open."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    loop = Loop(terms, folder)
    return loop, loop.run(say)


def _asked(page: Page, now: int) -> Ask:
    context: dict[str, Any] = page.context
    return Ask(page.user_id, SLATE, now, page.surface, context, app_version=page.app_version)
