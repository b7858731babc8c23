"""The log that `rewind.py` measures over: a made-up site of 1,000 events a second, and where its run lies on a disk.

Items, then pages with their slates and clicks, in frames as a sequencer closes them, with a tick each second. Clicks
follow pages by eight seconds on average. Nothing here is timed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

from headrace.settings import Settings
from streams.events import Event, Impression, Interaction, Item, Shown, Slate, Tick, key_of
from streams.frames import EventFrame, encode_frame
from streams.positions import Positions, partition_of
from streams.sqlite_log import SqliteLogs

START, S = 1_790_000_000_000, 1_000
RATE, PAGE, CLICKS = 1_000, 4, 0.4
TAIL = 30 * S
"""Time goes on after it: a batch is learned when later frames prove it complete."""
USERS, ITEMS = 20_000, 5_000
BAD_APP = "1.1"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where everything lies, and how it is set."""

    var: Path
    settings: Settings
    frame_events: int
    span: int
    lead: int
    """Before the masked span: longer than anything is remembered, so that in the span as much goes as comes."""
    row_ms: float = S * (PAGE + CLICKS) / (RATE * PAGE)
    """Time in the log for each row that is learned."""
    bad_app: str = BAD_APP

    @property
    def logs(self) -> SqliteLogs:
        return SqliteLogs(self.var / "log")


def happenings(until: int) -> Iterator[Event]:
    """Items, then pages with their slates and clicks in order of time: each item wanted more by some than by others."""
    random = Random(7)
    for n in range(ITEMS):
        tags = tuple(f"t{random.randrange(200)}" for _ in range(3))
        yield Item(f"i{n}", START, f"item-{n}", (f"c{n % 20}",), tags, author=f"a{n % 500}")
    step, at, n = S * (PAGE + CLICKS) / RATE, float(START), 0
    later: list[tuple[int, Interaction]] = []
    while at < until:
        now = int(at)
        due = sorted((pair for pair in later if pair[0] <= now), key=itemgetter(0)) if n % 64 == 0 else []
        later = [pair for pair in later if pair[0] > now] if due else later
        yield from (click for _, click in due)
        user = f"user-{min(int(random.expovariate(6) * USERS), USERS - 1)}"
        items = [int(ITEMS * random.random() ** 2) for _ in range(PAGE)]
        shown = tuple(Shown(f"item-{i}", k, 0.5, 0.1) for k, i in enumerate(dict.fromkeys(items)))
        app = BAD_APP if random.random() < 0.02 else "1.0"
        asked: dict[str, Any] = {"surface": "home", "context": {"hour": 7.0 + n % 3}, "app_version": app}
        yield Slate(f"s{n}", now, user, f"r{n}", shown, **asked)
        yield Impression(f"v{n}", now + 1, user, f"r{n}", shown, **asked)
        for k, one in enumerate(shown):
            if random.random() < CLICKS / PAGE:
                when = now + int(random.expovariate(1 / 8_000))
                later.append((when, Interaction(f"k{n}.{k}", when, user, "click", one.item_id, f"r{n}", **asked)))
        at, n = at + step, n + 1


def write_log(scene: Scene, events: Iterable[Event]) -> Positions:
    """A log of events in the order of their coming; its ends before the tail of ticks."""
    partitions = scene.settings.partitions
    log = scene.logs.open("events", partitions)
    waiting: list[list[Event]] = [[] for _ in range(partitions)]
    frames: list[list[tuple[int, bytes]]] = [[] for _ in range(partitions)]
    now = second = START

    def close(p: int) -> None:
        if waiting[p]:
            frames[p].append((now, encode_frame(EventFrame(tuple(waiting[p])))))
            waiting[p].clear()

    for event in events:
        now = max(now, event.ts)
        if now >= second:
            for p in range(partitions):
                close(p)
                waiting[p].append(Tick(now))
            second += S
        everywhere = isinstance(event, Item)
        for p in range(partitions) if everywhere else [partition_of(key_of(event), partitions)]:
            waiting[p].append(event)
            if len(waiting[p]) >= scene.frame_events:
                close(p)
    for p in range(partitions):
        close(p)
        for at, value in frames[p]:
            log.append(p, [value], at)
    ends = {p: log.end(p) for p in range(partitions)}
    for p in range(partitions):
        log.append(p, [encode_frame(EventFrame((Tick(now + at),))) for at in range(S, TAIL, S)], now + TAIL)
    return ends
