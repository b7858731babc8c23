"""Frozen copies of the live model: what would be served by one that is trained each hour, or each day.

A copy is taken anew when event time goes over a whole multiple of its age, after the batch that brought it there; until
then it stands still, but that users who are to be forgotten are. There is none before the first of these turns. Copies
score, they never learn; no clock. Bounded: a model larger than `largest` has none, and where taking one costs much
against what was learned since the last, it waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from learners.gathering import Bulky, Taken, ahead_of, all_ahead, gathered
from learners.learner import Carries, Learner
from learners.ordering import Batch
from learners.rivals import Arrays

HOUR, DAY = 3_600_000, 86_400_000
AGES: Mapping[str, int] = {"an hour old": HOUR, "a day old": DAY}
LARGEST = 32 << 20
"""Bytes of a model, as files, beyond which no copies are taken: each version carries them."""
ROW, SHARE = 600, 0.1
"""Taking a copy of so many bytes costs what learning a row does, as measured; and how much of the learning it may."""


class TooLarge(ValueError):
    """The model has outgrown its copies."""


class FrozenCopies:
    """`make` gives a learner like the live one, with nothing learned.

    A state is two things: `state`, and the copies themselves, which `held` gives to be written.
    """

    def __init__(
        self, make: Callable[[], Learner], ages: Mapping[str, int] = AGES, *, largest: int = LARGEST, row: int = ROW
    ) -> None:
        self._make, self._ages, self._largest, self._row = make, dict(ages), largest, row
        self.copies: dict[str, Learner] = {}
        self._taken: dict[str, Taken] = {}
        """What a copy is, once that was asked for: it stands still."""
        self._turns: dict[str, int] = {}
        self._rows: int | None = None
        """How many rows the live model had learned when a copy was last taken."""
        self.size = 0
        """Bytes of the live model when it was last looked at."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._ages)

    def due(self, rows: int, at: int) -> list[str]:
        """Whose time has come: the live model has learned so many rows, up to event time `at` in milliseconds.

        >>> frozen = FrozenCopies(lambda: None, {"hour": 10, "day": 30})
        >>> [(at, frozen.due(at, at)) for at in (3, 9, 12, 31)]
        [(3, []), (9, []), (12, ['hour']), (31, ['hour', 'day'])]
        """
        waits = self._rows is not None and rows - self._rows < self.size / self._row / SHARE
        found = []
        for name, age in self._ages.items():
            stood = self._turns.setdefault(name, at // age)
            if at // age > stood and not waits:
                found.append(name)
        return found

    def learned(self, live: Learner, at: int) -> None:
        """Renew those whose time has come. TooLarge where the model is; there are no copies from then on."""
        due = self.due(live.rows_learned, at)
        if not due:
            return
        if isinstance(live, Bulky):
            self._fits(live.bulk)  # writing a large one only to see that would take long
        with TemporaryDirectory() as folder:
            live.snapshot(Path(folder))
            self._fits(sum(file.stat().st_size for file in Path(folder).rglob("*")))
            for name in due:
                self.copies[name] = self._made(Path(folder))
                self._taken.pop(name, None)
                self._turns[name], self._rows = at // self._ages[name], live.rows_learned

    def forget(self, batch: Batch) -> None:
        """Copies forget users as the live model does; the rows of the batch are of kind forget."""
        for copy in self.copies.values():
            copy.learn(batch)
        self._taken = {}

    def carry(self, before: FrozenCopies) -> None:
        """Become what those of other features are, read by these. A learner that can't be carried has none."""
        self._turns, self._rows, self.size = dict(before._turns), before._rows, before.size
        for name, old in before.copies.items():
            copy = self._made()
            if isinstance(copy, Carries):
                copy.carry(old)
                self.copies[name] = copy

    def ahead(self) -> Callable[[], bool] | None:
        """What copies ahead of `held`, where a copy is new or was changed; see `Deltas`."""
        told = [ahead_of(copy, None) for name, copy in self.copies.items() if name not in self._taken]
        return all_ahead(told)

    def held(self) -> list[tuple[str, Taken]]:
        """The copies, each with the name of its folder, to be written once or often, by whoever likes."""
        for name, copy in self.copies.items():
            if name not in self._taken:
                self._taken[name] = gathered(copy, None)
        return [(str(n), self._taken[name]) for n, name in enumerate(self._ages) if name in self._taken]

    def state(self) -> Arrays:
        """All but the copies."""
        told = {"turns": self._turns, "rows": self._rows, "size": self.size, "kept": sorted(self.copies)}
        return {"document": np.frombuffer(json.dumps(told, sort_keys=True).encode(), np.uint8)}

    def load(self, arrays: Arrays, folder: Path) -> None:
        """Become what `state` gave and was written of `held`. ValueError where they are of other ages."""
        told = json.loads(arrays["document"].tobytes())
        if not set(told["turns"]) <= set(self._ages):
            raise ValueError(f"copies are {sorted(told['turns'])}, this keeps {sorted(self._ages)}")
        self._turns, self._rows, self.size, self._taken = told["turns"], told["rows"], told["size"], {}
        places = {name: str(place) for place, name in enumerate(self._ages)}
        self.copies = {name: self._made(folder / places[name]) for name in self._ages if name in told["kept"]}
        self.held()  # as before the restart: what changes from here on has the same bytes then

    def _fits(self, size: int) -> None:
        self.size = size
        if size > self._largest:
            self.copies, self._taken = {}, {}
            raise TooLarge(f"the model is {size:,} bytes, copies may be {self._largest:,}: see [trainer.challengers]")

    def _made(self, folder: Path | None = None) -> Learner:
        copy = self._make()
        if folder is not None:
            copy.restore(folder)
        return copy


def forgotten(batch: Batch) -> Batch | None:
    """The rows of a batch that say whom to forget, where there are some."""
    rows = [example for example in batch.examples if example.row.kind == "forget"]
    return Batch(tuple(rows), batch.horizon) if rows else None
