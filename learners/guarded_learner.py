"""A learner behind a guard: each batch is judged before it is learned, and what is held is not learned.

Beside the live learner stands a shadow for each of the first holds, which learns what the live one does and what its
hold holds. Where a hold is accepted, its shadow becomes the live learner; where it returns, either too, if all that was
held proved to be sound, or the held stretch is `returned`, for the caller to mask in the log and to read again. Where
batches wait (`Terms.wait`), all of that happens to what leaves the line, and a hold takes in what still stands in it.
Writes no decision, reads no clock; what the evidence is worth is for `guard/` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learners.gathering import mark_of, restore
from learners.guard.words import Event
from learners.guard_terms import Terms, watched
from learners.guarded_gathering import SHADOW, STATE, GuardMark, GuardTaken, State, ahead, digest_of, folders_of, take
from learners.guarded_parts import HasState, read_into, written
from learners.held_rows import HeldRows, Hold, Returned, Stretch
from learners.judged_rows import broken_of, mended, names_of
from learners.judging import Judging
from learners.learner import Bools, Carries, HasValues, Learned, Learner, Scores
from learners.ordering import Batch, Counts
from learners.refusing import Ordered
from learners.shadows import carried, forked, learn_part
from learners.skew import Compares, Skew
from learners.waiting_rows import Line, Waits


class GuardedLearner:
    """The learners that `make` gives, live and shadows, and the guard before them."""

    def __init__(self, make: Callable[[], Learner], terms: Terms | None = None) -> None:
        self._make, self._terms = make, terms or Terms()
        self.live = make()
        self._judging = Judging(self._terms, watched(self._terms, self.live.labels, self.values))
        self._holds: dict[int, Hold] = {}
        self._line = Line(self._terms.wait)
        self._orders_taken = 0
        self._pending: tuple[Batch, Scores, Bools] | None = None
        self.returned: list[Returned] = []
        """What is to be masked since the caller last took it from here."""
        self.accepted: list[Returned] = []
        """What was held and is learned now, since the caller last took it from here."""
        self.held_B: Bools | None = None
        """Rows of the last batch that were not learned; None where all of them were."""
        self.left: tuple[Batch, Bools] | None = None
        """What the last call came to learn: a batch, maybe one that had waited, and which rows of it."""
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
        return self._judging.told(self._shadows) | {"broken": self.broken}

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
            for group, hold in self._holds.items():
                if self._judging.named(group) == (axis, value) and hold.shadow is not None:
                    self._judging.guard.order(group, order)
        self._orders_taken = max(self._orders_taken, len(orders))

    def count(self, counts: Iterable[Counts]) -> None:
        """What frames behind the last batch counted."""
        self._judging.telling.counted(counts)

    def learn(self, batch: Batch) -> Learned:
        """1. the batch is judged by what was known before it; 2. holds begin and end; 3. what is held is written down;
        4. of the batch that waited longest, which is this one where none wait, the live learner learns what is not
        held; 5. each shadow that, and what its hold holds."""
        if self._pending is None or self._pending[0] is not batch:
            self.score(batch)
        assert self._pending is not None
        (_, scores, broken_B), self._pending = self._pending, None
        self.broken += int(broken_B.sum())
        names_AB = names_of(batch)
        group_BA = self._judging.groups(names_AB)
        judged_B, barred_B = self._judging.judge(batch, scores, self._shadows, group_BA, names_AB)
        for event in self._judging.events:
            self._act(event)
        waits = Waits(self._judging.guard.batches - 1, batch, group_BA, judged_B, broken_B, barred_B)
        for group, hold in self._holds.items():
            hold.rows.add(waits.number, self._judging.telling.held(batch, group, waits.of(group) & judged_B, names_AB))
        free_B = waits.free(self._holds)
        self.held_B = None if free_B.all() else ~free_B
        return self._learn(self._line.add(waits))

    def mark(self) -> GuardMark | None:
        """This moment, where what was restored can be stood on."""
        live = mark_of(self.live)
        shadows = {group: (one, mark_of(one)) for group, one in self._shadows.items()}
        return None if live is None else GuardMark((self.live, live), shadows)

    def ahead(self, since: GuardMark | None) -> Callable[[], bool] | None:
        return ahead(self.live, self._shadows, since)

    def gather(self, since: GuardMark | None) -> GuardTaken:
        """What changed since a mark, or everything."""
        self._pending = None
        return take(self.live, self._shadows, self._state(), since)

    def snapshot(self, folder: Path) -> None:
        self._pending = None
        self.live.snapshot(folder)
        np.savez(folder / STATE, allow_pickle=False, **self._state())
        for group, shadow in self._shadows.items():
            (aside := folder / f"{SHADOW}{group}").mkdir()
            shadow.snapshot(aside)

    def restore(self, *folders: Path) -> None:
        """Become what was written last; what was written without a guard is watched by one from here on."""
        self._pending = None
        restore(self.live, folders)
        if not (folders[-1] / STATE).exists():
            return
        with np.load(folders[-1] / STATE, allow_pickle=False) as arrays:
            self._become(arrays, lambda group: self._restored(folders_of(group, folders)))

    def digest(self) -> str:
        return digest_of(self.live.digest(), self._state(), [one.digest() for one in self._shadows.values()])

    @property
    def _shadows(self) -> dict[int, Learner]:
        return {group: hold.shadow for group, hold in self._holds.items() if hold.shadow is not None}

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
            self._become(before._state(), lambda group: carried(before._holds[group].shadow, self._make))
        return changed

    def _learn(self, waits: Waits | None) -> Learned:
        """A batch whose time has come, by the holds that there are now."""
        self.left = None
        if waits is None:
            return Learned(0, True, 0.0, 0.0)
        free_B = waits.free(self._holds)
        self.left = waits.batch, free_B & ~waits.broken_B
        learned = learn_part(self.live, *self.left)
        for group, shadow in self._shadows.items():
            learn_part(shadow, waits.batch, (free_B | waits.of(group)) & ~waits.broken_B)
        return learned

    def _act(self, event: Event) -> None:
        """A hold without a shadow can only return, whatever is ordered, and is masked as a whole then."""
        if event.verdict == "hold":
            room = len(self._shadows) < self._terms.most_shadows
            self._holds[event.group] = hold = Hold(forked(self.live, self._make) if room else None)
            for waits in self._line:
                hold.rows.add(event.first, waits.places(event.group, self._judging.named(event.group)[0]))
            self._bind(event.group)
        elif event.verdict in ("accept", "return"):
            hold, axis = self._holds.pop(event.group), self._judging.named(event.group)[0]
            accepted, whole = event.verdict == "accept", hold.rows.before(None) or Stretch(0, {}, {}, set())
            if accepted:
                self.accepted.append(Returned(axis, whole, event.why))
            if (remains := hold.remains(event.clean, accepted=accepted)) is not None:
                self.returned.append(Returned(axis, remains, event.why))
                self._line.bar(event.group, event.clean)
            elif hold.shadow is not None:
                self._promote(event.group, hold.shadow)

    def _promote(self, group: int, shadow: Learner) -> None:
        self.live = shadow
        self._judging.telling.accepted(group)
        for other in self._shadows:
            self._holds[other].shadow, self._holds[other].since = (
                forked(shadow, self._make),
                self._judging.guard.batches - 1,
            )

    def _bind(self, group: int) -> None:
        if self._holds[group].shadow is None:
            self._judging.guard.order(group, "refuse")

    def _restored(self, folders: Sequence[Path]) -> Learner:
        restore(shadow := self._make(), folders)
        return shadow

    @property
    def _parts(self) -> dict[str, HasState]:
        """Who has a state, by how their arrays' names begin."""
        return self._judging.parts | {"line.": self._line}

    def _become(self, told: State, shadow_of: Callable[[int], Learner | None]) -> None:
        """What `_state` told, with these shadows."""
        document = read_into(self._parts, told)
        self._orders_taken, self.broken = document["orders_taken"], document["broken"]
        self._holds = {}
        for group, (shadowed, since, stretches) in document["holds"]:
            self._holds[group] = Hold(shadow_of(group) if shadowed else None, HeldRows.load(stretches), since)
            self._bind(group)

    def _state(self) -> State:
        holds = [[group, [one.shadow is not None, one.since, one.rows.dump()]] for group, one in self._holds.items()]
        return written(self._parts, {"holds": holds, "orders_taken": self._orders_taken, "broken": self.broken})


def live_of(learner: Learner) -> Learner:
    """The learner itself, without a guard."""
    return learner.live if isinstance(learner, GuardedLearner) else learner
