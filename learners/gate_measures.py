"""The measures of the gate, one function each: what a version is, and what the live one says of the same rows. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from learners.gate import Limits, Measure, measured, said
from learners.metrics import Flags
from learners.paired_figures import Figure, auc_lost, calibration, disordered, ne_apart, shifted

Doubles = NDArray[np.float64]
Weights = Iterable[tuple[str, NDArray[np.floating]]]
DENSE, ROWS, KEPT = ".dense", ".rows", (".moments", ".state")
"""How arrays of weights end, and of what rules of updates keep of them."""
BETTER = "the rows say that it foresees better than the live version, so a change of this kind is what was learned"
YOUNG = "the live version learned too little to be a measure of that"
LIKE_LIVE = "the live version is as far off on the same rows: what changed is the world"
RECENT, STANDS = 60_000, 300_000
"""For how long (event time, ms) a version is a measure of sudden changes: one that served, and one that still does."""
OTHER = "another version serves, and there is no newer copy yet"
OLD = "that version is old: what the model learned since is judged by ne and auc"


@dataclass(frozen=True, slots=True)
class Served:
    """What serves (`live`), and of what versions the copies are that foresaw the rows and the canary, None where there
    is none. The canary's is `age` behind the model (event time, ms), and `young` where it had learned little."""

    live: int | None = None
    rows: int | None = None
    canary: int | None = None
    young: bool = True
    age: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows that the trained model foresaw before it learned them (`p_N`), what came, and what the live version foresees
    of them (`live_N`; None where there is none). The newest of them are the canary: what the version itself says of
    these rows, and what the live one does. A copy stands for the live version (`served`)."""

    p_N: Doubles
    came_N: Flags
    live_N: Doubles | None = None
    canary_C: Doubles = field(default_factory=lambda: np.zeros(0))
    canary_live_C: Doubles | None = None
    served: Served = Served()


@dataclass(frozen=True, slots=True)
class Weighed:
    """What weights there are: how many are not finite, the norm of each dense array, and the longest row of others."""

    broken: int
    first_broken: str
    norms: Mapping[str, float]


def weighed(weights: Weights) -> Weighed:
    """Look at every weight once, and at what their rules keep of them; other arrays are passed over.

    >>> told = weighed([("net.dense", np.array([3.0, 4.0])), ("net.rows", np.array([[1.0, np.nan]]))])
    >>> told.broken, told.first_broken, dict(told.norms)
    (1, 'net.rows', {'net.dense': 5.0})
    """
    norms: dict[str, float] = {}
    broken, named = 0, ""
    for name, array in weights:
        if not name.endswith((DENSE, ROWS, *KEPT)) or not array.size:
            continue
        lost = int(array.size - np.isfinite(array).sum())
        broken, named = broken + lost, named or (name if lost else "")
        if not lost and name.endswith((DENSE, ROWS)):
            flat = array.reshape(-1, array.shape[-1]) if name.endswith(ROWS) else array.reshape(1, -1)
            norms[name] = max(float(np.linalg.norm(flat, axis=1).max()), norms.get(name, 0.0))
    return Weighed(broken, named, norms)


def running(weights: Weighed, live: Mapping[str, float], *, whole: bool) -> dict[str, float]:
    """The norms that a version keeps for the next: where it tells of rows that changed, the longest row may be another.

    >>> running(Weighed(0, "", {"a.rows": 1.0, "a.dense": 1.0}), {"a.rows": 3.0, "a.dense": 3.0}, whole=False)
    {'a.rows': 3.0, 'a.dense': 1.0}
    """
    return {n: of if whole or n.endswith(DENSE) else max(of, live.get(n, 0.0)) for n, of in weights.norms.items()}


def finite(weights: Weighed | None, *, scores: bool, rows: int) -> Measure:
    """Scores since the version before, and every weight that changed since.

    >>> finite(None, scores=False, rows=3).why
    'finite: every score since the last version was not finite'
    """
    if not scores:
        return said("finite", "every score since the last version was not finite", fine=False)
    if not rows:
        return said("finite", "no row was learned", fine=False)
    if weights is not None and weights.broken:
        return said("finite", f"{weights.broken:,} weights are not finite, first in {weights.first_broken}", fine=False)
    return said("finite", f"finite, {rows:,} rows learned", fine=True, n=rows)


def norms(weights: Weighed | None, live: Mapping[str, float], limits: Limits, *, young: bool) -> Measure:
    """The array that grew most against the live version, dense or the longest row.

    >>> norms(Weighed(0, "", {"net": 50.0}), {"net": 1.0}, Limits(), young=False).why
    'norms: net is 50.00 times as long as in the live version, at most 4'
    """
    both = {} if weights is None else {n: of / live[n] for n, of in weights.norms.items() if live.get(n, 0.0) > 1e-3}
    if not both:
        return said("norms", "there is nothing to compare with", fine=None, limit=limits.growth)
    name, grown = max(both.items(), key=lambda one: one[1])
    why = f"{name} is {grown:.2f} times as long as in the live version, at most {limits.growth:g}"
    fine = None if young else grown <= limits.growth
    return said("norms", f"{why}; {YOUNG}" if young else why, fine=fine, figure=grown, limit=limits.growth)


def calibrated(rows: Compared, limits: Limits) -> Measure:
    """How far what was foreseen lies from what came, up or down, in logarithms; excused where the live version is no
    nearer."""
    told, live = calibration(rows.p_N, rows.came_N), None
    if told is None:
        return measured("calibration", None, limits.calibration, least=limits.rows)
    if rows.live_N is not None and (other := calibration(rows.live_N, rows.came_N)) is not None:
        live = abs(other.value)
    excuse = LIKE_LIVE if live is not None and live >= 0.9 * abs(told.value) else ""
    return measured("calibration", _off(told), limits.calibration, least=limits.rows, live=live, excuse=excuse)


def _off(told: Figure) -> Figure:
    low, high = sorted((abs(told.low), abs(told.high)))
    return Figure(abs(told.value), 0.0 if told.low < 0 < told.high else low, high, told.n)


def ne_worse(rows: Compared, limits: Limits) -> Measure:
    """By how much its normalised entropy is worse than the live version's on the same rows."""
    told = None if rows.live_N is None else ne_apart(rows.p_N, rows.live_N, rows.came_N)
    return measured("ne", told, limits.ne, least=limits.rows, copy=rows.served.rows)


def auc_worse(rows: Compared, limits: Limits) -> Measure:
    """By how much its AUC is worse; excused where the normalised entropy proves it better."""
    told = None if rows.live_N is None else auc_lost(rows.p_N, rows.live_N, rows.came_N)
    return measured("auc", told, limits.auc, least=limits.rows, excuse=_better(rows, limits), copy=rows.served.rows)


def shift(rows: Compared, limits: Limits) -> Measure:
    """How far the shape of its scores on the canary moved from the live version's."""
    told = None if rows.canary_live_C is None else shifted(rows.canary_C, rows.canary_live_C)
    excuse = _no_measure(rows, limits) or _better(rows, limits)
    least, copy = min(limits.rows, 100), rows.served.canary
    return measured("shift", told, limits.shift, least=least, excuse=excuse, copy=copy)


def order(rows: Compared, limits: Limits) -> Measure:
    """How differently it orders the canary: a sudden change, so it is held to what serves, or served a moment ago. What
    foresees better is no excuse then: what learned turned labels foresees those."""
    told = None if rows.canary_live_C is None else disordered(rows.canary_C, rows.canary_live_C)
    least, copy = min(limits.rows, 100), rows.served.canary
    return measured("order", told, limits.order, least=least, excuse=_no_measure(rows, limits), copy=copy)


def _no_measure(rows: Compared, limits: Limits) -> str:
    """Why a canary can't say of a model that it changed too much. An old version that still serves is a measure until
    there are rows enough for those that compare what is foreseen with what came."""
    served = rows.served
    if served.young:
        return YOUNG
    if served.canary != served.live:
        return OTHER if served.age >= RECENT else ""
    compared = 0 if rows.live_N is None else len(rows.live_N)
    return OLD if served.age >= STANDS and compared >= limits.rows else ""


def _better(rows: Compared, limits: Limits) -> str:
    if rows.live_N is None:
        return ""
    told = ne_apart(rows.p_N, rows.live_N, rows.came_N)
    return BETTER if told is not None and told.n >= limits.rows and told.high < 0 else ""


def not_finite(rows: Compared) -> Measure:
    """Whether what the version says of the canary is a number."""
    lost = int((~np.isfinite(rows.canary_C)).sum())
    if not len(rows.canary_C):
        return said("canary", "there are no recent rows", fine=None)
    return said(
        "canary", f"{lost:,} of {len(rows.canary_C):,} scores are no number", fine=not lost, n=len(rows.canary_C)
    )


def all_of(rows: Compared, limits: Limits) -> list[Measure]:
    """Every measure of rows, in the order in which they are shown."""
    told = [not_finite(rows)]
    if math.isfinite(float(rows.canary_C.sum())):
        told += [calibrated(rows, limits), ne_worse(rows, limits), auc_worse(rows, limits)]
        told += [shift(rows, limits), order(rows, limits)]
    return told
