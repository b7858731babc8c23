"""Challengers beside a learner of batches: which rows they see, as which texts; frozen copies on the same rows; and
alarms of slow drift, of all rows.

Beside `rival_features.py` the only file that knows both examples and challengers. One label, the first that is foreseen
as a chance. Called after the live model scored and learned, and before a next batch; a refused batch is not for here.
Nothing here stops a trainer: what errs is out, with its reason, and the rest goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from learners.challengers import Challengers
from learners.drift_alarms import Alarm, DriftAlarms
from learners.frozen_copies import FrozenCopies, forgotten
from learners.gathering import Taken
from learners.keeping import under
from learners.learner import Bools, Ints, Learner, Scores
from learners.ordering import Batch, Example
from learners.rival_features import features_of
from learners.rivals import Arrays, Held, Popularity
from learners.river_linear import RiverFtrl
from learners.standings import gauges, standings

WAIT = 1024
"""Rows that wait to be scored by the copies together: a call costs as much as fifty rows."""
RIVALS, COPIES, ALARMS = "rivals", "copies", "drift alarms"
"""What may be out as a whole."""
STATE, FROZEN = "challengers.npz", "frozen"


class RidingAlong:
    """River's FTRL and popularity on every `every`-th row, frozen copies of the live model on the same, where there are
    some, and alarms.

    `column` is that of `label` among those of the scores.
    """

    def __init__(
        self,
        label: str,
        *,
        column: int = 0,
        every: int = 8,
        context: Sequence[str] = (),
        frozen: FrozenCopies | None = None,
    ) -> None:
        self.label = label
        self._every, self._column, self._context, self._frozen = every, column, tuple(context), frozen
        self._begin()

    def _begin(self) -> None:
        """Nothing was seen."""
        self.challengers = Challengers({"river ftrl": RiverFtrl(), "popularity": Popularity()}, every=self._every)
        self.alarms = DriftAlarms()
        self.heard: tuple[Alarm, ...] = ()
        """The alarms of the last batch."""
        self.out: dict[str, str] = {}
        """What is out as a whole, and why."""
        self._waiting: list[tuple[Example, float, float]] = []
        self._told_of_copies: Arrays = {}

    def see(self, batch: Batch, scores: Scores, live: Learner) -> None:
        """A batch that the live model scored, and learned since."""
        self.heard = ()
        self._try(ALARMS, partial(self._hear, batch, scores))
        self._try(RIVALS, partial(self._meet, batch, scores))
        self._try(COPIES, partial(self._renew, batch, live))

    def table(self) -> list[dict[str, Any]]:
        """Who wins; what is out as a whole stands at the end."""
        self._try(COPIES, self._compare)
        gone = [{"name": name, "n": 0, "verdict": f"out: {why}"} for name, why in self.out.items()]
        return [*self.challengers.table(), *gone]

    def told(self) -> dict[str, Any]:
        """What a status says: who wins, which errors moved, and how often one did."""
        lines = standings(self.table())
        return {"label": self.label, "table": lines, "alarms": self.alarms.told()}

    def mark(self) -> None:
        """From here on `since` counts."""
        self.challengers.mark()

    def carry(self, before: RidingAlong) -> None:
        """Go on with what others saw under other settings; rows are told by these, and read by these."""
        before._try(COPIES, before._compare)
        self.challengers, self.alarms, self.out = before.challengers, before.alarms, dict(before.out)
        if self._frozen is not None and before._frozen is not None:
            self._try(COPIES, partial(self._frozen.carry, before._frozen))

    def ahead(self) -> Callable[[], bool] | None:
        """What copies frozen copies ahead of `held`, where that is needed."""
        return self._frozen.ahead() if self._frozen is not None and COPIES not in self.out else None

    def held(self) -> Callable[[Path], None]:
        """What writes everything as it is now, into a folder, whenever and wherever that is called."""
        copies: list[tuple[str, Taken]] = []
        self._try(COPIES, self._compare)
        if (frozen := self._frozen) is not None:
            self._try(COPIES, lambda: copies.extend(frozen.held()))
        state = self._held()

        def write(folder: Path) -> None:
            for place, copy in copies:
                copy.write(folder / FROZEN / place, None)
            np.savez(folder / STATE, allow_pickle=False, **state())

        return write

    def snapshot(self, folder: Path) -> None:
        """Write everything."""
        self.held()(folder)

    def restore(self, folder: Path) -> None:
        """Become what `snapshot` wrote; nothing was seen where it can't be read, or there is nothing."""
        self._begin()
        if not (folder / STATE).exists():
            return
        try:
            with np.load(folder / STATE, allow_pickle=False) as arrays:
                self.load(dict(arrays))
            if self._frozen is not None and self._told_of_copies and COPIES not in self.out:
                self._try(COPIES, partial(self._frozen.load, self._told_of_copies, folder / FROZEN))
        except Exception as error:
            self._begin()
            self.out["what was seen before"] = _told(error)

    def state(self) -> Arrays:
        """Everything but the frozen copies."""
        self._try(COPIES, self._compare)
        return self._held()()

    def _held(self) -> Held:
        challengers = self.challengers.held()
        arrays = {f"alarms//{name}": array for name, array in self.alarms.state().items()}
        arrays |= {f"copies//{name}": array for name, array in (self._frozen.state() if self._frozen else {}).items()}
        arrays["riding//out"] = np.frombuffer(json.dumps(self.out).encode(), np.uint8)
        return lambda: challengers() | arrays

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave; of older ones, without alarms and copies."""
        self.challengers.load({name: array for name, array in arrays.items() if "//" not in name})
        if "riding//out" in arrays:
            self.out = json.loads(arrays["riding//out"].tobytes())
            self.alarms.load(under("alarms//", arrays))
        self._told_of_copies = under("copies//", arrays)

    def _hear(self, batch: Batch, scores: Scores) -> None:
        label_B = np.array([example.row.kind == "label" for example in batch.examples], np.bool_)
        if scores.shown is not None:
            label_B = scores.shown.label_B
        counted_B: Bools = label_B & scores.decided_BL[:, self._column] & (scores.weight_B > 0)
        told = (
            part_BL[counted_B, self._column].astype(np.float64) for part_BL in (scores.probability_BL, scores.value_BL)
        )
        if counted_B.any():
            self.heard = tuple(self.alarms.see(*told))

    def _meet(self, batch: Batch, scores: Scores) -> None:
        at_N = self._rows(batch, scores)
        examples = [batch.examples[at] for at in at_N.tolist()]
        value_N = scores.value_BL[at_N, self._column].astype(np.float64)
        live_N = scores.probability_BL[at_N, self._column].astype(np.float64)
        self.challengers.meet([features_of(example, self._context) for example in examples], value_N, live_N)
        if self._frozen is not None and self._frozen.copies and COPIES not in self.out:
            self._waiting += zip(examples, value_N.tolist(), live_N.tolist(), strict=True)
        for example in batch.examples:
            if example.row.kind == "forget":
                self.challengers.forget(example.row.example)

    def _renew(self, batch: Batch, live: Learner) -> None:
        """1. rows that wait are scored before a copy changes; 2. copies forget; 3. those whose time has come go."""
        if self._frozen is None or not batch.examples:
            return
        told, at = forgotten(batch), max(example.row.decided_at for example in batch.examples)
        if len(self._waiting) >= WAIT or told or self._frozen.due(live.rows_learned, at):
            self._compare()
        if told:
            self._frozen.forget(told)
        self._frozen.learned(live, at)

    def _compare(self) -> None:
        """The copies score what waits."""
        waiting, self._waiting = self._waiting, []
        if self._frozen is None or not waiting:
            return
        batch = Batch(tuple(example for example, _, _ in waiting), 0)
        value_N, live_N = (np.array([row[at] for row in waiting], np.float64) for at in (1, 2))
        for name, copy in self._frozen.copies.items():
            said_N = copy.score(batch).probability_BL[:, self._column].astype(np.float64)
            self.challengers.compare(name, value_N, live_N, said_N)

    def _rows(self, batch: Batch, scores: Scores) -> Ints:
        at_N = self.challengers.taken([example.row.example for example in batch.examples])
        label_N = np.array([batch.examples[at].row.kind == "label" for at in at_N.tolist()], np.bool_)
        counted_N: Bools = label_N & scores.decided_BL[at_N, self._column] & (scores.weight_B[at_N] > 0)
        kept_N: Ints = at_N[counted_N]
        return kept_N

    def _try(self, name: str, act: Callable[[], None]) -> None:
        """Do it; who errs is out from then on."""
        if name in self.out:
            return
        try:
            act()
        except Exception as error:
            self.out[name] = _told(error)
            if name == COPIES and self._frozen is not None:
                self._frozen.copies, self._waiting = {}, []


def reported(riding: RidingAlong | None, batch: bool, committed: bool) -> dict[str, Any]:
    """What a trainer reports of a turn that learned a batch, or committed a version."""
    if riding is None:
        return {}
    heard = {"alarms": tuple(one.sentence for one in riding.heard)} if batch else {}
    if not committed:
        return heard
    told = riding.told()
    return heard | {"challengers": told, "challenger": gauges(told["table"]), "drift_alarms": told["alarms"]["count"]}


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
