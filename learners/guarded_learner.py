"""A learner behind a guard: each batch is judged before it is learned, and what is held is not learned.

Beside the live learner stands a shadow for each of the first holds, which learns what the live one does and what its
hold holds. Where a hold is accepted, its shadow becomes the live learner; where it returns, either too, if all that was
held proved to be sound, or the held stretch is `returned`, for the caller to mask in the log and to read again.
Writes no decision, reads no clock; what the evidence is worth is for `guard/` to say.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from learners.guard.guard import Guard
from learners.guard.slices import Slices
from learners.guard.words import Event, Told
from learners.guard_terms import Terms, watched
from learners.held_rows import HeldRows, Hold, Returned
from learners.judged_rows import AXES, broken_of, evidence_of, facts_of, logits, mended, names_of
from learners.keeping import under
from learners.learner import Bools, Carries, HasValues, Ints, Learned, Learner, Scores
from learners.ordering import Batch
from learners.refusing import Ordered
from learners.skew import Compares, Skew

STATE, SHADOW = "guard.npz", "shadow-"


class GuardedLearner:
    """The learners that `make` gives, live and shadows, and the guard before them."""

    def __init__(self, make: Callable[[], Learner], terms: Terms | None = None) -> None:
        self._make, self._terms = make, terms or Terms()
        self.live = make()
        self._at = watched(self._terms, self.live.labels, self.values)
        self._slices = Slices()
        self._guard = Guard(self._slices, self._terms.rules)
        self._holds: dict[int, Hold] = {}
        self._orders_taken = 0
        self._pending: tuple[Batch, Scores, Bools] | None = None
        self.events: tuple[Event, ...] = ()
        """What the last batch changed."""
        self.returned: list[Returned] = []
        """What is to be masked since the caller last took it from here."""
        self.held_B: Bools | None = None
        """Rows of the last batch that were not learned; None where all of them were."""
        self.broken = 0
        """Rows that were dropped since the beginning: a label or a weight that is no number."""

    @property
    def labels(self) -> tuple[str, ...]:
        return self.live.labels

    @property
    def values(self) -> frozenset[str]:
        return self.live.values if isinstance(self.live, HasValues) else frozenset()

    @property
    def rows_learned(self) -> int:
        return self.live.rows_learned

    @property
    def skew(self) -> Skew:
        """How served and learned features differ; empty where the live learner does not compare them."""
        return self.live.skew if isinstance(self.live, Compares) else Skew()

    def told(self) -> dict[str, Any]:
        """What is held, what the last batch changed and how many rows were dropped, as plain figures."""
        names = ("axis", "value")
        held, changed = (
            [asdict(one) | dict(zip(names, self.named(one.group), strict=True)) for one in ones]
            for ones in (self._guard.held, self.events)
        )
        return {"held": held, "changed": changed, "broken": self.broken}

    def named(self, group: int) -> tuple[str, str]:
        """Axis and value of a group; two empty texts for "all"."""
        return self._slices.name(group) if group else ("", "")

    def score(self, batch: Batch) -> Scores:
        """What the live learner says; broken rows decide nothing."""
        broken_B = broken_of(batch)
        scores = mended(self.live.score(batch), broken_B)
        self._pending = batch, scores, broken_B
        return scores

    def order(self, orders: Sequence[Ordered]) -> None:
        """All orders that were ever given and hold by now: axis, value, and `accept` or `refuse`. Each is followed
        once, by the hold of that slice that there is then."""
        for axis, value, order in orders[self._orders_taken :]:
            for group in self._holds:
                if self.named(group) == (axis, value):
                    self._guard.order(group, order)
        self._orders_taken = max(self._orders_taken, len(orders))

    def learn(self, batch: Batch) -> Learned:
        """1. the batch is judged by what was known before it; 2. holds begin and end; 3. the live learner learns what
        is not held; 4. each shadow that, and what its hold holds; 5. what is held is written down."""
        if self._pending is None or self._pending[0] is not batch:
            self.score(batch)
        assert self._pending is not None
        (_, scores, broken_B), self._pending = self._pending, None
        self.broken += int(broken_B.sum())
        names_AB = names_of(batch)
        group_BA = self._slices.groups(names_AB)
        judged_B = evidence_of(batch, scores, self._at)
        live_J, self.events = self._judge(batch, scores, group_BA, judged_B)
        for event in self.events:
            self._act(event)
        facts_B = facts_of(batch)
        mine_HB = {group: (group_BA == group).any(axis=1) & ~facts_B for group in self._holds}
        free_B = ~np.any([*mine_HB.values(), np.zeros_like(facts_B)], axis=0)
        free_B[judged_B] = live_J
        learned = _learn(self.live, batch, free_B & ~broken_B)
        self.held_B = None if free_B.all() else ~free_B
        for group, hold in self._holds.items():
            if hold.shadow is not None:
                _learn(hold.shadow, batch, (free_B | mine_HB[group]) & ~broken_B)
            axis = self.named(group)[0]
            held = np.flatnonzero(mine_HB[group] & ~free_B)
            names = [names_AB[AXES.index(axis)][i] if axis else "" for i in held]
            hold.rows.add(self._guard.batches - 1, zip([batch.examples[i] for i in held], names, strict=True))
        return learned

    def snapshot(self, folder: Path) -> None:
        self._pending = None
        self.live.snapshot(folder)
        np.savez(folder / STATE, allow_pickle=False, **self._state())
        for group, hold in self._holds.items():
            if hold.shadow is not None:
                (aside := folder / f"{SHADOW}{group}").mkdir()
                hold.shadow.snapshot(aside)

    def restore(self, folder: Path) -> None:
        """Become what `snapshot` wrote; what was written without a guard is watched by one from here on."""
        self._pending = None
        self.live.restore(folder)
        if not (folder / STATE).exists():
            return
        with np.load(folder / STATE, allow_pickle=False) as arrays:
            told = dict(arrays)
        document = json.loads(told.pop("document").tobytes())
        self._slices.load(under("slices.", told))
        self._guard.load(under("guard.", told))
        self._orders_taken, self.broken = document["orders_taken"], document["broken"]
        self._holds = {}
        for group, (shadowed, stretches) in document["holds"]:
            shadow = self._make() if shadowed else None
            if shadow is not None:
                shadow.restore(folder / f"{SHADOW}{group}")
            self._holds[group] = Hold(shadow, HeldRows.load(stretches))

    def digest(self) -> str:
        hashed = hashlib.sha256(self.live.digest().encode())
        for name, array in sorted(self._state().items()):
            hashed.update(f"{name}{array.shape}{array.dtype}".encode() + array.tobytes())
        for hold in self._holds.values():
            hashed.update(hold.shadow.digest().encode() if hold.shadow else b"")
        return hashed.hexdigest()

    def export(self, folder: Path, *, version: int) -> None:
        self._pending = None
        self.live.export(folder, version=version)

    def carry(self, before: Learner) -> dict[str, list[str]]:
        """Become what `before` learned, with its holds; see `Carries`."""
        told = before.live if isinstance(before, GuardedLearner) else before
        if not isinstance(self.live, Carries):
            raise ValueError("the features of this learner can't be changed while it lives")
        changed = self.live.carry(told)
        if isinstance(before, GuardedLearner):
            self._slices.load(before._slices.state())
            self._guard.load(before._guard.state())
            self._orders_taken, self.broken = before._orders_taken, before.broken
            self._holds = {group: Hold(self._carried(hold.shadow), hold.rows) for group, hold in before._holds.items()}
        return changed

    def _carried(self, before: Learner | None) -> Learner | None:
        shadow = self._make()
        if before is None or not isinstance(shadow, Carries):
            return None
        shadow.carry(before)
        return shadow

    def _judge(self, batch: Batch, scores: Scores, group_BA: Ints, judged_B: Bools) -> tuple[Bools, tuple[Event, ...]]:
        logit_B = logits(scores.probability_BL[:, self._at])
        shadow_B = logit_B.copy()
        for group, hold in self._holds.items():
            if hold.shadow is not None:
                mine = (group_BA == group).any(axis=1)
                shadow_B[mine] = logits(hold.shadow.score(batch).probability_BL[:, self._at])[mine]
        value_J = (scores.value_BL[judged_B, self._at] > 0).astype(np.float64)
        judged = self._guard.judge(
            Told(
                logit_B[judged_B],
                shadow_B[judged_B] if self._holds else None,
                value_J,
                group_BA[judged_B],
                np.isfinite(logit_B[judged_B]),
            )
        )
        return judged.live_B, judged.events

    def _act(self, event: Event) -> None:
        if event.verdict == "hold":
            room = sum(hold.shadow is not None for hold in self._holds.values()) < self._terms.most_shadows
            self._holds[event.group] = Hold(self._fork() if room else None)
        elif event.verdict in ("accept", "return"):
            hold = self._holds.pop(event.group)
            stretch = hold.rows.before(event.clean) if event.verdict == "return" else None
            if stretch is not None:
                self.returned.append(Returned(self.named(event.group)[0], stretch, event.why))
            elif hold.shadow is not None:
                self.live = hold.shadow
                for other in self._holds.values():
                    other.shadow = self._fork() if other.shadow is not None else None

    def _fork(self) -> Learner:
        """A learner that knows what the live one knows."""
        shadow = self._make()
        with tempfile.TemporaryDirectory() as folder:
            self.live.snapshot(Path(folder))
            shadow.restore(Path(folder))
        return shadow

    def _state(self) -> dict[str, Any]:
        holds = [[group, [hold.shadow is not None, hold.rows.dump()]] for group, hold in self._holds.items()]
        document = {"holds": holds, "orders_taken": self._orders_taken, "broken": self.broken}
        told = {f"slices.{name}": array for name, array in self._slices.state().items()}
        told |= {f"guard.{name}": array for name, array in self._guard.state().items()}
        return told | {"document": np.frombuffer(json.dumps(document, sort_keys=True).encode(), np.uint8)}


def _learn(learner: Learner, batch: Batch, part_B: Bools) -> Learned:
    if part_B.all():
        return learner.learn(batch)
    part = tuple(batch.examples[i] for i in np.flatnonzero(part_B))
    return learner.learn(Batch(part, batch.horizon))


def live_of(learner: Learner) -> Learner:
    """The learner itself, without a guard."""
    return learner.live if isinstance(learner, GuardedLearner) else learner
