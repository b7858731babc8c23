"""What each cadence of refreshing was worth on the same rows: AUC and NE with intervals, whole and over time.

Rows become counts: by stretch of the stream, cadence, outcome and slot of the logit, so that any length of stream takes
the same room. Neighbouring stretches are joined as there come to be too many. Intervals draw whole stretches with
replacement (block bootstrap; Efron and Tibshirani 1993, chapters 8 and 13), the same ones for all cadences, so that
gains are paired; those of a single point in time take its rows as independent (DeLong et al., Biometrics 1988). Scores
in one slot of .01 count as ties. Learns nothing, holds no copies.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.learner import Bools, Doubles, Floats
from learners.metrics import CLIP, losses

SLOTS, REACH = 2048, 10.24
LEAST, MOST = 64, 256
"""Rows of a stretch at the beginning, and how many stretches there are at most."""
FEW = 30
"""Below so many stretches there is no interval."""
POINTS = 40
DRAWS = 400

Counts = NDArray[np.int64]
Told = dict[str, Any]


@dataclass(slots=True)
class Stretch:
    """Rows that follow each other, from `begun` to `ended` in event time: how many of each outcome had their logit in
    which slot, [R, 2, S], and the sum of log losses by cadence."""

    begun: int
    ended: int
    rows: int
    count_R2S: NDArray[np.int32]
    loss_R: Doubles

    def join(self, other: Stretch) -> None:
        """Become both; the other one comes later."""
        self.ended, self.rows = other.ended, self.rows + other.rows
        self.count_R2S += other.count_R2S
        self.loss_R += other.loss_R


class RefreshFigures:
    """The figures of one label, by cadence; `names` go from the oldest copies to the freshest.

    >>> figures = RefreshFigures(["never", "online"])
    >>> yes_B = np.arange(100) % 4 == 0
    >>> for hour in range(40):
    ...     figures.add(hour, np.stack([np.full(100, 0.25), np.where(yes_B, 0.4, 0.2)]), yes_B)
    >>> told = figures.report()
    >>> [(one["refresh"], one["auc"]) for one in told["cadences"]], told["gains"][0]["auc"]
    ([('never', 0.5), ('online', 1.0)], 0.5)
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._stretches: list[Stretch] = []
        self._least = LEAST

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self._stretches)

    def add(self, at: int, probability_RB: Floats | Doubles, yes_B: Bools) -> None:
        """Rows of event time `at` or a little later, as each cadence foresaw them; scores that no cadence may have
        (not finite) take their row out of all of them."""
        good_B = np.isfinite(probability_RB).all(axis=0)
        if not good_B.all():
            probability_RB, yes_B = probability_RB[:, good_B], yes_B[good_B]
        if not len(yes_B):
            return
        loss_R = np.array([losses(probability_B, yes_B).sum() for probability_B in probability_RB])
        one = Stretch(at, at, len(yes_B), _counted(probability_RB, yes_B), loss_R)
        if self._stretches and self._stretches[-1].rows < self._least:
            self._stretches[-1].join(one)
            return
        self._stretches.append(one)
        if len(self._stretches) > MOST:
            for early, late in zip(self._stretches[::2], self._stretches[1::2], strict=False):
                early.join(late)
            self._stretches, self._least = self._stretches[::2], 2 * self._least

    def report(self, *, draws: int = DRAWS, seed: int = 0) -> Told:
        """`cadences`: AUC and NE; `gains`: of each over the next older one and of the last over the first, AUC up and
        NE down is better; `course`: the AUC over time. `low` and `high` are 95 %; None where there are too few
        stretches, or one outcome alone."""
        if not self._stretches:
            return {"rows": 0, "stretches": 0, "cadences": [], "gains": [], "course": []}
        weight_DK = _weights(len(self._stretches), draws, seed)
        found = [self._drawn(n, weight_DK) for n in range(len(self._names))]
        pairs = [*itertools.pairwise(range(len(self._names)))]
        pairs += [(0, len(self._names) - 1)] if len(self._names) > 2 else []
        return {
            "rows": self.rows,
            "stretches": len(self._stretches),
            "cadences": [{"refresh": name, **_told(*one)} for name, one in zip(self._names, found, strict=True)],
            "gains": [
                {"from": self._names[old], "to": self._names[new], **_told(*_less(found[new], found[old]))}
                for old, new in pairs
            ],
            "course": self._course(),
        }

    def _drawn(self, cadence: int, weight_DK: Doubles) -> tuple[Doubles, Doubles]:
        """AUC and NE of each draw, the first of which is all rows once."""
        count_K2S = np.stack([one.count_R2S[cadence] for one in self._stretches]).astype(np.float64)
        loss_D = weight_DK @ np.array([one.loss_R[cadence] for one in self._stretches])
        auc_D, ne_D = np.empty(len(weight_DK)), np.empty(len(weight_DK))
        for d, weight_K in enumerate(weight_DK):
            count_2S = np.tensordot(weight_K, count_K2S, 1)
            auc_D[d] = _auc(count_2S)[0]
            ne_D[d] = _ne(loss_D[d], count_2S.sum(axis=1))
        return auc_D, ne_D

    def _course(self) -> list[Told]:
        """At most `POINTS` points in time, each of as many stretches as the others."""
        edges = np.unique(np.linspace(0, len(self._stretches), POINTS + 1).astype(np.int64)).tolist()
        return [self._point(self._stretches[low:high]) for low, high in itertools.pairwise(edges)]

    def _point(self, stretches: list[Stretch]) -> Told:
        count_R2S: Doubles = np.sum([one.count_R2S for one in stretches], axis=0, dtype=np.float64)
        told = {}
        for name, count_2S in zip(self._names, count_R2S, strict=True):
            value, error = _auc(count_2S)
            told[name] = dict(zip(("auc", "low", "high"), map(_figure, _around(value, error)), strict=True))
        rows = sum(one.rows for one in stretches)
        return {"at": stretches[0].begun, "until": stretches[-1].ended, "rows": rows, "auc": told}


def _counted(probability_RB: Floats | Doubles, yes_B: Bools) -> NDArray[np.int32]:
    cadences = len(probability_RB)
    p_RB = np.clip(probability_RB.astype(np.float64), CLIP, 1 - CLIP)
    slot_RB = ((np.log(p_RB) - np.log1p(-p_RB) + REACH) * (SLOTS / (2 * REACH))).astype(np.int64)
    place_RB = np.clip(slot_RB, 0, SLOTS - 1) + SLOTS * (2 * np.arange(cadences)[:, None] + yes_B)
    counted = np.bincount(place_RB.reshape(-1), minlength=2 * SLOTS * cadences)
    return counted.astype(np.int32).reshape(cadences, 2, SLOTS)


def _weights(stretches: int, draws: int, seed: int) -> Doubles:
    """How often each stretch was drawn, [1 + draws, K]; first all of them once. No draws where there are too few."""
    random, even_K = np.random.default_rng(seed), np.full(stretches, 1 / stretches)
    drawn_DK = random.multinomial(stretches, even_K, draws if stretches >= FEW else 0).astype(np.float64)
    return np.concatenate([np.ones((1, stretches)), drawn_DK])


def _auc(count_2S: Doubles) -> tuple[float, float]:
    """AUC and its standard error; NaN where one outcome is missing.

    >>> _auc(np.array([[2.0, 2.0, 0.0], [0.0, 2.0, 2.0]]))[0]
    0.875
    """
    no_S, yes_S = count_2S
    noes, yeses = no_S.sum(), yes_S.sum()
    if not noes or not yeses:
        return np.nan, np.nan
    below_S = (np.cumsum(no_S) - no_S / 2) / noes
    above_S = (yeses - np.cumsum(yes_S) + yes_S / 2) / yeses
    value = float(yes_S @ below_S / yeses)
    spread_yes = yes_S @ (below_S - value) ** 2 / max(yeses - 1, 1)
    spread_no = no_S @ (above_S - value) ** 2 / max(noes - 1, 1)
    return value, float(np.sqrt(spread_yes / yeses + spread_no / noes))


def _ne(loss: float, count_2: Doubles) -> float:
    rows = float(count_2.sum())
    rate = float(count_2[1]) / rows if rows else 0.0
    if not 0 < rate < 1:
        return np.nan
    return loss / rows / -(rate * log(rate) + (1 - rate) * log(1 - rate))


def _less(new: tuple[Doubles, Doubles], old: tuple[Doubles, Doubles]) -> tuple[Doubles, Doubles]:
    return new[0] - old[0], new[1] - old[1]


def _told(auc_D: Doubles, ne_D: Doubles) -> dict[str, float | None]:
    told: dict[str, float | None] = {}
    for name, drawn_D in (("auc", auc_D), ("ne", ne_D)):
        found_D = drawn_D[1:][np.isfinite(drawn_D[1:])]
        low, high = np.percentile(found_D, [2.5, 97.5]) if len(found_D) else (np.nan, np.nan)
        told |= {name: _figure(drawn_D[0]), f"{name}_low": _figure(low), f"{name}_high": _figure(high)}
    return told


def _around(value: float, error: float) -> tuple[float, float, float]:
    return value, max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)


def _figure(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
