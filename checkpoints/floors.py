"""How far back one can go, and what of the log may be taken away below that. Pure: lists and a fold in, numbers out.

The base is the version to which the farthest allowed way back leads; what it had relied on is the floor. Which versions
stay is in `staying.py`. Reads no clock, opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checkpoints.manifest import Manifest
from streams.decisions import Decisions
from streams.positions import Positions, covers

Aside = Mapping[str, Mapping[int, Sequence[tuple[int, int]]]]
"""The snapshots of each fold, in each partition: (next, decisions)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`span` (ms): how long after a version one can still go back to it, or to one before it. `versions`: so many valid
    ones always stay. `lifespan` (ms of event time): how far behind the newest version the floor stays at least, so that
    what was learned last can be masked. `pinned` versions never go. Of the last `hourly` hours, and `daily` days, that
    have a valid version one stays each, wherever the floor is. `disk` bytes are what versions may take, 0 any number:
    where that is less than the rest asks for, it shortens `span` and takes away the oldest, never what is needed."""

    span: int = 86_400_000
    versions: int = 10
    lifespan: int = 0
    pinned: frozenset[int] = frozenset()
    hourly: int = 0
    daily: int = 0
    disk: int = 0


class Trim(NamedTuple):
    """What lies below `before` in one partition of a topic."""

    topic: str
    partition: int
    before: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a turn would do: raise the floor to that of `base` (None: it stays, and `held` says why), then take away
    the versions of `gone` and what `trims` says."""

    base: int | None
    floor: Positions | None
    held: str
    gone: tuple[int, ...] = ()
    trims: tuple[Trim, ...] = ()
    warning: str = ""


def good(manifests: Iterable[Manifest], decisions: Decisions) -> list[Manifest]:
    """The versions that a trainer could go on from, newest first. They are prefixes of one fold.

    >>> failed = Manifest(1, None, 0, {}, examples=5, verdict="fail")
    >>> [m.version for m in good([Manifest(2, 1, 0, {}, examples=9), failed, Manifest(3, 2, 0, {})], Decisions())]
    [2, 3]
    """
    valid = (m for m in manifests if m.verdict != "fail" and decisions.valid(m.decisions, m.input))
    return sorted(valid, key=lambda m: (m.examples, m.version), reverse=True)


def bases(newest_first: Sequence[Manifest], policy: Policy, now: int) -> list[Manifest]:
    """The good versions that are old enough to be the base, newest first."""
    return [
        m
        for m in newest_first[max(policy.versions, 1) - 1 :]
        if m.created_at <= now - policy.span and behind(m, newest_first[0], policy.lifespan)
    ]


def behind(older: Manifest, newest: Manifest, lifespan: int) -> bool:
    """Whether a version stands so far (ms of event time) behind another one in every partition."""
    return all(newest.positions[p].watermark - at.watermark >= lifespan for p, at in older.positions.items())


def lacking(floor: Positions, aside: Aside, decisions: Decisions, begins: Positions) -> str:
    """The first fold that could not be rebuilt above this floor, empty where all could.

    >>> lacking({0: 9}, {"join": {0: [(5, 0)]}}, Decisions(), {0: 2})
    ''
    >>> lacking({0: 4}, {"join": {0: [(5, 0)]}}, Decisions(), {0: 2})
    'join has no valid snapshot of partition 0 at 4 or below'
    """
    for fold, of_partition in sorted(aside.items()):
        for p, offset in sorted(floor.items()):
            if begins[p] > 0 and not _below(offset, p, of_partition.get(p, ()), decisions):
                return f"{fold} has no valid snapshot of partition {p} at {offset:,} or below"
    return ""


def _below(floor: int, p: int, aside: Sequence[tuple[int, int]], decisions: Decisions) -> list[int]:
    return [next for next, made in aside if next <= floor and decisions.valid(made, {p: next})]


def base_at(floor: Positions, newest_first: Iterable[Manifest]) -> Manifest | None:
    """The newest good version that relied on nothing at or above the floor."""
    return next((m for m in newest_first if covers(floor, m.input)), None)


def trims(base: Manifest, floor: Positions, aside: Aside, decisions: Decisions) -> list[Trim]:
    """What of `events` no fold needs to be rebuilt above the floor, and what of `examples` no trainer does."""
    events = [
        Trim("events", p, min([offset, *(_surely_kept(p, of.get(p, ()), decisions) for of in aside.values())]))
        for p, offset in sorted(floor.items())
    ]
    return events + [Trim("examples", p, at.examples) for p, at in sorted(base.positions.items())]


def _surely_kept(p: int, aside: Sequence[tuple[int, int]], decisions: Decisions) -> int:
    """The snapshot that its owner will keep, whatever it thins away; 0, the begin of the log, where there is none.

    An owner keeps the newest valid one below the floor that it knows, and that is the one in force when it made its
    latest: of a newer floor it may not have heard.
    """
    adopted = max((made for _, made in aside), default=0)
    floor = decisions.floor(min(adopted, decisions.position)) or {}
    return max(_below(floor.get(p, 0), p, aside, decisions), default=0)


def sequenced(sources: Mapping[int, Mapping[str, Positions]]) -> dict[str, Positions]:
    """Up to where each raw topic was read by all who read it; `sources` has what the last frame of each partition says.

    Items are read for every partition, the others each for its own.

    >>> sequenced({0: {"items": {0: 5, 1: 2}, "users": {0: 3}}, 1: {"items": {0: 4, 1: 9}, "users": {1: 1}}})
    {'items': {0: 4, 1: 2}, 'users': {0: 3, 1: 1}}
    """
    topics = sorted({topic for told in sources.values() for topic in told})
    return {
        topic: {
            q: min(told.get(topic, {}).get(q, 0) for p, told in sources.items() if topic == "items" or p == q)
            for q in sources
        }
        for topic in topics
    }
