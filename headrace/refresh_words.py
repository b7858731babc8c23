"""What `--refresh` says: which cadences are compared, in the words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headrace.durations import milliseconds, written
from learners.learner import Doubles
from learners.refreshing import DAY_MS, Refresh
from streams.errors import HeadraceError


class BadRefresh(HeadraceError):
    """A comparison of cadences that can't be made."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Cadences from the oldest copies to the freshest, and what all of them have learned before: `first_ms` of event
    time. `plot` is the drawing of it."""

    refreshes: tuple[Refresh, ...]
    first_ms: int = DAY_MS
    plot: Path | None = None


def compared(told: Sequence[str], after: str, plot: Path | None = None) -> Compared | None:
    """From words, each one or several with commas; None where there are none. Raises BadRefresh.

    >>> [one.name for one in compared(["online,1h", "never", "90m"], "1d").refreshes]
    ['never', '90m', '1h', 'online']
    """
    words = [word.strip() for one in told for word in one.split(",")]
    if not words:
        if plot is not None:
            raise BadRefresh("--plot draws what copies of other ages are worth: say which, --refresh 1d,1h,online")
        return None
    found = {_refresh(word) for word in words}
    try:
        first_ms = milliseconds(after)
    except ValueError as error:
        raise BadRefresh(f"--refresh-after {error}") from error
    return Compared(tuple(sorted(found, key=_age, reverse=True)), first_ms, plot)


def _refresh(word: str) -> Refresh:
    if word in ("never", "online"):
        return Refresh.of(word)
    try:
        period_ms = milliseconds(word) if not word.isdecimal() else 0
    except ValueError:
        period_ms = 0
    if not period_ms:
        raise BadRefresh(f"--refresh {word!r} is none of never, online or a duration such as 1d, 1h, 15m")
    return Refresh(written(period_ms), period_ms)


def _age(refresh: Refresh) -> float:
    return float("inf") if refresh.period_ms is None else refresh.period_ms


def out_of_order(file: Path, line: int, at_2: Doubles) -> BadRefresh:
    """What to say where time goes back."""
    before, at = at_2.tolist()
    return BadRefresh(
        f"{file.name}: line {line:,} is of {_moment(at)}, the row before it of {_moment(before)}. Copies are renewed "
        "as time goes by: sort the file by time, or leave out --refresh"
    )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def nothing_after(first_ms: int, rows: int) -> BadRefresh:
    """What to say where no row came after the first copies."""
    return BadRefresh(
        f"all {rows:,} rows fall into the first {written(first_ms)}, which every copy learns: there is nothing to "
        "compare. Give more rows, or a shorter stretch with --refresh-after 1h"
    )
