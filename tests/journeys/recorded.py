"""A deployment with a past: a log with a bad stretch in it, versions learned before, in and after it, nothing running.

Written by the real folds in this process, a chapter at a time, so that requests carry the version that was live. Also
its twin: the same log without the bad events, ticks kept, framed anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from headrace.demo_settings import demo_settings
from headrace.deployment import check_configuration, open_logs, rules_of, version_store
from headrace.process_terms import learner_of, plan_of
from headrace.settings import Settings
from learners.trainer import train
from streams.events import Event, Impression, Interaction, Item, Shown, Slate, key_of, topic_of
from streams.frames import EventFrame, decode_frame, encode_event, encode_frame
from streams.log import Log
from streams.mask import Masking
from streams.poll_joiner import join, to_the_end
from streams.positions import partition_of
from streams.request_ids import mint
from streams.sequencer import sequence

CHAPTERS, PAGES, USERS, ITEMS = 8, 100, 60, 50
BAD = (4, 5)
"""The chapters in which half of the users have an app that clicks what nobody likes."""
PAGE_MS = 60
BEGIN = 1_760_000_000_000
CHAPTER_MS = PAGES * PAGE_MS
QUIET_MS = 12_000
"""After the last page, so that every label closes."""


@dataclass(frozen=True)
class Recorded:
    """What stands in `settings.var`."""

    settings: Settings

    @property
    def bad_from(self) -> int:
        return BEGIN + BAD[0] * CHAPTER_MS

    @property
    def bad_to(self) -> int:
        return BEGIN + (BAD[-1] + 1) * CHAPTER_MS

    def copy_of_settings(self, var: Path) -> Settings:
        return recorded_settings(var)


def recorded_settings(var: Path) -> Settings:
    return demo_settings(
        var,
        labels={"click": {"event": "click", "window": "2s", "mode": "fast", "horizon": "5s"}},
        join={"out_of_orderness": "500ms", "snapshot_every": "1s"},
        trainer={"bucket": "500ms", "commit": "1s", "batch_size": 64},
        serving={"port": 0, "snapshot_every": "1s", "watch_next": {"window": "5s"}},
    )


def record(var: Path) -> Recorded:
    """Let it happen."""
    settings, chance, clock = recorded_settings(var), random.Random(11), _Clock(BEGIN)
    check_configuration(settings)
    store = version_store(settings)
    for chapter in range(CHAPTERS):
        live = max((manifest.version for manifest in store.manifests()), default=0)
        events = list(_pages(chapter, live, chance)) + (_items() if chapter == 0 else [])
        _post(settings, events)
        clock.now = BEGIN + (chapter + 1) * CHAPTER_MS
        fold(settings, clock, last=chapter == CHAPTERS - 1)
    return Recorded(settings)


def fold(settings: Settings, clock: _Clock, *, last: bool) -> None:
    """Sequence, join and train what was posted; after the last chapter let time pass in silence."""
    with open_logs(settings) as logs:
        turns = sequence(logs, partitions=settings.partitions, clock=clock, clock_ahead=0)
        while next(turns).events:
            pass
        for _ in range(QUIET_MS // 1000 if last else 0):
            clock.now += 1_000
            next(turns)
    join_to_the_end(settings, clock)
    train_to_the_end(settings, clock)


def join_to_the_end(settings: Settings, clock: Callable[[], int]) -> None:
    with open_logs(settings) as logs:
        places = {"folder": settings.var / "join", "snapshots": settings.var / "snapshots"}
        rules, partitions = rules_of(settings), settings.partitions
        with closing(join(logs, partitions=partitions, rules=rules, clock=clock, snapshot_ms=0, **places)) as turns:  # type: ignore[type-var]
            for _ in to_the_end(turns, partitions):
                pass


def train_to_the_end(settings: Settings, clock: Callable[[], int]) -> None:
    plan = replace(plan_of(settings), until_end=True)
    with open_logs(settings) as logs:
        for _ in train(logs, version_store(settings), learner_of(settings), plan=plan, clock=clock):
            pass


def without(source: Settings, target: Settings, mask: Masking, *, size: int = 7) -> None:
    """A new log in `target`: the events that the mask leaves visible, in their order, in frames of another size."""
    check_configuration(target)
    with open_logs(source) as old, open_logs(target) as new:
        events, kept = old.open("events", source.partitions), new.open("events", target.partitions)
        for partition in range(events.partitions):
            visible = _visible(events, partition, mask)
            while piece := list(islice(visible, size)):
                kept.append(partition, [encode_frame(EventFrame(tuple(e for e, _ in piece)))], at=piece[-1][1])


def _visible(log: Log, partition: int, mask: Masking) -> Iterator[tuple[Event, int]]:
    for record_ in log.read(partition, 0, 1 << 40):
        for event in mask.visible(partition, record_.offset, decode_frame(record_.value).events):
            yield event, record_.at


def _items() -> list[Event]:
    tags = [("even" if n % 2 == 0 else "odd", f"t{n % 5}") for n in range(ITEMS)]
    return [Item(f"n{n}", BEGIN, f"i{n}", categories=tag[:1], tags=tag) for n, tag in enumerate(tags)]


def _pages(chapter: int, version: int, chance: random.Random) -> Iterator[Event]:
    """Even users click even items; with the bad app they seem to click the odd ones."""
    for page in range(PAGES):
        ts = BEGIN + chapter * CHAPTER_MS + page * PAGE_MS
        user = chance.randrange(USERS)
        bad = chapter in BAD and user % 3 != 0
        app = "9" if bad else "1"
        request = mint(ts, version, chance.randbytes(8))
        shown = tuple(Shown(f"i{n}", at) for at, n in enumerate(chance.sample(range(ITEMS), 5)))
        about = {"surface": "home", "app_version": app, "producer": "town"}
        yield Slate(f"{request}.s", ts, f"u{user}", request, shown, **about)  # type: ignore[arg-type]
        yield Impression(f"{request}.i", ts + 5, f"u{user}", request, shown, **about)  # type: ignore[arg-type]
        for one in shown:
            likes = (int(one.item_id[1:]) % 2 == user % 2) != bad
            if chance.random() < (0.6 if likes else 0.03):
                at = ts + 10 + chance.randrange(25)
                name = f"{request}.{one.position}"
                yield Interaction(
                    name, at, f"u{user}", "click", item_id=one.item_id, request_id=request,
                    position=one.position, **about,  # type: ignore[arg-type]
                )  # fmt: skip


def _post(settings: Settings, events: Sequence[Event]) -> None:
    with open_logs(settings) as logs:
        for event in sorted(events, key=lambda event: event.ts):
            topic = logs.open(topic_of(event), settings.partitions)
            topic.append(partition_of(key_of(event), settings.partitions), [encode_event(event)], at=event.ts)


@dataclass
class _Clock:
    now: int

    def __call__(self) -> int:
        return self.now
