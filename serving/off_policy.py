"""What another policy would have earned on slates that were shown: IPS, SNIPS and DR with intervals, pure.

A slate is filled place by place, and each place was logged with the chance that its item got there after the items
before it. So what a policy would have shown is weighed place by place: by the product of both policies' chances up to
the place. Nothing here knows a model, a log or a user: arrays in, three estimates out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
SURE = 1.959964
"""Standard errors to either side of a figure that is 95 % sure."""

LEAST = 100.0
"""Below so many effective pages intervals hold less often than they say, so none is told."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages [N] of places [P], 0 behind the last place of a page.

    `ratio_NP` is the policy's chance over the logged one; `reward_NP` what came of a place; `foreseen_NP` what a model
    says of the item that was shown, `expected_NP` of the place by the policy; `group_N` numbers the users: pages of one
    user are not independent.
    """

    ratio_NP: Doubles
    reward_NP: Doubles
    foreseen_NP: Doubles
    expected_NP: Doubles
    group_N: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Reward by page, and the interval that holds it with 95 %; None where too little was seen."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Estimates:
    """By each estimator; `logged` is what the pages really earned, `effective` the pages that say something of the
    policy at the place where the fewest do (Kish's n), `largest` the largest weight."""

    pages: int
    logged: Estimate
    ips: Estimate
    snips: Estimate
    dr: Estimate
    effective: float
    largest: float


def estimated(pages: Pages) -> Estimates:
    """The reward of a page by the policy.

    IPS: sum over places of weight x reward (Horvitz and Thompson 1952; by place: Precup, Sutton and Singh, ICML 2000;
    for slates McInerney et al., KDD 2020, section 4). SNIPS: each place's sum over that of its weights (Swaminathan and
    Joachims, NeurIPS 2015). DR: what a model expects of each place, put right by weighted errors of what was shown
    (Dudik, Langford and Li, ICML 2011; by place: Kiyohara et al., WSDM 2022, section 3). Effective pages: Kish 1965.
    Raises ValueError where there are no pages.

    >>> one = np.ones((4, 1))
    >>> told = estimated(Pages(2 * one, np.array([[1.0], [0], [0], [0]]), .25 * one, .25 * one, np.arange(4)))
    >>> told.ips.value, told.snips.value, told.dr.value, told.effective
    (0.5, 0.25, 0.25, 4.0)
    """
    if not len(pages.group_N):
        raise ValueError("there is no page to judge by")
    weight_NP = np.cumprod(pages.ratio_NP, axis=1)
    before_NP = np.concatenate([np.ones((len(weight_NP), 1)), weight_NP[:, :-1]], axis=1)
    sum_P, square_P = weight_NP.sum(0), np.square(weight_NP).sum(0)
    effective = float(_share(np.square(sum_P), square_P).min())
    missed_NP = pages.reward_NP - pages.foreseen_NP
    share_P = _share(np.einsum("np,np->p", weight_NP, pages.reward_NP), sum_P)
    pull_NP = weight_NP * (pages.reward_NP - share_P) * _share(np.full_like(sum_P, len(weight_NP)), sum_P)
    told = {
        "logged": pages.reward_NP.sum(1),
        "ips": (weight_NP * pages.reward_NP).sum(1),
        "snips": share_P.sum() + pull_NP.sum(1),
        "dr": (weight_NP * missed_NP + before_NP * pages.expected_NP).sum(1),
    }
    sure = {
        name: _estimate(told_N, pages.group_N, name == "logged" or effective >= LEAST) for name, told_N in told.items()
    }
    return Estimates(len(weight_NP), effective=effective, largest=float(weight_NP.max()), **sure)


def _estimate(told_N: Doubles, group_N: NDArray[np.int64], sure: bool) -> Estimate:
    """The mean over pages. Users are what is independent (Liang and Zeger 1986); as few pages weigh much, the interval
    leans to where the tail is (Hall, J. R. Stat. Soc. B 54, 1992, the monotone cubic of section 2)."""
    value = float(told_N.mean())
    groups = np.unique(group_N, return_inverse=True)[1]
    off_G = np.bincount(groups, told_N - value)
    spread, count = float(off_G.std()), len(off_G)
    if not sure or count < 2 or not spread:
        return Estimate(value, None, None)
    lean = float(np.mean(np.power(off_G / spread, 3))) / count**0.5
    unit = spread * count / (count - 1) ** 0.5 / len(told_N)
    return Estimate(value, value - unit * _leant(SURE, lean), value - unit * _leant(-SURE, lean))


def _leant(quantile: float, lean: float) -> float:
    if abs(lean) < 1e-6:
        return quantile
    return float(3 / lean * (np.cbrt(1 + lean * (quantile - lean / 6)) - 1))


def _share(part_P: Doubles, whole_P: Doubles) -> Doubles:
    return np.divide(part_P, whole_P, out=np.zeros_like(part_P), where=whole_P > 0)
