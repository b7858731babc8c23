"""From a hold that returned to the line that takes its rows out of the log, and the orders that operators gave.

The rows of a hold that returned are wrong, and so is what else their slice did then: one decision masks the slice in
the frames from the first held impression to the last. An order holds, like any setting, for states that
relied on a frame beyond where the log ended when it was given, so that a replay follows it at the same batch. Appends
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from learners.held_rows import Returned
from learners.learner import Bools
from learners.ordering import Counts
from streams.decisions import Decision
from streams.mask import Entry, Masking
from streams.positions import Positions

FOLD = "guard"
"""The name under which orders stand among the settings of folds."""
Ordered = tuple[str, str, Literal["accept", "refuse"]]
"""Axis, value and what is wanted."""
NEVER = 1 << 62
"""An offset that no partition reaches: nothing is masked there."""


@runtime_checkable
class Refuses(Protocol):
    """A learner that may hold rows back, and give up on them."""

    returned: list[Returned]
    """What is to be masked since the caller last emptied it."""
    accepted: list[Returned]
    """What was held and is learned now, since the caller last emptied it."""
    held_B: Bools | None
    """Rows of the last batch that were not learned; None where all of them were."""

    def order(self, orders: Sequence[Ordered]) -> None:
        """Follow what operators want: all orders come to so far, oldest first."""
        ...

    def count(self, counts: Iterable[Counts]) -> None:
        """Take in what was counted of interactions that sources announced, up to the last batch."""
        ...

    def told(self) -> dict[str, Any]:
        """What is held, what the last batch changed, and how much was dropped, as plain figures."""
        ...


def held_of(learner: object) -> Bools | None:
    """Which rows of the last batch a learner held back; None where none."""
    return learner.held_B if isinstance(learner, Refuses) else None


class Order(Struct, frozen=True):
    """What an operator wants done with the hold of a slice (`axis` is "" for all rows): `accept` or `refuse`. `n` is
    how many decisions there were, so that no two are the same."""

    axis: str
    value: str
    order: Literal["accept", "refuse"]
    n: int

    @property
    def text(self) -> str:
        """As it stands in a configure line."""
        return msgspec.json.encode(self).decode()


def orders_at(mask: Masking, input: Positions) -> list[Ordered]:
    """All orders that a state with this `input` has come to, oldest first.

    >>> accept = Order("producer", "web", "accept", 3)
    >>> mask = Masking(()).configured_by({}, {}).configured_by({0: 5}, {"guard": accept.text})
    >>> orders_at(mask, {0: 5}), orders_at(mask, {0: 6})
    ([], [('producer', 'web', 'accept')])
    """
    come = []
    for start, text in mask.settings_of(FOLD):
        if start is None or any(offset > start.get(p, 0) for p, offset in input.items()):
            order = msgspec.json.decode(text, type=Order)
            come.append((order.axis, order.value, order.order))
    return come


def entries_of(returned: Returned, partitions: Iterable[int]) -> tuple[Entry, ...]:
    """The lines of the mask for what returned, one for each name of its slice; nothing is masked in partitions where
    nothing was held. Items are never masked by them: no time is given."""
    stretch = returned.stretch
    start = {p: stretch.start.get(p, NEVER) for p in partitions}
    stop = {p: stretch.stop.get(p, NEVER) for p in partitions}
    made = []
    for name in sorted(stretch.names) if returned.axis else [""]:
        bounds = sorted(start.items()), sorted(stop.items()), returned.axis, name
        id = "guard-" + hashlib.sha256(repr(bounds).encode()).hexdigest()[:12]
        entry = Entry(id, start, stop)
        made.append(msgspec.structs.replace(entry, **{returned.axis: name}) if returned.axis else entry)
    return tuple(made)


def refusal(returned: Sequence[Returned], partitions: Sequence[int], *, at: int, seen: int) -> Decision:
    """One line that masks everything that returned."""
    entries = [entry for one in returned for entry in entries_of(one, partitions)]
    why = "; ".join(one.why for one in returned)
    return Decision("mask", at=at, who="guard", why=why, seen=seen, add=tuple(entries))


def acceptances(accepted: Sequence[Returned], before: Sequence[Decision], *, at: int, seen: int) -> list[Decision]:
    """A line for each slice that is learned after all: it masks nothing and is only to be read. `start` and `until` are
    the frames of events that showed what was held. What a trainer said before it began again is not said twice.

    >>> from learners.held_rows import Stretch
    >>> sale = Returned("producer", Stretch(4, {0: 3}, {0: 9}, {"web"}), "learned after 32 held batches")
    >>> (line,) = acceptances([sale], [], at=5, seen=0)
    >>> line.why, line.start, line.until, acceptances([sale], [line], at=6, seen=1)
    ('accepted producer=web: learned after 32 held batches', {0: 3}, {0: 9}, [])
    """
    said = {(line.who, line.why) for line in before if line.kind == "mask"}
    made = []
    for one in accepted:
        where = f"{one.axis}={','.join(sorted(one.stretch.names))}" if one.axis else "all"
        why = f"accepted {where}: {one.why}"
        if ("guard", why) not in said:
            stretch = one.stretch
            made.append(Decision("mask", at, "guard", why, seen, start=stretch.start, until=stretch.stop))
    return made
