"""What became of the pages of each arm of one experiment: a fold of the events of one partition, in one pass.

A page is a slate. Its clicks are those that name its request within `CLICKS` of it, its watch time that within
`WINDOW`; a visit is a run of pages with less than `GAP` between two, and its user has come back where another one
begins within `DAY` of it. Sums are kept by group of users (`intervals.py` says why); memory is bounded by the pages of
one window, the users of one day and constants. Nothing here judges; what comes in is visible already.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from math import fsum
from typing import Any

from msgspec import Struct, field

from serving.arm_sums import ArmSums
from streams.events import Event, Impression, Interaction, Slate, Tick, User
from streams.experiments import OFF, ON

MINUTE = 60_000
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
CLICKS, WINDOW = 2 * MINUTE, 10 * MINUTE
GAP = 30 * MINUTE
LATE = MINUTE
"""Beyond the newest time heard of by so much, nothing more of a page is waited for."""
MOST_PAGES = 200_000
MOST_USERS = 500_000
ARMS = (ON, OFF)


class Page(Struct, array_like=True):
    """A page that is waited for."""

    arm: int
    group: int
    ts: int
    user_id: str
    took: float | None
    items: int
    shown: set[str] = field(default_factory=set)
    clicked: set[str] = field(default_factory=set)
    watched: dict[str, float] = field(default_factory=dict)


class Person(Struct, array_like=True):
    """A user's visit that may be come back from."""

    arm: int
    group: int
    begun: int
    last: int


class ArmFold:
    """Feed it the visible events of one partition in order; `sums` has what is decided, `open` pages are still waited
    for. With `served` a page counts as shown whole, else only what its impressions name.

    >>> fold, on = ArmFold("bold"), {"bold": "on"}
    >>> shown = lambda user, ts: Slate(f"s-{user}", ts, user, f"r-{user}", (), arms=on)
    >>> fold.feed([shown("ana", 0), Interaction("c", 5, "ana", "click", item_id="tea", request_id="r-ana")])
    >>> fold.feed([shown("bo", 9), Tick(CLICKS + LATE + 10)])
    >>> fold.sums.totals("page_ctr")
    [(1.0, 2.0), (0.0, 0.0)]
    """

    def __init__(self, name: str, *, served: bool = False) -> None:
        self.name = name
        self.sums = ArmSums()
        self.now = 0
        self._served = served
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._watched: OrderedDict[str, Page] = OrderedDict()
        self._people: OrderedDict[str, Person] = OrderedDict()
        self._visits: dict[int, Counter[tuple[int, int]]] = {}
        self._returns: dict[int, Counter[tuple[int, int]]] = {}
        self._gone: dict[str, int] = {}

    @property
    def open(self) -> int:
        """Pages that are waited for."""
        return len(self._pages) + len(self._watched)

    def feed(self, events: Iterable[Event]) -> None:
        """Take events, then close what is over."""
        for event in events:
            match event:
                case User() if event.deleted:
                    self._forget(event.user_id, event.ts)
                case Slate() | Impression() | Interaction() | Tick():
                    self.now = max(self.now, event.ts)
                    self._take(event)
        self._close()

    def like(self) -> ArmFold:
        """A new one of the same experiment."""
        return ArmFold(self.name, served=self._served)

    def finish(self) -> None:
        """Nothing of the experiment is to come: keep what was counted, and nobody's name."""
        for kept in (self._pages, self._watched, self._people, self._gone):
            kept.clear()
        self.sums.settle()

    def told(self) -> Iterator[tuple[str, list[Any]]]:
        """All of it but `now`: files by name, and their entries, as `take` reads them."""
        yield "sums", [self.sums.told()]
        yield from (("pages", [*self._pages.items()]), ("watched", [*self._watched.items()]))
        yield from (("people", [*self._people.items()]), ("gone", [*self._gone.items()]))
        for name, hours in (("visits", self._visits), ("returns", self._returns)):
            yield name, [(hour, *where, n) for hour, counts in hours.items() for where, n in counts.items()]

    def take(self, name: str, entries: Iterable[Any]) -> None:
        """Take one file in; the fold is new."""
        match name:
            case "sums":
                for told in entries:
                    self.sums.take(*told)
            case "visits" | "returns":
                hours = self._visits if name == "visits" else self._returns
                for hour, arm, group, n in entries:
                    hours.setdefault(hour, Counter())[arm, group] = n
            case _:
                kept = {"pages": self._pages, "watched": self._watched, "people": self._people, "gone": self._gone}
                kept[name].update(entries)  # type: ignore[attr-defined]

    def _take(self, event: Slate | Impression | Interaction | Tick) -> None:
        if isinstance(event, Tick) or self._gone.get(event.user_id, -1) >= event.ts:
            return
        match event:
            case Slate():
                self._slate(event)
            case Impression():
                self._shown(event)
            case Interaction():
                self._done(event)

    def _forget(self, user_id: str, ts: int) -> None:
        """A user leaves, with his open pages; the id stays for a day, so that nothing of before comes in late."""
        self._people.pop(user_id, None)
        for pages in (self._pages, self._watched):
            for name in [name for name, page in pages.items() if page.user_id == user_id]:
                del pages[name]
        self.sums.forget(group_of(self.name, user_id)[1])
        self._gone[user_id] = max(ts, self._gone.get(user_id, ts))

    def _slate(self, slate: Slate) -> None:
        arm = slate.arms.get(self.name)
        self._visit(slate, arm)
        if arm not in ARMS or slate.ts + CLICKS + LATE <= self.now:
            return
        if slate.request_id in self._pages or slate.request_id in self._watched:
            return
        group, key = group_of(self.name, slate.user_id)
        self.sums.saw(key, ARMS.index(arm))
        page = Page(ARMS.index(arm), group, slate.ts, slate.user_id, slate.took, len(slate.items))
        self._pages[slate.request_id] = page
        if len(self._pages) > MOST_PAGES:
            self._clicked(*self._pages.popitem(last=False))
            self.sums.early += 1

    def _visit(self, slate: Slate, arm: str | None) -> None:
        """A visit begins; if it begins soon enough after the one before, that one was come back from. Pages without an
        arm (the experiment stands, or is over) bring nobody in, but they do bring people back."""
        known = self._people.get(slate.user_id)
        if known is not None and slate.ts - known.last < GAP:
            known.last = max(known.last, slate.ts)
            self._people.move_to_end(slate.user_id)
            return
        if known is not None:
            del self._people[slate.user_id]
            if slate.ts - known.begun <= DAY:
                self._returns.setdefault(known.begun // HOUR, Counter())[known.arm, known.group] += 1
        if arm in ARMS:
            person = Person(ARMS.index(arm), group_of(self.name, slate.user_id)[0], slate.ts, slate.ts)
            self._people[slate.user_id] = person
            self._visits.setdefault(slate.ts // HOUR, Counter())[person.arm, person.group] += 1
            if len(self._people) > MOST_USERS:
                self._people.popitem(last=False)
                self.sums.early += 1

    def _shown(self, event: Impression) -> None:
        page = self._page(event.request_id, event.user_id)
        if page is not None:
            page.shown.update(shown.item_id for shown in event.items)

    def _done(self, event: Interaction) -> None:
        page = self._page(event.request_id, event.user_id)
        if page is None:
            return
        if event.type == "click" and event.item_id is not None:
            if event.ts <= page.ts + CLICKS:
                page.clicked.add(event.item_id)
        elif event.type == "dwell" and event.value is not None and event.value > 0 and event.ts <= page.ts + WINDOW:
            page.watched[event.event_id] = event.value

    def _page(self, request_id: str | None, user_id: str) -> Page | None:
        page = None if request_id is None else self._pages.get(request_id) or self._watched.get(request_id)
        return page if page is not None and page.user_id == user_id else None

    def _close(self) -> None:
        over = self.now - LATE
        while self._pages and next(iter(self._pages.values())).ts <= over - CLICKS:
            self._clicked(*self._pages.popitem(last=False))
        while self._watched and next(iter(self._watched.values())).ts <= over - WINDOW:
            page = self._watched.popitem(last=False)[1]
            self.sums.add("watch_time", page.arm, page.group, fsum(page.watched.values()), 1.0)
        while self._people and next(iter(self._people.values())).last < self.now - DAY - LATE:
            self._people.popitem(last=False)
        for user_id in [user_id for user_id, at in self._gone.items() if at < self.now - DAY - LATE]:
            del self._gone[user_id]
        for hour in [hour for hour in self._visits if (hour + 1) * HOUR + DAY + LATE <= self.now]:
            for (arm, group), count in self._visits.pop(hour).items():
                self.sums.add("return_rate", arm, group, 0.0, count)
            for (arm, group), count in self._returns.pop(hour, Counter()).items():
                self.sums.add("return_rate", arm, group, count, 0.0)

    def _clicked(self, name: str, page: Page) -> None:
        """Count a page's clicks; its watch time is waited for."""
        self._watched[name] = page
        sums, shown = self.sums, page.items if self._served else len(page.shown)
        sums.add("page_ctr", page.arm, page.group, float(bool(page.clicked)), 1.0)
        if shown:
            clicked = page.clicked if self._served else page.clicked & page.shown
            sums.add("click_rate", page.arm, page.group, float(min(len(clicked), shown)), float(shown))
        if page.took is not None:
            sums.time(page.arm, page.group, page.took)


def group_of(name: str, user_id: str) -> tuple[int, int]:
    """A user's group, and a number of 64 bits for him, unlike those that drew the arms.

    >>> group_of("bold", "ana") == group_of("bold", "ana")
    True
    """
    told = blake2b(f"{name}\0{user_id}".encode("utf-8", "surrogatepass"), digest_size=8, person=b"group").digest()
    key = int.from_bytes(told, "little")
    return key % ArmSums.GROUPS, key
