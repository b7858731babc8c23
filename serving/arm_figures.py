"""From sums to what an operator reads: figures by arm, differences with intervals, and whether to stop. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from serving.arm_sums import LESS_IS_BETTER, METRICS, ArmSums
from serving.intervals import always, chi_squared, difference, once, uneven
from streams.experiments import Experiment, Trial

Verdict = Literal["better", "worse", "undecided", "uneven", "abort"]
UNEVEN = 0.001
"""A split of users less likely than this is a fault of who draws or of who logs, and no figure below it means a
thing (Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric: both arms, the relative difference, and what it lies between; None where there is too little."""

    metric: str
    on: float | None
    off: float | None
    change: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One experiment, read now. `split` is how likely so uneven a split is by chance, as tested once; `split_always`
    as tested at every look, which is what stops. `users` and `pages` are (on, off); of users, those told apart."""

    figures: tuple[Figure, ...]
    users: tuple[int, int]
    of_users: int
    pages: tuple[int, int]
    split: float
    split_always: float
    verdict: Verdict
    why: str
    p95_ms: tuple[float | None, float | None] = (None, None)
    crossed: int = 0
    early: int = 0


def read(experiment: Experiment, sums: ArmSums, *, now: int) -> Reading:
    """What the sums say of an experiment. With a horizon, intervals are those of a single look and are not told before
    it is over; without one they hold at all looks."""
    trial = experiment.trial
    waits = trial.horizon > 0 and now < experiment.started_at + trial.horizon
    told = tuple(_figure(sums, metric, (once if trial.horizon else always), waits) for metric in METRICS)
    users = sums.users()
    split, at_all_looks = chi_squared(*users, trial.share), uneven(*users, trial.share)
    verdict: Verdict = "undecided"
    why = "what is mirrored has no users: see what the servers measured"
    if not trial.mirror:
        watched = _figure(sums, trial.metric, always)
        verdict, why = _verdict(trial, watched, told[METRICS.index(trial.metric)], at_all_looks, waits)
    pages = tuple(int(bottom) for _, bottom in sums.totals("page_ctr"))
    return Reading(
        told, users, sums.of_users, (pages[0], pages[1]), split, at_all_looks, verdict, why,
        (sums.quantile(0, 0.95), sums.quantile(1, 0.95)), sums.crossed, sums.early,
    )  # fmt: skip


def worse(trial: Trial, figure: Figure) -> bool:
    """Whether what is tried is surely worse, and by more than is borne as far as one can tell.

    >>> trial = Trial("bold", "start", share=.1, metric="page_ctr", abort_below=-.05)
    >>> ends = ((-0.2, -0.1), (-0.04, -0.01), (-0.2, 0.1))
    >>> [worse(trial, Figure("page_ctr", 0.1, 0.2, change, -0.3, high)) for change, high in ends]
    [True, False, False]
    """
    if figure.low is None or figure.high is None or figure.change is None:
        return False
    if figure.metric in LESS_IS_BETTER:
        return figure.low > 0 and -figure.change <= trial.abort_below
    return figure.high < 0 and figure.change <= trial.abort_below


def _verdict(trial: Trial, watched: Figure, told: Figure, split: float, waits: bool) -> tuple[Verdict, str]:
    if split < UNEVEN:
        return "uneven", f"users are split as by chance once in {1 / max(split, 1e-12):,.0f}: no figure can be trusted"
    if worse(trial, watched):
        return (
            "abort",
            f"{trial.metric} {watched.change:+.1%} against the others, and {trial.abort_below:+.1%} is borne",
        )
    if waits:
        return "undecided", "it is read once, when its horizon is over: looking before that decides nothing"
    if told.low is None or told.high is None:
        return "undecided", "too few users or events yet"
    if told.low <= 0 <= told.high:
        return "undecided", f"{trial.metric} may differ by {told.low:+.1%} to {told.high:+.1%}"
    better = (told.low > 0) != (told.metric in LESS_IS_BETTER)
    return "better" if better else "worse", f"{trial.metric} differs by {told.low:+.1%} to {told.high:+.1%}"


def _figure(sums: ArmSums, metric: str, half: Callable[[float], float], waits: bool = False) -> Figure:
    on, off = sums.of(metric, 0), sums.of(metric, 1)
    values = [float(top.sum()) / float(bottom.sum()) if bottom.any() else None for top, bottom in (on, off)]
    found = difference(on, off)
    if found is None:
        return Figure(metric, values[0], values[1], None, None, None)
    low, high = (None if waits else found.within(half)) or (None, None)
    return Figure(metric, values[0], values[1], found.change, low, high)
