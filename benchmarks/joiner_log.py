"""The stream that `joiner.py` measures over: pages of a made-up site, as a sequencer frames them.

Each page is a slate (scores and propensities of every item, a model version, a context) and the impression of what was
shown of it, `slate` items; 8 % of the impressions come four seconds late, so that about 3 % of the clicks are in the
log before them, and 1 % come a second time. One item in ten is clicked: 2 % of the clicks come after their close, 1.5 %
twice. A third of the clicks bring a dwell, one in twenty a purchase; 2 % of the interactions have no request behind
them, and with every hundredth page an item is upserted. Users come in sessions of a few pages, so histories are asked
for and grow; few items are shown often, most seldom. Time in the log goes at `rate` events a second, with a tick each
second. One item shown or one interaction is an event; slates, ticks and upserts come on top and are not counted.
Nothing here is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from streams.events import Context, Event, Impression, Interaction, Item, Shown, Slate, Tick
from streams.frames import EventFrame, encode_frame
from streams.rules import Label, Rules

START, S = 1_790_000_000_000, 1_000
USERS, ITEMS = 50_000, 20_000
CLICKED, LATE, AFTER, TWICE, DWELLS, BUYS, ORGANIC = 0.10, 0.08, 0.02, 0.015, 0.33, 0.05, 0.02
BAD_APP = "3.0.9"


def rules(part: int = 1) -> Rules:
    """Three labels with three closes for each example, and windows of 60, 120 and 300 s, or a `part` of that."""

    def label(name: str, event: str, seconds: int, least: float | None = None) -> Label:
        return Label(name, event, seconds * S // part, horizon=60 * S // part, min_value=least)

    labels = label("click", "click", 60), label("long_view", "dwell", 120, 18), label("purchase", "purchase", 300)
    return Rules(labels, grace=2 * S, out_of_orderness=5 * S)


RULES = rules()


def counted(event: Event) -> int:
    """How many events the stream's rate counts this as.

    >>> counted(Tick(5)), counted(Interaction("c", 5, "ana", "click"))
    (0, 1)
    """
    if isinstance(event, Impression):
        return len(event.items)
    return int(isinstance(event, Interaction))


def happenings(
    *,
    slate: int,
    rate: float,
    seed: int = 7,
    start: int = START,
    chance: Callable[[int, int], float] | None = None,
    clicked: float = CLICKED,
    bad: float = 0.0,
) -> Iterator[Event]:
    """Events in the order in which a log has them, for ever; a share `bad` of the pages is of BAD_APP. `clicked` is the
    mean click rate, `chance` that of an item at a time, where they are not all alike."""
    random = Random(seed)
    for n in range(ITEMS):
        yield _item(random, n, start)
    step = S * slate * (1 + clicked * (1 + DWELLS + BUYS)) / rate
    at, n, later = float(start), 0, list[tuple[int, int, Event]]()
    tick, session, pages, order = start, "", 0, count()
    while True:
        now = int(at)
        while later and later[0][0] <= now:
            yield heappop(later)[2]
        if now >= tick:
            yield Tick(now)
            tick += S
        if pages == 0:
            session, pages = f"user-{int(USERS * random.random() ** 2)}", random.randrange(1, 8)
        pages -= 1
        app = BAD_APP if bad and random.random() < bad else "3.1.0"
        for arrives, event in _page(random, n, now, session, slate, chance or (lambda _, __: clicked), app):
            heappush(later, (arrives, next(order), event))
        if n % 100 == 0:
            yield _item(random, int(ITEMS * random.random()), now)
        at, n = at + step, n + 1


def _page(
    random: Random, n: int, now: int, user: str, size: int, chance: Callable[[int, int], float], app: str
) -> Iterator[tuple[int, Event]]:
    """The events of one page, each with when it is in the log."""
    request = f"{now:012x}-0000002a-{n:016x}"
    chosen = dict.fromkeys(int(ITEMS * random.random() ** 3) for _ in range(size))
    shown = tuple(Shown(f"item-{i}", k, random.random(), 0.1) for k, i in enumerate(chosen))
    said: dict[str, Any] = {"surface": "home", "model_version": 42, "producer": "web", "app_version": app}
    context: Context = {"hour": float(n % 24), "device": "phone", "country": "de"}
    yield now, Slate(f"s-{request}", now, user, request, shown, context=context, **said)
    plain = tuple(Shown(one.item_id, one.position) for one in shown)
    seen = Impression(f"v-{request}", now + 120, user, request, plain, context=context, **said)
    yield now + (4_000 if random.random() < LATE else 125), seen
    if random.random() < 0.01:
        yield now + 6_000, seen
    for k, (i, one) in enumerate(zip(chosen, shown, strict=True)):
        if random.random() >= chance(i, now):
            continue
        clicked = now + 200 + int(random.expovariate(1 / 8_000))
        for m, (at, kind, value) in enumerate(_done(random, clicked)):
            asked = None if random.random() < ORGANIC else request
            event = Interaction(
                f"c-{request}-{k}-{m}", at, user, kind, one.item_id, asked, now + 120, value=value, position=k, **said
            )
            arrives = at + (90_000 if random.random() < AFTER else 40)
            yield arrives, event
            if random.random() < TWICE:
                yield arrives + 300, event


def _done(random: Random, at: int) -> Iterator[tuple[int, str, float | None]]:
    yield at, "click", None
    if random.random() < DWELLS:
        seconds = random.expovariate(1 / 30)
        yield at + int(seconds * S), "dwell", seconds
    if random.random() < BUYS:
        yield at + int(random.expovariate(1 / 90_000)), "purchase", None


def _item(random: Random, n: int, at: int) -> Item:
    tags = tuple(f"tag-{random.randrange(200)}" for _ in range(3))
    return Item(f"x-{n}-{at}", at, f"item-{n}", (f"kind-{n % 20}",), tags, author=f"author-{n % 500}")


def framed(events: Iterable[Event], size: int) -> Iterator[tuple[bytes, int]]:
    """Frames of at most `size` records, and how many events count in each."""
    waiting: list[Event] = []
    for event in events:
        waiting.append(event)
        if len(waiting) >= size:
            yield encode_frame(EventFrame(tuple(waiting))), sum(map(counted, waiting))
            waiting.clear()
