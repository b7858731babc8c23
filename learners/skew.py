"""Whether training reads what serving read: a few slates say what their asker's features were, and learning compares.

A server puts marks into the context of its slate: a number as it is, anything else as a hash, and the log-odds of the
first item and of the user as its version counted them. The joiner hands them on with the circumstances, and where a
mark is not what the joined example gives, the feature is skewed. Items' own features have no marks: a version reads
them as of its commit, learning as of its turn, and both say which attributes those were. Learns nothing, and is in no
snapshot: it starts again with the process, and with each version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from zlib import crc32

from learners.asked import Column

MARK = "served."
FLAG = f"{MARK}user"
"""In every context that has marks."""
ITEM_RATE, USER_RATE = "counters.item", "counters.user"
CLOSE = 1e-6
"""Numbers nearer than this, by their size, are the same."""


@dataclass(slots=True)
class Gap:
    """Of one feature: how often it was compared, how often it differed, and by how much where it is a number."""

    compared: int = 0
    differed: int = 0
    apart: float = 0.0
    number: bool = False

    @property
    def told(self) -> dict[str, float]:
        """
        >>> Gap(4, 1, 2.0, number=True).told
        {'compared': 4, 'differing': 0.25, 'mean_gap': 0.5}
        """
        told: dict[str, float] = {"compared": self.compared, "differing": self.differed / max(1, self.compared)}
        return told | ({"mean_gap": self.apart / max(1, self.compared)} if self.number else {})


@runtime_checkable
class Compares(Protocol):
    """A learner that compares what was served with what it reads."""

    @property
    def skew(self) -> Skew: ...


class Skew:
    """Gaps by feature, since the last `mark`.

    >>> skew = Skew(); skew.see("price", 2.0, 2.5, number=True); skew.see("price", 2.0, 2.0, number=True)
    >>> skew.report()
    {'price': {'compared': 2, 'differing': 0.5, 'mean_gap': 0.25}}
    """

    def __init__(self) -> None:
        self._gaps: dict[str, Gap] = {}

    def see(self, name: str, served: str | float, joined: float, *, number: bool) -> None:
        """Compare one value; a text was never written by a server, so it is as wrong as can be."""
        gap = self._gaps.setdefault(name, Gap(number=number))
        apart = abs(served - joined) if not isinstance(served, str) else float("inf")
        gap.compared += 1
        gap.differed += apart > CLOSE * max(1.0, abs(joined))
        gap.apart += apart if number and apart != float("inf") else 0.0

    def see_asker(self, columns: Sequence[Column], at: int, context: Mapping[str, str | float]) -> None:
        """Compare the marks of one asker with what was joined."""
        for name, (joined, number) in _marks(columns, at).items():
            served = context.get(f"{MARK}{name}")
            if served is not None:
                self.see(name, served, joined, number=number)

    def report(self) -> dict[str, dict[str, float]]:
        return {name: gap.told for name, gap in sorted(self._gaps.items())}

    def mark(self) -> None:
        """Begin anew."""
        self._gaps.clear()


def marks_of(columns: Sequence[Column], rates: Mapping[str, float]) -> dict[str, str | float]:
    """What a slate says of the only asker in `columns`, and of rates by the version's counters."""
    marks: dict[str, str | float] = {f"{MARK}{name}": value for name, (value, _) in _marks(columns, 0).items()}
    return marks | {f"{MARK}{name}": value for name, value in rates.items()}


def _marks(columns: Sequence[Column], at: int) -> dict[str, tuple[float, bool]]:
    """The mark of each field, and whether it is the number itself; no number is 0, no text the hash of nothing."""
    return {column.field.name: _mark(column, at) for column in columns}


def _mark(column: Column, at: int) -> tuple[float, bool]:
    if column.number_S is not None:
        number = float(column.number_S[at])
        return (0.0 if number != number else number), True
    values: Sequence[str | int] = (column.texts_S if column.texts_S is not None else column.keys_S or [()])[at]
    return float(crc32("\x1f".join(map(str, values)).encode(errors="replace"))), False
