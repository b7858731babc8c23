"""What is usual of each group, and how much speaks against it by now. Decides whom to blame, but holds nobody.

The usual of a group is a pair (level, slope): its chance of a yes is sigmoid(level + slope x) at the live model's logit
x. Evidence is counted in nats, exactly, so it adds up over batches and asks for no size of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.guard.rules import STEPS, GuardRules
from learners.guard.words import Bools, Doubles, Kind, Longs
from learners.kernels.guarding import measure, ranked

PRIOR = 200.0
"""Clicks that a slice starts with, as if they had shown the usual of everyone."""
AFRESH = 100.0
"""Clicks behind the usual after a model was accepted: it still moves."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Nats [steps + 1, G] against the usual, and what its level and slope are followed by, [4, G]."""

    gain_KG: Doubles
    stat_SG: Doubles


def measured(x_B: Doubles, y_B: Doubles, group_BA: Longs, live_B: Bools, usual_PG: Doubles) -> Measured:
    """The evidence of these rows."""
    groups = usual_PG.shape[1]
    found = Measured(np.empty((len(STEPS) + 1, groups)), np.empty((4, groups)))
    measure(x_B, y_B, group_BA, live_B, usual_PG, np.array(STEPS), found.gain_KG, found.stat_SG)
    return found


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
        """Go with the rows that are learned, one step of Newton's over the memory."""
        residual_G, info_G, score_G, bend_G = stat_SG
        self.seen_G = self.seen_G + info_G
        self.memory_G = self.memory_G + info_G
        level_G = self.usual_PG[0] + residual_G / (info_G + np.minimum(self._rules.fade, self.memory_G + 5))
        slope_G = self.usual_PG[1] + score_G / (bend_G + np.minimum(self._rules.fade_rank, self.memory_G + 50))
        self.usual_PG = np.stack([level_G, np.clip(slope_G, 0.2, 3.0)])

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
            if share > 0.5:
                self.memory_G[other] = min(self.memory_G[other], AFRESH)
        self.usual_PG[:, group] = found_P
        self.memory_G[group] = min(self.memory_G[group], AFRESH)


@dataclass(frozen=True, slots=True)
class Blame:
    """Who is to be held, why, since when, and by which step of the level (0: by the ranking)."""

    group: int
    kind: Kind
    since: int
    step: float


class Suspicion:
    """Nats of all groups that have not fallen back to 0, and where they began (Page 1954)."""

    def __init__(self, groups: int, rules: GuardRules) -> None:
        self._rules = rules
        self.sum_KG: Doubles = np.zeros((len(STEPS) + 1, groups))
        self.onset_KG: Longs = np.zeros((len(STEPS) + 1, groups), np.int64)

    def forget(self) -> None:
        """After an alarm everything is counted anew."""
        self.sum_KG[:] = 0.0

    def blame(self, gain_KG: Doubles, *, slices: bool = False) -> Blame | None:
        """Whom to hold if these nats come to what is there: a slice only where it has more than the whole by a margin,
        or where `slices` alone are asked for. Takes nothing in."""
        sum_KG = np.maximum(0.0, self.sum_KG + gain_KG)
        if slices:
            sum_KG[:, 0] = 0.0
        kind, group = (int(at) for at in np.unravel_index(int(sum_KG.argmax()), sum_KG.shape))
        if sum_KG[kind, group] <= self._rules.alarm:
            return None
        if sum_KG[:, 0].max() > sum_KG[kind, group] - self._rules.margin and not slices:
            kind, group = int(sum_KG[:, 0].argmax()), 0
        since = int(self.onset_KG[kind, group])
        ranking = kind == len(STEPS)
        return Blame(group, "rank" if ranking else "level", since, 0.0 if ranking else STEPS[kind])

    def add(self, gain_KG: Doubles, batch: int) -> None:
        """Take in a batch that raised no alarm."""
        self.sum_KG = np.maximum(0.0, self.sum_KG + gain_KG)
        self.onset_KG = np.where(self.sum_KG > 0, self.onset_KG, batch + 1)
