"""One group that is not learned for the time being: what was seen since, and whether it may end.

Two sums of nats tell that it is as before again: the usual against what fits the held rows, and against the step that
raised the alarm. A run of either begins with a batch that may be mixed, so that one is trusted only if it speaks
clearly for the usual by itself, and two are asked for. Decides; learns nothing and keeps no rows but logits and labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from learners.guard.evidence import Blame, measured
from learners.guard.rules import STEPS, GuardRules
from learners.guard.words import Doubles, HeldView, Order, Verdict
from learners.kernels.guarding import likelihood, line, ranked

ENOUGH, GAINS, PRIOR = 2000.0, 128, 4.0
"""Clicks that a fit needs at most; batches over which rankings are compared; how lightly a fit is held to its start."""
RUNS = 2
"""Batches of a return that are asked for."""
OFF = 0.2
"""Log odds from which a level is as much a part of a broken ranking as the ranking itself."""
EACH = 4
"""Held rows are fitted anew with each of the first so many batches, and then with every so-manieth: no dearer than a
step of the learner, however many rows are held."""


@dataclass(slots=True)
class Hold:
    """What is known of a held group. Batches are numbers; `window` holds (logit, shadow's logit, label) of the last."""

    blame: Blame
    first: int
    fit_P: Doubles
    window: list[Doubles] = field(default_factory=list)
    gains: list[tuple[float, float, float]] = field(default_factory=list)
    nats_W: Doubles = field(default_factory=lambda: np.zeros(2))
    run_W: Doubles = field(default_factory=lambda: np.zeros(2))
    clean_W: Doubles = field(default_factory=lambda: np.zeros(2))
    before_W: Doubles = field(default_factory=lambda: np.zeros(2))
    against: float = 0.0
    shown: float = 0.0
    proven: float = 0.0
    seen: int = 0
    asked: bool = False
    missing: bool = False
    order: Order | None = None
    clean: int = 0

    def review(self, told: tuple[Doubles, Doubles, Doubles], usual_P: Doubles, batch: int, rules: GuardRules) -> None:
        """Take in the held rows of one batch: logits [N], the shadow's, labels."""
        x_N, shadow_N, y_N = told
        found = measured(x_N, y_N, np.zeros((len(y_N), 1), np.int64), np.ones(len(y_N), np.bool_), usual_P[:, None])
        ranking = -float(found.gain_KG[-1, 0])
        self.proven += ranking
        against = self._against(found.gain_KG[:, 0], x_N, usual_P)
        self.against += against
        fits = likelihood(x_N, y_N, *usual_P) - likelihood(x_N, y_N, *self.fit_P)
        whole = found.gain_KG.max() <= -rules.back / 2
        self._run(np.array([fits, -against]) if self.seen else np.zeros(2), batch, whole=whole)
        self.shown -= fits
        self.seen += 1
        self.window.append(np.stack([x_N, shadow_N, y_N]))
        self.window = self._last(ENOUGH, rules.kept)
        if self.seen <= EACH or self.seen % EACH == 0:
            every = np.concatenate(self.window, axis=1)
            self.fit_P = line(every[0], every[2], self.fit_P, usual_P, PRIOR)
        if 0 < y_N.sum() < len(y_N):
            self.gains.append((float(y_N.sum()), ranked(x_N, y_N), ranked(shadow_N, y_N)))
            del self.gains[:-GAINS]

    def verdict(self, usual_P: Doubles, auc: float, *, missing: bool, batch: int, rules: GuardRules) -> Verdict | None:
        """Whether it ends with this batch; `missing`: clicks are being lost, says who counts them."""
        if self.order == "accept":
            return "accept"
        complete, self.missing = self.missing and not missing, missing
        if complete:
            self.clean = batch
            return "return"
        if not missing and self._returned(rules):
            return "return"
        if self.order != "refuse" and self.seen >= rules.hold and not missing and self._learnable(usual_P, auc, rules):
            return "accept"
        if missing and self.order != "refuse" and self.seen >= rules.ask and self.proven >= rules.back:
            return "accept"
        if self.seen >= rules.ask and not self.asked:
            self.asked = True
            return "ask"
        return None

    def moved(self, usual_P: Doubles) -> float:
        """Log of the factor of the odds, at the middle logit of the held rows."""
        middle = self.middle(0)
        return float(self.fit_P[0] + self.fit_P[1] * middle - usual_P[0] - usual_P[1] * middle)

    def middle(self, which: int) -> float:
        """The mean logit of the live model (0) or the shadow (1) over the window."""
        return float(np.concatenate(self.window, axis=1)[which].mean())

    def aucs(self) -> tuple[float, float]:
        """AUC of the live model and of the shadow, each click counting alike; 0.5 where none can be told."""
        if not self.gains:
            return 0.5, 0.5
        clicks, live, shadow = np.array(self.gains).T
        return float(clicks @ live / clicks.sum()), float(clicks @ shadow / clicks.sum())

    def rebased(self, clicks: float, rules: GuardRules) -> tuple[Doubles, float]:
        """(level, slope) at the shadow over about the last so many clicks, and the middle of its logits there."""
        every, last = (np.concatenate(part, axis=1) for part in (self.window, self._last(clicks, rules.kept)))
        whole_P = line(every[1], every[2], self.fit_P, self.fit_P, PRIOR)
        return line(last[1], last[2], whole_P, whole_P, PRIOR), float(last[1].mean())

    def view(self, usual_P: Doubles, rules: GuardRules) -> HeldView:
        """Plain figures."""
        moved, (live, shadow) = self.moved(usual_P), self.aucs()
        blame, until = self.blame, rules.ask if abs(self.moved(usual_P)) > np.log(rules.ratio) else rules.hold
        return HeldView(
            blame.group, "lost" if self.missing else blame.kind, blame.since, self.first, self.seen,
            float(np.exp(moved)), float(self.fit_P[1] / usual_P[1]), live, shadow, self.proven,
            max(0, until - self.seen), self.order,
        )  # fmt: skip

    def _against(self, gain_K: Doubles, x_N: Doubles, usual_P: Doubles) -> float:
        """Nats of a batch against the usual, for what raised the alarm: the ranking, and the step of the level that is
        nearest to the held rows so far. Rows that moved by half as much as a step speak neither for it nor against it,
        and would pass for the usual by chance."""
        step = self.blame.step
        level, slope = self.fit_P - usual_P
        moved = float(level + slope * x_N.mean()) if self.seen else step
        signed = [other for other in STEPS if other * (step or moved) > 0]
        nearest = gain_K[STEPS.index(min(signed, key=lambda other: abs(other - moved)))] if signed else -np.inf
        if step:
            return float(nearest)
        return float(max(gain_K[-1], nearest if abs(moved) > OFF else -np.inf))

    def _run(self, gain_W: Doubles, batch: int, *, whole: bool) -> None:
        """The batch in which a run begins is no part of what is clean, but where it is as usual as a `whole`."""
        self.nats_W = np.maximum(0.0, self.nats_W + gain_W)
        self.run_W = np.where(self.nats_W > 0, self.run_W + 1, 0)
        begins_W = self.run_W <= 1
        self.clean_W = np.where(begins_W, batch + (not whole), self.clean_W)
        self.before_W = np.where(begins_W, max(self.against, self.shown), self.before_W)

    def _returned(self, rules: GuardRules) -> bool:
        """Rows before the run are learned too where they speak for nothing: it was a false alarm."""
        which = int(self.nats_W.argmax())
        if self.nats_W[which] <= rules.back or self.run_W[which] < RUNS:
            return False
        false = self.blame.kind != "lost" and self.before_W[which] < rules.alarm
        self.clean = self.first if false else int(self.clean_W[which])
        return True

    def _learnable(self, usual_P: Doubles, auc: float, rules: GuardRules) -> bool:
        """A moved level whose ranking is proven, or a new ranking that the shadow has learned; never a reversed one."""
        moved = abs(self.moved(usual_P))
        far, late = moved > np.log(rules.ratio), self.seen >= rules.ask
        if self.proven >= rules.back and (late or not (far or self.blame.kind == "lost")):
            return True
        return not far and self.fit_P[1] > -0.25 * usual_P[1] and self._relearned(auc, late, rules)

    def _relearned(self, auc: float, late: bool, rules: GuardRules) -> bool:
        if not self.gains:
            return False
        clicks, live, shadow = np.array(self.gains).T
        won = clicks * (shadow - live)
        if not won.any() or won.sum() < 5 * np.sqrt((won**2).sum()):
            return False
        before, after = self.aucs()
        return late or after - before >= rules.regained * (auc - before)

    def _last(self, clicks: float, most: int) -> list[Doubles]:
        """The newest batches, as many as have so many clicks."""
        took, seen = 0, 0.0
        while took < min(len(self.window), most) and seen < clicks:
            took += 1
            seen += float(self.window[-took][2].sum())
        return self.window[-took:] if took else []
