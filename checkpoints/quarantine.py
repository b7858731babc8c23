"""What an operator wants taken out, resolved once into entries of the mask, and which versions fall by that.

Positions are part of an entry, so whoever writes a line looks them up here, once; every reader then agrees without a
scan. Pure but for three questions to the log: where it begins, where it ends, where a time stands in it. Nothing here
reads an event, opens a version or writes a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from msgspec import UNSET, Struct
from msgspec.structs import replace

from checkpoints.errors import BadOrder
from checkpoints.manifest import Manifest
from streams.decisions import Decision, Decisions
from streams.log import Log
from streams.mask import Entry, Masking, equal_below
from streams.positions import Positions

NEVER = 1 << 62
"""An offset that no log reaches: where an entry begins and ends in a partition that it leaves alone."""

LATEST = 253_402_300_799_999
"""The last ms of the year 9999."""

RIPPLE = ".ripple"
"""Ends the id of an entry that masks what tainted versions caused."""


class Order(Struct, frozen=True, kw_only=True):
    """What is to be masked: by time (`t0` to before `t1`, ms of the events' own ts), or by positions instead; and by
    fields, which must all be equal. Without `t1` or `stop` it goes on for ever. With `labels` only these of what was
    shown are left out, and no event is hidden."""

    t0: int | None = None
    t1: int | None = None
    producer: str | None = None
    app_version: str | None = None
    surface: str | None = None
    model_versions: tuple[int, ...] | None = None
    start: Positions | None = None
    stop: Positions | None = None
    labels: tuple[str, ...] | None = None


def resolve(order: Order, events: Log, *, ahead: int, at: int, id: str, floor: Positions | None = None) -> Entry:
    """The entry of an order given at `at`. Without a begin it holds from the floor, or from the log's begin.

    `ahead` is how far a device's clock may run ahead of ours: an event of t0 can't stand in a frame that was closed
    earlier than t0 - ahead. Raises BadOrder.

    >>> from streams.log import MemoryLog
    >>> log = MemoryLog("events", partitions=1)
    >>> end = [log.append(0, [b""], at=at) for at in (10, 20, 30, 40)]
    >>> entry = resolve(Order(t0=25, t1=60, app_version="9"), log, ahead=5, at=50, id="q7")
    >>> entry.start, entry.stop, entry.app_version
    ({0: 1}, {0: 4}, '9')
    """
    _check(order, events.partitions, at)
    every = range(events.partitions)
    if order.start is not None or order.stop is not None:
        start, stop = _named(order, events)
    else:
        low, since = floor or {}, order.t0
        if since is None:
            start = {p: max(events.begin(p), low.get(p, 0)) for p in every}
        else:
            start = {p: events.offset_at(p, since - ahead) for p in every}
        until = order.t1
        stop = None if until is None else {p: max(events.offset_at(p, until - ahead), start[p]) for p in every}
    told = order.producer, order.app_version, order.surface, order.model_versions
    return Entry(id, start, stop, order.t0, order.t1, *told, UNSET if order.labels is None else order.labels)


def closed(entry: Entry, events: Log, at: int) -> Entry:
    """The same entry, which from now on masks nothing new: only what is older than `at`, however late it comes."""
    if entry.stop is not None:
        raise BadOrder(f"entry {entry.id!r} is closed already; to take it out of the mask: headrace quarantine lift")
    if entry.t0 is not None and at <= entry.t0:
        raise BadOrder(f"entry {entry.id!r} begins at {entry.t0}, later than now ({at}); lift it instead of closing it")
    stop = {p: max(events.end(p), entry.start.get(p, 0)) for p in range(events.partitions)}
    return replace(entry, stop=stop, t1=at)


def below_floor(decisions: Decisions, mask: Masking) -> bool:
    """Whether a line that makes this the mask would be void."""
    floor = decisions.floor()
    return floor is not None and not equal_below(decisions.masking(), mask, floor)


def valid(decisions: Decisions, mask: Masking, made_under: int, input: Positions) -> bool:
    """Whether a state made after that many lines, standing at `input`, is what this mask gives."""
    return made_under <= decisions.position and equal_below(decisions.masking(made_under), mask, input)


def tainted(
    decisions: Decisions, changed: Masking, manifests: Iterable[Manifest], lines: Iterable[Decision]
) -> tuple[int, ...]:
    """The versions that are not valid under a mask: those of the store, and those that lines let serve.

    >>> from checkpoints.manifest import TrainerPosition
    >>> three = Manifest(version=3, parent=2, decisions=0, positions={0: TrainerPosition(input=7)})
    >>> tainted(Decisions(), Masking([Entry("q", start={0: 5})]), [three], [])
    (3,)
    """
    made = _made(manifests, lines)
    return tuple(sorted(v for v, (position, input) in made.items() if not valid(decisions, changed, position, input)))


def tainted_by(entry: Entry, decisions: Decisions, manifests: Iterable[Manifest]) -> tuple[int, ...]:
    """The versions of the store that learned from what this entry hides: with it they would be others."""
    made = ((m, decisions.masking(min(m.decisions, decisions.position))) for m in manifests)
    return tuple(sorted(m.version for m, mask in made if not equal_below(mask, mask.changed([entry]), m.input)))


def ripple(entries: Iterable[Entry], tainted: Sequence[int], id: str, *, served_from: Positions | None = None) -> Entry:
    """Masks what these versions caused, from the first place on that one of the entries reaches; in a partition that
    they all leave alone, from `served_from`. It stays open: a click on an old slate may come late.

    >>> ripple([Entry("q1", start={0: 5, 1: 9}), Entry("q1.2", start={0: 7, 1: 2})], (3, 4), "q1.ripple").start
    {0: 5, 1: 2}
    """
    starts, served = [entry.start for entry in entries], served_from or {}
    least = {p: min(start.get(p, 0) for start in starts) for p in sorted(set().union(*starts))}
    start = {p: served.get(p, 0) if offset == NEVER else offset for p, offset in least.items()}
    return Entry(id, start, model_versions=tuple(tainted))


def rippled(
    entries: Sequence[Entry], decisions: Decisions, manifests: Sequence[Manifest], lines: Sequence[Decision], id: str
) -> Entry | None:
    """The ripple of entries that are to be added: of all versions that fall by them, and by the ripple itself. None
    where no version falls."""
    before = set(tainted(decisions, decisions.masking(), manifests, lines))  # what fell earlier is no matter of theirs
    after = tainted(decisions, decisions.masking().changed(entries), manifests, lines)
    found = [version for version in after if version not in before]
    if not found:
        return None
    made, low = _made(manifests, lines), decisions.floor() or {}
    # a version serves after it has learned, so nothing that it caused stands before its input
    served = {p: max(low.get(p, 0), min(made[v][1].get(p, 0) for v in found)) for p in entries[0].start}
    first = ripple(entries, found, id, served_from=served)
    both = decisions.masking().changed([*entries, first])
    fallen = tainted(decisions, both, manifests, lines)
    return replace(first, model_versions=tuple(version for version in fallen if version not in before))


def free_id(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or with a suffix where it is in use.

    >>> free_id("q7", []), free_id("q7", ["q7", "q7.2"])
    ('q7', 'q7.3')
    """
    number, found = 1, wanted
    while found in taken:
        number += 1
        found = f"{wanted}.{number}"
    return found


def _check(order: Order, partitions: int, at: int) -> None:
    if order == Order():
        raise BadOrder(
            "nothing is named, so everything would be masked. Say since when (from=10m), or whose events: "
            "app-version, producer, surface, model-version"
        )
    _check_bounds(order)
    by_time, by_positions = (order.t0, order.t1) != (None, None), (order.start, order.stop) != (None, None)
    if by_time and by_positions:
        raise BadOrder("both times and positions are named; they bound the same thing: give one of the two")
    if order.t0 is not None and order.t0 > at:
        raise BadOrder(
            f"it would begin at {_utc(order.t0)}, but now is {_utc(at)}: nothing has happened yet that it could mask"
        )
    if order.t0 is not None and order.t1 is not None and order.t1 <= order.t0:
        raise BadOrder(
            f"it would end at {_utc(order.t1)}, not after its begin at {_utc(order.t0)}; swap `from` and `to`"
        )
    for what, named in (("model versions", order.model_versions), ("labels", order.labels)):
        if named == ():
            raise BadOrder(f"{what} are asked for, but none is named, so nothing would be masked")
    strange = sorted({*(order.start or {}), *(order.stop or {})} - set(range(partitions)))
    if strange:
        raise BadOrder(f"positions name partition {strange[0]}, but the log has 0 to {partitions - 1}")


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_bounds(order: Order) -> None:
    """What no log, clock or store can hold is a slip of the pen."""
    positions = [*(order.start or {}).values(), *(order.stop or {}).values()]
    times = [at for at in (order.t0, order.t1) if at is not None]
    for what, numbers, limit in (
        ("time", times, LATEST + 1),
        ("position", positions, 1 << 44),
        ("model version", order.model_versions or (), 1 << 31),
    ):
        for number in numbers:
            if not 0 <= number < limit:
                raise BadOrder(f"{what} {number} is none: it must be at least 0 and less than {limit}")


def _named(order: Order, events: Log) -> tuple[Positions, Positions | None]:
    """Explicit positions; a partition that they do not name is left alone."""
    every = range(events.partitions)
    start = {p: events.begin(p) for p in order.stop or ()} if order.start is None else order.start
    if order.stop is None:
        if set(start) != set(every):
            raise BadOrder(
                f"positions without an end must name all {events.partitions} partitions, these name "
                f"{sorted(start)}; give each an end: positions=0:120-340"
            )
        return dict(start), None
    if set(start) != set(order.stop):
        raise BadOrder(f"positions begin in partitions {sorted(start)}, but end in {sorted(order.stop)}")
    for p, end in order.stop.items():
        if end <= start[p]:
            raise BadOrder(f"positions of partition {p} end at {end}, not after their begin at {start[p]}")
    return {p: start.get(p, NEVER) for p in every}, {p: order.stop.get(p, NEVER) for p in every}


def _made(manifests: Iterable[Manifest], lines: Iterable[Decision]) -> dict[int, tuple[int, Positions]]:
    """Of each version, how many lines it was made under and where it stands."""
    made = {m.version: (m.decisions, m.input) for m in manifests}
    for line in lines:
        if line.version is not None and line.kind in ("publish", "promote", "rollback"):
            made.setdefault(line.version, (line.mask_position, line.input))
    return made
