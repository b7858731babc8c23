"""Which versions stay, and which may be taken away. Pure: lists and folds in, numbers out.

Above the floor versions are thinned with age, below it only single ones stay. A version goes only where nothing that
stays stands on it. How far the floor may be raised is in `floors.py`. Reads no clock, opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from checkpoints.chain_plan import chains_of, with_bases
from checkpoints.floors import Policy, base_at, behind, good
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.room import Fitted, fitted, written
from streams.decisions import Decisions
from streams.experiments import Experiments
from streams.positions import Positions, covers
from streams.thinning import spared

HOUR, DAY = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """The versions that there are: what they say, which of them are kept once more, whole, and the bytes of each."""

    manifests: Sequence[Manifest]
    compacted: frozenset[int] = frozenset()
    sizes: Mapping[int, int] = field(default_factory=dict)

    @property
    def chains(self) -> dict[int, tuple[int, ...]]:
        return chains_of(self.manifests, self.compacted)

    def standing(self, decisions: Decisions) -> list[Manifest]:
        """The versions that a trainer could go on from, newest first: good ones with all that they stand on."""
        chains = self.chains
        return good((m for m in self.manifests if m.version in chains), decisions)


@dataclass(frozen=True, slots=True)
class Stay:
    """`kept` versions and what they stand on; `never` of them may go, `fit` says how they fit on the disk."""

    kept: frozenset[int]
    never: frozenset[int]
    fit: Fitted

    def warning(self, bound: int) -> str:
        """What to say where the disk can't be held to its bound."""
        if not bound or self.fit.length <= bound:
            return ""
        told = ", ".join(map(str, sorted(self.never)))
        return (
            f"versions take {written(self.fit.length)}, but [retention] disk allows {written(bound)}, and none of "
            f"those that are left may go: {told}. They serve, did so last, are pinned, are the oldest or the newest to "
            "go back to. Raise the bound, or unpin some: headrace versions list"
        )


def needed(registry: Registry) -> frozenset[int]:
    """The versions that servers answer with (after a rollback, the one it names), would go back to, or are on their
    way to."""
    numbers = (registry.live, registry.fallback, *registry.published[-1:])
    return frozenset(number for number in numbers if number is not None)


def stay(
    shelf: Shelf, floor: Positions | None, decisions: Decisions, registry: Registry, policy: Policy
) -> Stay | None:
    """What stays with this floor; None where no version is left at it, and then nothing may go.

    Never to go: those that serve, did before, or that servers shall go to; what is pinned; the base at the floor and
    its heir; the newest to go on from; and what any of them stands on. The others as far as the disk has room, newest
    first: those above the floor that stand close to no other, one an hour, one a day.
    """
    standing, there = shelf.standing(decisions), {m.version for m in shelf.manifests}
    base = None if floor is None else base_at(floor, standing)
    if floor is not None and base is None:
        return None
    never = needed(registry) | policy.pinned | registry.pinned | {m.version for m in (*standing[:1], base) if m}
    never |= Experiments.of(decisions).needed(decisions) | _heir(standing, floor, policy)
    left = {m.version for m in shelf.manifests if floor is None or not covers(floor, m.input)}
    valid = {m.version for m in standing}
    tainted = [m for m in sorted(shelf.manifests, key=lambda m: -m.version) if m.version in left - valid]
    kept = _thinned([m for m in standing if m.version in left], policy.versions) | _thinned(tainted, 1)
    kept |= periodic(standing, HOUR, policy.hourly) | periodic(standing, DAY, policy.daily)
    fit = fitted(kept, never & there, shelf.chains, shelf.sizes, policy.disk)
    return Stay(with_bases(fit.kept, shelf.chains), never & there, fit)


def gone(shelf: Shelf, staying: Stay | None) -> list[int]:
    """The versions that may be taken away, those that stand on others before these."""
    kept = {m.version for m in shelf.manifests} if staying is None else staying.kept
    return sorted((m.version for m in shelf.manifests if m.version not in kept), reverse=True)


def pressed(
    shelf: Shelf, floor: Positions | None, decisions: Decisions, registry: Registry, policy: Policy
) -> list[Manifest]:
    """Bases for a shorter way back, where the disk has no room for all above the floor; the one to take first, then
    older ones. It is the oldest with which nothing above it has to go, or else the newest that leaves `lifespan`."""
    if not policy.disk or not _loses(shelf, floor, decisions, registry, policy):
        return []
    standing = shelf.standing(decisions)
    above = [m for m in reversed(standing[1:]) if floor is None or not covers(floor, m.input)]
    oldest_first = [m for m in above if behind(m, standing[0], policy.lifespan)]
    for n, base in enumerate(oldest_first):
        if not _loses(shelf, base.input, decisions, registry, policy):
            return oldest_first[n::-1]
    return oldest_first[::-1]


def periodic(versions: Iterable[Manifest], period: int, keep: int) -> set[int]:
    """The newest version of each of the last `keep` periods (ms) that have one.

    >>> sorted(periodic([Manifest(n, None, 0, {}, created_at=10 * n) for n in (9, 8, 7, 3, 2)], 40, 2))
    [7, 9]
    """
    newest = {m.created_at // period: m.version for m in sorted(versions, key=lambda m: (m.created_at, m.version))}
    return {newest[at] for at in sorted(newest, reverse=True)[:keep]}


def _heir(newest_first: Sequence[Manifest], floor: Positions | None, policy: Policy) -> set[int]:
    """On a bounded disk, the version that will be the next base once it stands far enough behind: without it the floor
    could never rise again, and the log would grow for ever."""
    young = [m for m in newest_first if policy.disk and not behind(m, newest_first[0], policy.lifespan)]
    return {m.version for m in young[-1:] if floor is None or not covers(floor, m.input)}


def _loses(shelf: Shelf, floor: Positions | None, decisions: Decisions, registry: Registry, policy: Policy) -> bool:
    """Whether versions above this floor would have to go for want of room."""
    found = stay(shelf, floor, decisions, registry, policy)
    lost = found.fit.lost if found else ()
    inputs = {m.version: m.input for m in shelf.manifests}
    over = found is not None and found.fit.length > policy.disk
    return over or any(floor is None or not covers(floor, inputs[version]) for version in lost)


def _thinned(newest_first: Sequence[Manifest], keep: int) -> set[int]:
    ages = [max(newest_first[0].created_at - m.created_at, 0) for m in newest_first]
    return {newest_first[n].version for n in spared(ages, keep)}
