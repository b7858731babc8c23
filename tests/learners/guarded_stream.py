"""Visits to twelve items, half of them wanted by most people, told by two producers; one of the two may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from streams.events import Event, Impression, Interaction, Shown, Tick
from streams.rules import Label, Rules

WEB, APP = "web", "app"
RULES = Rules((Label("click", event="click", window=100),), grace=10, out_of_orderness=20)
Bends = Callable[[int, str, bool], bool]
"""Visit, producer and whether there was a click: whether one is told."""


def truly(visit: int, producer: str, clicked: bool) -> bool:
    return clicked


def stuck(begin: int, end: int, of: str) -> Bends:
    """One producer tells a click of every visit for a while."""
    return lambda visit, producer, clicked: clicked or (producer == of and begin <= visit < end)


def keener(begin: int, end: int, of: str) -> Bends:
    """People of one producer click more for a while: each third visit that had no click has one."""
    return lambda visit, producer, clicked: clicked or (producer == of and begin <= visit < end and visit % 3 == 0)


def wanted(item: int) -> float:
    return 0.3 if item % 2 else 0.05


def visits(seed: int, count: int, bends: Bends = truly) -> Iterator[list[Event]]:
    """Events of each visit, in order of time."""
    random = Random(seed)
    for visit in range(count):
        ts, user, item = 1000 + visit * 7, f"u{random.randrange(50)}", random.randrange(12)
        producer = WEB if random.random() < 0.3 else APP
        clicked = bends(visit, producer, random.random() < wanted(item))
        request = f"r{visit}"
        shown = (Shown(f"i{item}", 0),)
        told: list[Event] = [Impression(f"v{visit}", ts, user, request, shown, producer=producer)]
        if clicked:
            told.append(Interaction(f"c{visit}", ts + 3, user, "click", f"i{item}", request, producer=producer))
        yield told


def frames(seed: int, count: int, bends: Bends = truly, *, size: int = 10) -> Iterator[list[Event]]:
    """The same in frames of `size` visits, and time that runs on at the end."""
    told: list[Event] = []
    for n, events in enumerate(visits(seed, count, bends), 1):
        told += events
        if n % size == 0:
            yield told
            told = []
    yield [*told, Tick(1000 + count * 7 + 10_000)]
