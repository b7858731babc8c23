"""Judges batches before they are learned: which rows may be, which groups are held, and when a hold ends.

Suspicion is summed by group; the smallest group that explains it is held, the rest goes on. A hold ends by itself: it
returns to what was usual, or it lasts and can be learned. Learns nothing itself, and knows no clock but its batches.
"""

from __future__ import annotations

import numpy as np

from learners.guard.evidence import Blame, Measured, Suspicion, Usual, measured
from learners.guard.holds import Hold
from learners.guard.kept_holds import dumped, loaded
from learners.guard.lost import Lost
from learners.guard.rules import GuardRules
from learners.guard.sentences import sentence
from learners.guard.slices import Slices
from learners.guard.words import Bools, Doubles, Event, HeldView, Judged, Longs, Order, Told, Verdict
from learners.keeping import Arrays

SETTLE = 8
"""Batches after an accept in which nothing is held: another model is live, and what is usual of it is not known yet."""

THIN = 50.0
"""Clicks of a batch, below which it costs little to wait for another before somebody is blamed."""


class Guard:
    """The guard of one label over so many groups, group 0 being everyone.

    >>> guard, random = Guard(1), np.random.default_rng(0)
    >>> x = random.normal(-2, 1, 1000)
    >>> y = (random.random(1000) < 1 / (1 + np.exp(-x))).astype(float)
    >>> told = Told(x, None, y, np.zeros((1000, 1), np.int64), np.ones(1000, bool))
    >>> bool(guard.judge(told).live_B.all()), guard.held
    (True, ())
    """

    def __init__(self, groups: int | Slices, rules: GuardRules | None = None) -> None:
        self.rules = rules or GuardRules()
        self.groups = groups if isinstance(groups, int) else groups.most_groups
        self.batches = 0
        self._settled = 0
        self._usual = Usual(self.groups, self.rules)
        self._suspicion = Suspicion(self.groups, self.rules)
        self._lost = Lost(self.groups, self.rules)
        self._holds: dict[int, Hold] = {}

    @property
    def held(self) -> tuple[HeldView, ...]:
        """Groups that are not learned at present, the longest held first."""
        return tuple(hold.view(self._usual.usual_PG[:, group], self.rules) for group, hold in self._holds.items())

    @property
    def holding(self) -> tuple[int, ...]:
        """The groups alone: cheap enough to be asked for at each batch."""
        return tuple(self._holds)

    def holds(self, group_BA: Longs) -> Bools:
        """Rows that belong to a held group."""
        held_B = np.zeros(len(group_BA), np.bool_)
        for group in self._holds:
            held_B |= (group_BA == group).any(axis=1)
        return held_B

    def order(self, group: int, order: Order | None) -> None:
        """What an operator decides of a held group: at its next batch it is learned, or it is held until it returns.
        None takes the order back. ValueError where the group is not held."""
        if group not in self._holds:
            raise ValueError(
                f"group {group} is not held, held are {sorted(self._holds)}: the hold may have ended by now"
            )
        self._holds[group].order = order

    def judge(self, told: Told) -> Judged:
        """One batch, before it is learned. 1. held groups are reviewed; 2. what is left is judged, and again without
        the group that is to blame; 3. what may be learned moves the usual."""
        batch, self.batches = self.batches, self.batches + 1
        self._check(told)
        self._lost.add(told.announced_G, told.delivered_G, explained=0 in self._holds)
        self._usual.meet()
        self._suspicion.meet(told.group_BA)
        logit_B, live_B, events = self._review(told, batch)
        found = None
        while live_B.any():
            found = measured(logit_B, told.value_B, told.group_BA, live_B, self._usual.usual_PG)
            blame = self._blame(found)
            if blame is None:
                self._suspicion.add(self._counted(found), batch)
                break
            events.append(self._hold(blame, told, logit_B, batch))
            live_B = live_B & ~(told.group_BA == blame.group).any(axis=1)
        if found is not None and live_B.any():
            self._usual.follow(found.stat_SG)
            self._usual.follow_auc(logit_B[live_B], told.value_B[live_B])
        return Judged(live_B, told.ok_B & self.holds(told.group_BA), tuple(events))

    def state(self) -> Arrays:
        """Everything, in arrays."""
        usual = self._usual
        return {
            "batches": np.array([self.batches, self._settled]),
            "usual": np.concatenate([usual.usual_PG, [usual.seen_G, usual.memory_G]]),
            "auc": np.array([usual.auc, usual.clicks]),
            "suspicion": np.stack([self._suspicion.sum_KG, self._suspicion.rest_KG]),
            "onset": self._suspicion.onset_KG.copy(),
            "axis": self._suspicion.axis_G.copy(),
            "lost": np.concatenate([self._lost.sum_WG, [self._lost.granted_G]]),
        } | dumped([*self._holds.values()])

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave. ValueError where it had other groups."""
        groups = arrays["usual"].shape[1]
        if groups != self.groups:
            raise ValueError(f"the kept guard has {groups} groups, this one {self.groups}: use the same slices")
        kept, known = arrays["suspicion"].shape, (2, *self._suspicion.sum_KG.shape)
        if kept != known:
            raise ValueError(f"the kept guard sums nats in {kept}, this one in {known}: it was kept by another release")
        usual = self._usual
        self.batches, self._settled = (int(number) for number in arrays["batches"])
        usual.usual_PG, (usual.seen_G, usual.memory_G) = arrays["usual"][:2].copy(), arrays["usual"][2:].copy()
        usual.auc, usual.clicks = (float(figure) for figure in arrays["auc"])
        suspicion = self._suspicion
        suspicion.sum_KG, suspicion.rest_KG = arrays["suspicion"].copy()
        suspicion.onset_KG, suspicion.axis_G = arrays["onset"].copy(), arrays["axis"].copy()
        self._lost.sum_WG, self._lost.granted_G = arrays["lost"][:2].copy(), arrays["lost"][2] > 0
        self._holds = {hold.blame.group: hold for hold in loaded(arrays)}

    def _check(self, told: Told) -> None:
        highest = int(told.group_BA.max(initial=0))
        if highest >= self.groups:
            raise ValueError(f"a row is of group {highest}, the guard has {self.groups}: give it the slices' number")

    def _review(self, told: Told, batch: int) -> tuple[Doubles, Bools, list[Event]]:
        """Logits to judge by, rows that are in no hold, and what ended."""
        logit_B, events = told.logit_B, []
        shadow_B = told.logit_B if told.shadow_B is None else told.shadow_B
        for group, hold in [*self._holds.items()]:
            rows_B = told.ok_B & (told.group_BA == group).any(axis=1)
            if not rows_B.any():
                continue
            usual_P = self._usual.usual_PG[:, group]
            hold.review((told.logit_B[rows_B], shadow_B[rows_B], told.value_B[rows_B]), usual_P, batch, self.rules)
            missing = bool(self._lost.found[group])
            verdict = hold.verdict(usual_P, self._usual.auc, missing=missing, batch=batch, rules=self.rules)
            if verdict is None:
                continue
            events.append(self._event(verdict, hold))
            if verdict != "ask":
                del self._holds[group]
                self._suspicion.forget()
            if verdict == "accept":
                self._lost.grant(group)
                self._usual.rebase(group, *hold.rebased(self.rules.fade, self.rules), told.group_BA)
                self._settled = batch + SETTLE
                logit_B = np.where(rows_B, shadow_B, logit_B) if self._holds else shadow_B
        return logit_B, told.ok_B & ~self.holds(told.group_BA), events

    def _counted(self, found: Measured) -> Doubles:
        """Nats that count: none before the usual is known, and none while a model that was accepted comes to rest."""
        warm = self.batches > max(self.rules.warm, self._settled) and self._usual.seen_G[0] >= self.rules.warm_clicks
        return found.gain_KG if warm else np.zeros_like(found.gain_KG)

    def _blame(self, found: Measured) -> Blame | None:
        blame = self._suspicion.blame(self._counted(found), thin=bool(found.stat_SG[1, 0] < THIN))
        lost = int(self._lost.sum_WG[0].argmax())
        if blame is None and self._lost.found[lost] and lost not in self._holds:
            return Blame(lost, "lost", self.batches - 1, 0.0)
        return blame

    def _hold(self, blame: Blame, told: Told, logit_B: Doubles, batch: int) -> Event:
        usual_P = self._usual.usual_PG[:, blame.group]
        hold = Hold(blame, batch, usual_P.copy(), clean=batch + 1)
        self._holds[blame.group] = hold
        self._suspicion.forget()
        rows_B = told.ok_B & (told.group_BA == blame.group).any(axis=1)
        hold.missing = bool(self._lost.found[blame.group])
        hold.review((logit_B[rows_B], logit_B[rows_B], told.value_B[rows_B]), usual_P, batch, self.rules)
        return self._event("hold", hold)

    def _event(self, verdict: Verdict, hold: Hold) -> Event:
        view = hold.view(self._usual.usual_PG[:, hold.blame.group], self.rules)
        return Event(
            verdict, view.group, view.kind, view.since, view.first, hold.clean, view.seen, view.factor, view.slope,
            view.auc_live, view.auc_shadow, sentence(verdict, view, hold.clean),
        )  # fmt: skip
