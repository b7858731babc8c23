"""Whether a version may serve: one measure for each thing that can be wrong with it, and one verdict.

A measure is a figure, its interval and its limit, larger being worse. It fails where the whole interval is beyond the
limit, and passes where all of it is within. In between it is inconclusive: that holds a version only where an interval
of half the width is beyond, and another version serves already. Too few rows hold nothing, so a young system gets its
first versions out. Pure: no clock, no store, no learner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from checkpoints.manifest import Verdict
from learners.paired_figures import Figure


class Limits(Struct, frozen=True):
    """How bad is too bad.

    `rows` behind a figure are the least; `young` versions, judged by fewer rows, are no measure for shape, order and
    norms. `calibration`, `ne` and `auc` are how much worse than what came, or than the live version; `growth` is of
    norms, a factor.
    """

    every: int = 8
    rows: int = 400
    young: int = 20_000
    calibration: float = 0.5
    ne: float = 0.02
    auc: float = 0.01
    shift: float = 0.5
    order: float = 0.8
    growth: float = 4.0


class Measure(Struct, frozen=True):
    """One figure of a version. `holds` where its verdict, fail or not, keeps the version from serving; `live` is the
    same figure of the version that serves, where it has one, `copy` the version that it is compared with."""

    name: str
    verdict: Verdict
    why: str
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    live: float | None = None
    n: int = 0
    holds: bool = False
    copy: int | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As a manifest keeps it."""
        kept: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in kept.items() if value is not None}


def measured(
    name: str,
    figure: Figure | None,
    limit: float,
    *,
    least: int,
    live: float | None = None,
    excuse: str = "",
    copy: int | None = None,
) -> Measure:
    """A figure against its limit. With an `excuse` it is told, and holds nothing.

    >>> near = measured("ne", Figure(0.04, 0.01, 0.07, 900), 0.02, least=400)
    >>> near.verdict, near.holds, near.why
    ('inconclusive', True, 'ne +0.0400 (+0.0100 to +0.0700) has its limit 0.02 within its interval')
    >>> measured("ne", Figure(0.03, 0.00, 0.06, 900), 0.02, least=400).holds
    False
    >>> measured("ne", Figure(0.04, 0.01, 0.07, 90), 0.02, least=400).why
    'ne: too few rows to say, 90 of 400'
    """
    if figure is None or figure.n < least:
        n = figure.n if figure else 0
        return Measure(name, "inconclusive", f"{name}: too few rows to say, {n:,} of {least:,}", limit=limit, n=n)
    interval = f"{name} {figure.value:+.4f} ({figure.low:+.4f} to {figure.high:+.4f})"
    if copy is not None:
        interval += f" against version {copy}"
    if figure.low > limit:
        verdict, why = "fail", f"{interval} is beyond its limit {limit:g}"
    elif figure.high <= limit:
        verdict, why = "pass", f"{interval} is within its limit {limit:g}"
    else:
        verdict, why = "inconclusive", f"{interval} has its limit {limit:g} within its interval"
    holds = not excuse and (figure.low + figure.value) / 2 > limit
    if excuse and verdict != "pass":
        verdict, why = "inconclusive", f"{why}; {excuse}"
    return Measure(
        name, verdict, why, figure.value, figure.low, figure.high, limit, live, figure.n, holds, copy  # type: ignore[arg-type]
    )  # fmt: skip


def said(name: str, why: str, *, fine: bool | None, **figures: Any) -> Measure:
    """A measure that is a plain yes or no; None: nobody can say.

    >>> said("finite", "2 weights are not finite", fine=False).holds
    True
    """
    verdict: Verdict = "inconclusive" if fine is None else "pass" if fine else "fail"
    return Measure(name, verdict, f"{name}: {why}", holds=fine is False, **figures)


def judge(measures: Iterable[Measure], *, first: bool) -> tuple[Verdict, str]:
    """The verdict over all, with the reasons of those that hold, else a short word. A `first` version, where no other
    serves, is held by nothing but a fail.

    >>> near = measured("ne", Figure(0.04, 0.01, 0.07, 900), 0.02, least=400)
    >>> judge([near], first=True)[0], judge([near], first=False)[0]
    ('pass', 'inconclusive')
    """
    told = list(measures)
    failed = [one.why for one in told if one.verdict == "fail" and one.holds]
    if failed:
        return "fail", "; ".join(failed)
    near = [one.why for one in told if one.holds]
    if near and not first:
        return "inconclusive", "; ".join(near)
    return "pass", _in_short(told)


def _in_short(told: Sequence[Measure]) -> str:
    passed = [one.name for one in told if one.verdict == "pass"]
    open_ = [one.name for one in told if one.verdict == "inconclusive"]
    words = [f"passed {', '.join(passed)}"] if passed else []
    return "; ".join([*words, *([f"too little to say of {', '.join(open_)}"] if open_ else [])]) or "nothing to measure"
