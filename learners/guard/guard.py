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

CALM = 1.0
"""Nats that may speak against what is left without a slice, for that slice alone to be blamed."""


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
        self._usual = Usual(self.groups, self.rules)
        self._suspicion = Suspicion(self.groups, self.rules)
        self._lost = Lost(self.groups, self.rules)
        self._holds: dict[int, Hold] = {}

    @property
    def held(self) -> tuple[HeldView, ...]:
        """Groups that are not learned at present, the longest held first."""
        return tuple(hold.view(self._usual.usual_PG[:, group], self.rules) for group, hold in self._holds.items())

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
        logit_B, live_B, events = self._review(told, batch)
        found = None
        while live_B.any():
            found = measured(logit_B, told.value_B, told.group_BA, live_B, self._usual.usual_PG)
            blame = self._blame(found, told, logit_B, live_B)
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
            "batches": np.array([self.batches]),
            "usual": np.concatenate([usual.usual_PG, [usual.seen_G, usual.memory_G]]),
            "auc": np.array([usual.auc, usual.clicks]),
            "suspicion": self._suspicion.sum_KG.copy(),
            "onset": self._suspicion.onset_KG.copy(),
            "lost": self._lost.sum_WG.copy(),
        } | dumped([*self._holds.values()])

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave. ValueError where it had other groups."""
        groups = arrays["usual"].shape[1]
        if groups != self.groups:
            raise ValueError(f"the kept guard has {groups} groups, this one {self.groups}: use the same slices")
        usual = self._usual
        self.batches = int(arrays["batches"][0])
        usual.usual_PG, (usual.seen_G, usual.memory_G) = arrays["usual"][:2].copy(), arrays["usual"][2:].copy()
        usual.auc, usual.clicks = (float(figure) for figure in arrays["auc"])
        self._suspicion.sum_KG, self._suspicion.onset_KG = arrays["suspicion"].copy(), arrays["onset"].copy()
        self._lost.sum_WG = arrays["lost"].copy()
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
                self._usual.rebase(group, *hold.rebased(self.rules.fade, self.rules), told.group_BA)
                logit_B = shadow_B
        return logit_B, told.ok_B & ~self.holds(told.group_BA), events

    def _counted(self, found: Measured) -> Doubles:
        """Nats that count: none before the usual is known."""
        warm = self.batches > self.rules.warm and self._usual.seen_G[0] >= self.rules.warm_clicks
        return found.gain_KG if warm else np.full_like(found.gain_KG, -np.inf)

    def _blame(self, found: Measured, told: Told, logit_B: Doubles, live_B: Bools) -> Blame | None:
        blame = self._suspicion.blame(self._counted(found))
        if blame is not None and blame.group == 0:
            slice_blame = self._suspicion.blame(self._counted(found), slices=True)
            if slice_blame is not None:
                rest_B = live_B & ~(told.group_BA == slice_blame.group).any(axis=1)
                rest = measured(logit_B, told.value_B, told.group_BA[:, :1], rest_B, self._usual.usual_PG)
                if rest_B.any() and rest.gain_KG[:, 0].max() <= CALM:
                    return slice_blame
        lost = int(self._lost.sum_WG[0].argmax())
        if blame is None and self._lost.found[lost] and lost not in self._holds:
            return Blame(lost, "lost", self.batches - 1, 0.0)
        return blame

    def _hold(self, blame: Blame, told: Told, logit_B: Doubles, batch: int) -> Event:
        usual_P = self._usual.usual_PG[:, blame.group]
        hold = Hold(blame, batch, usual_P.copy(), usual_P.copy(), clean=batch + 1)
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
