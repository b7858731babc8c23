"""What is usual of each group, and how much speaks against it by now. Decides whom to blame, but holds nobody.

The usual of a group is a pair (level, slope): its chance of a yes is sigmoid(level + slope x) at the live model's logit
x. Evidence is counted in nats, exactly, so it adds up over batches and asks for no size of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.guard.rules import STEPS, GuardRules
from learners.guard.words import Bools, Doubles, Kind, Longs
from learners.kernels.guarding import measure, plainly, ranked

PRIOR = 50.0
"""Clicks that a slice starts with, as if they had shown the usual of everyone."""
SWAY = 0.05
"""Log odds by which a learner is off from batch to batch: it runs after the chance of the last ones."""
AFRESH = 100.0
"""Clicks behind the usual after a model was accepted: it still moves."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Nats [steps + 1, G] against the usual, and what its level and slope are followed by, [5, G]."""

    gain_KG: Doubles
    stat_SG: Doubles


def measured(x_B: Doubles, y_B: Doubles, group_BA: Longs, live_B: Bools, usual_PG: Doubles) -> Measured:
    """The evidence of these rows. A level speaks only so far as it does so against one that is off by `SWAY`, too, and
    against the predictions as they are: what was usual of a group is no measure where the model has come to be right.
    """
    groups, step_D = usual_PG.shape[1], np.array(STEPS)
    gain_KG, stat_SG = np.empty((len(STEPS) + 3, groups)), np.empty((5, groups))
    measure(x_B, y_B, group_BA, live_B, usual_PG, np.append(step_D, (-SWAY, SWAY)), gain_KG, stat_SG)
    down_G, up_G, rank_G = gain_KG[-3:]
    level_DG, plain_DG = gain_KG[:-3] - np.where(step_D[:, None] < 0, down_G, up_G), np.empty((len(STEPS), groups))
    plainly(x_B, y_B, group_BA, live_B, step_D, plain_DG)
    return Measured(np.concatenate([np.minimum(level_DG, plain_DG), rank_G[None]]), stat_SG)


class Usual:
    """(level, slope) of all groups, the information behind them, and the usual AUC."""

    def __init__(self, groups: int, rules: GuardRules) -> None:
        self._rules = rules
        self.usual_PG: Doubles = np.stack([np.zeros(groups), np.ones(groups)])
        self.seen_G, self.memory_G = np.zeros(groups), np.full(groups, PRIOR)
        self.memory_G[0] = 0.0
        self.auc, self.clicks = 0.5, 0.0

    def meet(self) -> None:
        """Groups that were never seen are judged by the usual of everyone."""
        if self.seen_G[0] > 0:
            self.usual_PG = np.where(self.seen_G == 0, self.usual_PG[:, :1], self.usual_PG)

    def follow(self, stat_SG: Doubles) -> None:
        """Go with the rows that are learned, one step of Newton's over the memory. The slope turns about the middle of
        their logits: about 0 it would move the level too, and far where clicks are rare."""
        residual_G, info_G, score_G, bend_G, middle_G = stat_SG
        self.seen_G = self.seen_G + info_G
        self.memory_G = self.memory_G + info_G
        level_G = self.usual_PG[0] + residual_G / (info_G + np.minimum(self._rules.fade, self.memory_G + 5))
        slope_G = self.usual_PG[1] + score_G / (bend_G + np.minimum(self._rules.fade_rank, self.memory_G + 50))
        slope_G = np.clip(slope_G, 0.2, 3.0)
        self.usual_PG = np.stack([level_G - (slope_G - self.usual_PG[1]) * middle_G, slope_G])

    def follow_auc(self, x_N: Doubles, y_N: Doubles) -> None:
        """The same for the AUC."""
        yes = float(y_N.sum())
        if 0 < yes < len(y_N):
            self.clicks = min(self.clicks + yes, self._rules.fade_rank)
            self.auc += yes / self.clicks * (ranked(x_N, y_N) - self.auc)

    def rebase(self, group: int, found_P: Doubles, middle: float, group_BA: Longs) -> None:
        """The usual of an accepted group is what was found at its shadow; others inherit by their share in it. Level
        and slope move together, about the middle logit."""
        old_P, whole_B = self.usual_PG[:, group].copy(), (group_BA == group).any(axis=1)
        moved = found_P[0] + found_P[1] * middle - old_P[0] - old_P[1] * middle
        for other in range(self.usual_PG.shape[1]):
            mine_B = (group_BA == other).any(axis=1)
            share = (mine_B & whole_B).sum() / max(mine_B.sum(), 1)
            level, slope = self.usual_PG[:, other]
            now = level + slope * middle + share * moved
            new = found_P[1] if group == 0 else slope
            self.usual_PG[:, other] = now - new * middle, new
        self.usual_PG[:, group] = found_P
        self.memory_G = np.minimum(self.memory_G, AFRESH)


@dataclass(frozen=True, slots=True)
class Blame:
    """Who is to be held, why, since when, and by which step of the level (0: by the ranking)."""

    group: int
    kind: Kind
    since: int
    step: float


class Suspicion:
    """Nats of all groups that have not fallen back to 0, where they began (Page 1954), and what the rest of the traffic
    said meanwhile: the other groups of the same axis, for the same change."""

    def __init__(self, groups: int, rules: GuardRules) -> None:
        self._rules = rules
        self.sum_KG: Doubles = np.zeros((len(STEPS) + 1, groups))
        self.rest_KG: Doubles = np.zeros_like(self.sum_KG)
        self.onset_KG: Longs = np.zeros(self.sum_KG.shape, np.int64)
        self.axis_G: Longs = np.zeros(groups, np.int64)

    def meet(self, group_BA: Longs) -> None:
        """Which axis a group is of; a row is in one of each."""
        for axis in range(1, group_BA.shape[1]):
            self.axis_G[group_BA[:, axis]] = axis

    def forget(self) -> None:
        """After an alarm everything is counted anew."""
        self.sum_KG[:] = 0.0
        self.rest_KG[:] = 0.0

    def blame(self, gain_KG: Doubles, *, thin: bool = False) -> Blame | None:
        """Whom to hold if these nats come to what is there: the slice with most of them where the rest of the traffic
        speaks against such a change, or says little beside it; everyone where it speaks for it. Where that is unclear
        and the batch is `thin`, the next one is waited for, until there is half as much evidence again. Takes nothing
        in."""
        sum_KG, rest_KG = self._with(gain_KG)
        most, alarm, margin = float(sum_KG.max()), self._rules.alarm, self._rules.margin
        if most <= alarm:
            return None
        every = int(sum_KG[:, 0].argmax())
        slice_KG = np.where(np.arange(sum_KG.shape[1]) > 0, sum_KG, 0.0)
        kind, group = (int(at) for at in np.unravel_index(int(slice_KG.argmax()), slice_KG.shape))
        if slice_KG[kind, group] <= alarm / 2:
            return self._blamed(every, 0)
        rest = float(rest_KG[slice_KG[:, group] > margin, group].max())
        rest -= max(0.0, float(slice_KG[kind, group]) - alarm) / 4
        if thin and abs(rest) < margin and most <= 1.5 * alarm:
            return None
        return self._blamed(kind, group) if rest <= 0 else self._blamed(every, 0)

    def _blamed(self, kind: int, group: int) -> Blame:
        since, ranking = int(self.onset_KG[kind, group]), kind == len(STEPS)
        return Blame(group, "rank" if ranking else "level", since, 0.0 if ranking else STEPS[kind])

    def add(self, gain_KG: Doubles, batch: int) -> None:
        """Take in a batch that raised no alarm."""
        self.sum_KG, self.rest_KG = self._with(gain_KG)
        self.onset_KG = np.where(self.sum_KG > 0, self.onset_KG, batch + 1)

    def _with(self, gain_KG: Doubles) -> tuple[Doubles, Doubles]:
        sum_KG: Doubles = np.maximum(0.0, self.sum_KG + gain_KG)
        axes = range(int(self.axis_G.max()) + 1)
        total_KA = np.stack([gain_KG[:, self.axis_G == axis].sum(axis=1) for axis in axes], axis=1)
        rest_KG = np.where(sum_KG > 0, self.rest_KG + total_KA[:, self.axis_G] - gain_KG, 0.0)
        return sum_KG, rest_KG
