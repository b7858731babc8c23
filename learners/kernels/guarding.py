"""What a batch says for or against "as usual", in nats, for all groups at once; what it means is for `guard` to say.

Odds are taken once for each row and axis: a shift of the level is a factor of them, half a slope their square root, and
logarithms of products are taken where a product grows too long. Sums run from the first row to the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

FAR, LONG = 40.0, 1e200
"""Logits beyond which nothing changes any more, and how long a product may get."""


@compiled
def measure(
    x_B: Doubles, y_B: Doubles, group_BA: Longs, live_B: Bools, usual_PG: Doubles, step_D: Doubles, gain_KG: Doubles,
    stat_SG: Doubles,
) -> None:  # fmt: skip
    """Fill `gain_KG`: nats for each step of the level, and last for half of the slope, against the usual (level, slope)
    of `usual_PG`; and `stat_SG`: residual and information of the level, score and information of the slope, and the
    logit about which these are."""
    groups, tall = usual_PG.shape[1], len(step_D)
    odds_BA = np.empty(group_BA.shape)
    gain_KG[:], stat_SG[:] = 0.0, 0.0
    told_TG = np.zeros((5, groups))
    _usual(x_B, y_B, group_BA, live_B, usual_PG, step_D, odds_BA, gain_KG, stat_SG, told_TG)
    shift_WG, half_G, fitted_G = np.ones((2, groups)), np.ones(groups), np.zeros(groups, np.bool_)
    for g in range(groups):
        rows, yes = told_TG[0, g], told_TG[1, g]
        fitted_G[g] = 0 < yes < rows
        if rows > 0:
            half_G[g] = np.exp(0.5 * (usual_PG[0, g] + usual_PG[1, g] * told_TG[2, g] / rows))
    _match(group_BA, live_B, odds_BA, half_G, told_TG, fitted_G, shift_WG)
    _rank(x_B, y_B, group_BA, live_B, odds_BA, half_G, told_TG, fitted_G, shift_WG, gain_KG[tall], stat_SG)


@compiled
def _usual(
    x_B: Doubles, y_B: Doubles, group_BA: Longs, live_B: Bools, usual_PG: Doubles, step_D: Doubles, odds_BA: Doubles,
    gain_KG: Doubles, stat_SG: Doubles, told_TG: Doubles,
) -> None:  # fmt: skip
    """Odds of the usual, nats of the steps, residuals; told are rows, yes, sum of x, sum of chances, sum of y logit."""
    steps, groups = len(step_D), usual_PG.shape[1]
    odd_D, product_DG = np.expm1(step_D), np.ones((steps, groups))
    for j in range(group_BA.shape[1]):
        for i in range(len(x_B)):
            if not live_B[i]:
                continue
            g, y = group_BA[i, j], y_B[i]
            z = min(max(usual_PG[0, g] + usual_PG[1, g] * x_B[i], -FAR), FAR)
            odds = np.exp(z)
            q = odds / (1 + odds)
            odds_BA[i, j] = odds
            told_TG[0, g] += 1
            told_TG[1, g] += y
            told_TG[2, g] += x_B[i]
            told_TG[3, g] += q
            told_TG[4, g] += y * z
            stat_SG[1, g] += q * (1 - q)
            for d in range(steps):
                product = product_DG[d, g] * (1 + q * odd_D[d])
                if product > LONG or product < 1 / LONG:
                    gain_KG[d, g] -= np.log(product)
                    product = 1.0
                product_DG[d, g] = product
    for g in range(groups):
        stat_SG[0, g] = told_TG[1, g] - told_TG[3, g]
        for d in range(steps):
            gain_KG[d, g] += told_TG[1, g] * step_D[d] - np.log(product_DG[d, g])


@compiled
def plainly(
    x_B: Doubles, y_B: Doubles, group_BA: Longs, live_B: Bools, step_D: Doubles, gain_DG: Doubles
) -> None:  # fmt: skip
    """Fill `gain_DG`: nats for each step of the level against the predictions as they are."""
    odd_D, product_DG = np.expm1(step_D), np.ones(gain_DG.shape)
    yes_G = np.zeros(gain_DG.shape[1])
    gain_DG[:] = 0.0
    for i in range(len(x_B)):
        if not live_B[i]:
            continue
        p = 1 / (1 + np.exp(-min(max(x_B[i], -FAR), FAR)))
        for j in range(group_BA.shape[1]):
            g = group_BA[i, j]
            yes_G[g] += y_B[i]
            for d in range(len(step_D)):
                product = product_DG[d, g] * (1 + p * odd_D[d])
                if product > LONG or product < 1 / LONG:
                    gain_DG[d, g] -= np.log(product)
                    product = 1.0
                product_DG[d, g] = product
    for g in range(len(yes_G)):
        for d in range(len(step_D)):
            gain_DG[d, g] += yes_G[g] * step_D[d] - np.log(product_DG[d, g])


@compiled
def _match(
    group_BA: Longs, live_B: Bools, odds_BA: Doubles, half_G: Doubles, told_TG: Doubles, fitted_G: Bools,
    shift_WG: Doubles,
) -> None:  # fmt: skip
    """Factors of the odds with which the whole and the halved slope foretell as many yes as came: the difference of log
    odds, then two steps of Newton's."""
    for turn in range(3):
        sum_WG, bend_WG = np.zeros(shift_WG.shape), np.zeros(shift_WG.shape)
        for j in range(group_BA.shape[1]):
            for i in range(len(live_B)):
                g = group_BA[i, j]
                if not live_B[i] or not fitted_G[g]:
                    continue
                whole = odds_BA[i, j] * shift_WG[0, g]
                half = np.sqrt(odds_BA[i, j]) * half_G[g] * shift_WG[1, g]
                p, q = whole / (1 + whole), half / (1 + half)
                sum_WG[0, g] += p
                sum_WG[1, g] += q
                bend_WG[0, g] += p * (1 - p)
                bend_WG[1, g] += q * (1 - q)
        for g in range(len(half_G)):
            if fitted_G[g]:
                rows, yes = told_TG[0, g], told_TG[1, g]
                for w in range(2):
                    told = sum_WG[w, g]
                    step = (yes - told) / (bend_WG[w, g] + 1e-9)
                    first = (yes / (rows - yes)) / (told / max(rows - told, 1e-9))
                    shift_WG[w, g] *= first if turn == 0 else np.exp(min(max(step, -1.0), 1.0))


@compiled
def _rank(
    x_B: Doubles, y_B: Doubles, group_BA: Longs, live_B: Bools, odds_BA: Doubles, half_G: Doubles, told_TG: Doubles,
    fitted_G: Bools, shift_WG: Doubles, gain_G: Doubles, stat_SG: Doubles,
) -> None:  # fmt: skip
    """Nats for half of the slope, both at the level that came; score and information of the slope about its centre,
    and that."""
    groups = len(half_G)
    product_WG, sum_TG = np.ones((2, groups)), np.zeros((5, groups))
    for j in range(group_BA.shape[1]):
        for i in range(len(x_B)):
            g, x = group_BA[i, j], x_B[i]
            if not live_B[i] or not fitted_G[g]:
                continue
            whole = odds_BA[i, j] * shift_WG[0, g]
            half = np.sqrt(odds_BA[i, j]) * half_G[g] * shift_WG[1, g]
            q = whole / (1 + whole)
            v = q * (1 - q)
            sum_TG[0, g] += y_B[i] - q
            sum_TG[1, g] += (y_B[i] - q) * x
            sum_TG[2, g] += v
            sum_TG[3, g] += v * x
            sum_TG[4, g] += v * x * x
            one, other = product_WG[0, g] * (1 + whole), product_WG[1, g] * (1 + half)
            if one > LONG or other > LONG:
                gain_G[g] += np.log(one) - np.log(other)
                one, other = 1.0, 1.0
            product_WG[0, g], product_WG[1, g] = one, other
    for g in range(groups):
        if fitted_G[g]:
            yes, foretold = told_TG[1, g], told_TG[4, g]
            halved = 0.5 * foretold + yes * (np.log(half_G[g]) + np.log(shift_WG[1, g]))
            gain_G[g] += halved - foretold - yes * np.log(shift_WG[0, g])
            gain_G[g] += np.log(product_WG[0, g]) - np.log(product_WG[1, g])
            mean = sum_TG[3, g] / (sum_TG[2, g] + 1e-12)
            stat_SG[2, g] = sum_TG[1, g] - mean * sum_TG[0, g]
            stat_SG[3, g] = max(0.0, sum_TG[4, g] - mean * sum_TG[3, g])
            stat_SG[4, g] = mean


@compiled
def likelihood(x_N: Doubles, y_N: Doubles, level: float, slope: float) -> float:
    """Nats of these labels under the logit level + slope x; at most 0."""
    total = 0.0
    for i in range(len(x_N)):
        z = min(max(level + slope * x_N[i], -FAR), FAR)
        total += y_N[i] * z - max(z, 0.0) - np.log1p(np.exp(-abs(z)))
    return total


@compiled
def line(x_N: Doubles, y_N: Doubles, start_P: Doubles, held_P: Doubles, prior: float) -> Doubles:
    """(level, slope) of y on x by Newton's steps from `start_P`, lightly held to `held_P` at the middle of x: where
    clicks are rare logits are far from 0, and a slope that is about 0 would move the level with it."""
    middle = x_N.mean()
    a, b, held = start_P[0] + start_P[1] * middle, start_P[1], held_P[0] + held_P[1] * middle
    for _turn in range(8):
        g0, g1 = -prior * 0.1 * (a - held), -prior * (b - held_P[1])
        h00, h01, h11 = prior * 0.1, 0.0, prior
        for i in range(len(x_N)):
            x = x_N[i] - middle
            q = 1 / (1 + np.exp(-min(max(a + b * x, -FAR), FAR)))
            v = q * (1 - q)
            g0 += y_N[i] - q
            g1 += (y_N[i] - q) * x
            h00 += v
            h01 += v * x
            h11 += v * x * x
        d = h00 * h11 - h01 * h01
        da, db = (h11 * g0 - h01 * g1) / d, (h00 * g1 - h01 * g0) / d
        a += min(max(da, -2.0), 2.0)
        b += min(max(db, -2.0), 2.0)
        if abs(da) + abs(db) < 1e-4:
            break
    return np.array([a - b * middle, b])


@compiled
def ranked(x_N: Doubles, y_N: Doubles) -> float:
    """AUC, ties counted half; 0.5 where there is no yes or no no."""
    order_N = np.argsort(x_N)
    yes, no, won, at = 0.0, 0.0, 0.0, 0
    while at < len(x_N):
        up, down, value = 0.0, 0.0, x_N[order_N[at]]
        while at < len(x_N) and x_N[order_N[at]] == value:
            up += y_N[order_N[at]]
            down += 1 - y_N[order_N[at]]
            at += 1
        won += up * (no + 0.5 * down)
        yes += up
        no += down
    return won / (yes * no) if yes > 0 and no > 0 else 0.5


ALL: tuple[Any, ...] = (measure, plainly, likelihood, line, ranked)
"""What can be compiled before it is needed."""
