"""Visits to twelve items, half of them wanted by most people, told by two producers; one of the two may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from streams.events import Announcement, Event, Impression, Interaction, Shown, Tick
from streams.frames import EventFrame
from streams.rules import Label, Rules

WEB, APP = "web", "app"
RULES = Rules((Label("click", event="click", window=100),), grace=10, out_of_orderness=20)
FAST = Rules((Label("click", event="click", window=300, mode="fast"),), grace=10, out_of_orderness=20)
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


def losing(begin: int, end: int, of: str, *, one_in: int) -> Bends:
    """Some of the clicks of one producer get lost on their way for a while."""
    return lambda visit, producer, clicked: (
        clicked and not (producer == of and begin <= visit < end and visit % one_in == 0)
    )


def wanted(item: int) -> float:
    return 0.3 if item % 2 else 0.05


def visits(seed: int, count: int, bends: Bends = truly, made: dict[str, int] | None = None) -> Iterator[list[Event]]:
    """Events of each visit, in order of time; `made` counts the clicks of each producer, also those that get lost."""
    random = Random(seed)
    for visit in range(count):
        ts, user, item = 1000 + visit * 7, f"u{random.randrange(50)}", random.randrange(12)
        producer = WEB if random.random() < 0.3 else APP
        done = random.random() < wanted(item)
        if made is not None:
            made[producer] = made.get(producer, 0) + done
        clicked = bends(visit, producer, done)
        request = f"r{visit}"
        shown = (Shown(f"i{item}", 0),)
        told: list[Event] = [Impression(f"v{visit}", ts, user, request, shown, producer=producer)]
        if clicked:
            told.append(Interaction(f"c{visit}", ts + 3, user, "click", f"i{item}", request, producer=producer))
        yield told


def frames(
    seed: int, count: int, bends: Bends = truly, *, size: int = 10, announcing: bool = False
) -> Iterator[EventFrame]:
    """The same in frames of `size` visits, and time that runs on at the end. Producers may announce, a second apart,
    how many clicks they have made."""
    told: list[Event] = []
    made: dict[str, int] = {}
    for n, events in enumerate(visits(seed, count, bends, made), 1):
        told += events
        if n % size == 0:
            said = [
                Announcement(f"a{n}-{name}", 1000 + n * 7, f"{name}-1", 1000, {"click": made[name]}, name)
                for name in sorted(made)
                if announcing and n % (14 * size) == 0
            ]
            yield EventFrame(tuple(told), announced=tuple((len(told), one) for one in said))
            told = []
    yield EventFrame((*told, Tick(1000 + count * 7 + 10_000)))
