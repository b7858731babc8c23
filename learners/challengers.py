"""Challengers on the rows of the live model: who foresees better, on the same rows, before anyone learned them.

A fixed share of the rows is taken, by a hash of the example id, so that the cost is bounded and every run takes the
same. Each rival has the figures of the live model; where they differ, a paired interval says whether that is chance.
A rival that errs is out, with its reason, and nobody else is. Nothing here decides who serves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from learners.chance_figures import ChanceFigures
from learners.learner import Bools, Doubles, Ints
from learners.metrics import losses
from learners.rivals import Arrays, Features, Held, Rival

LIVE = "live"
WINDOW, EXACT, FADE = 20_000, 1 << 17, 0.999
BLOCK = 256
"""Rows whose loss differences are one observation, as rows beside each other are not independent."""
LEAST = 30
"""Blocks below which no interval is told."""


@dataclass(slots=True)
class Paired:
    """Sums over blocks of rows of the loss of the live model less that of a rival: below 0 the live one is better.

    >>> paired = Paired()
    >>> paired.add(np.full(BLOCK * 40, -0.5))
    >>> paired.told()
    {'gap': -0.5, 'low': -0.5, 'high': -0.5, 'blocks': 40, 'better': 'live'}
    """

    rows: float = 0.0
    sum: float = 0.0
    blocks: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, difference_N: Doubles) -> None:
        """Take differences in order; blocks do not depend on how they were cut into calls."""
        while len(difference_N):
            room = BLOCK - int(self.rows)
            self.sum += float(sum(difference_N[:room].tolist()))
            self.rows += len(difference_N[:room])
            difference_N = difference_N[room:]
            if self.rows == BLOCK:
                self._close()

    def told(self) -> dict[str, Any]:
        """The mean difference by block with its 95 % interval (normal), and who is better beyond chance."""
        if self.blocks < LEAST:
            return {"gap": self.mean if self.blocks else None, "blocks": int(self.blocks), "better": None}
        wide = 1.96 * (self.squares / (self.blocks - 1) / self.blocks) ** 0.5
        low, high = self.mean - wide, self.mean + wide
        better = "live" if high < 0 else "rival" if low > 0 else None
        return {"gap": self.mean, "low": low, "high": high, "blocks": int(self.blocks), "better": better}

    @property
    def standing(self) -> float:
        """The mean difference of a row, whole blocks or not; 0 where there is none."""
        rows = self.blocks * BLOCK + self.rows
        return (self.mean * self.blocks * BLOCK + self.sum) / rows if rows else 0.0

    def verdict(self, name: str) -> str:
        """The same as `told` in words.

        >>> Paired(blocks=40.0, mean=-0.01, squares=0.01).verdict("popularity")
        'the live model is better, by 0.0050 to 0.0150 nats a row'
        """
        told = self.told()
        if "low" not in told:
            return f"too few rows to say: {told['blocks']} blocks of {BLOCK}, of {LEAST}"
        if told["better"] is None:
            return f"no difference beyond chance: {told['low']:+.4f} to {told['high']:+.4f} nats a row"
        least, most = sorted((abs(told["low"]), abs(told["high"])))
        who = "the live model" if told["better"] == "live" else name
        return f"{who} is better, by {least:.4f} to {most:.4f} nats a row"

    def _close(self) -> None:
        value = self.sum / BLOCK
        self.blocks += 1
        apart = value - self.mean
        self.mean += apart / self.blocks
        self.squares += apart * (value - self.mean)
        self.rows = self.sum = 0.0


class Challengers:
    """Rivals that ride along. A turn is `taken`, then `meet` with what the live model said of the rows taken.

    >>> from learners.rivals import Popularity
    >>> challengers = Challengers({"popularity": Popularity()}, every=1)
    >>> challengers.taken(["e1", "e2"]).tolist()
    [0, 1]
    >>> challengers.meet([("item=a",), ("item=b",)], np.array([1.0, 0.0]), np.array([0.9, 0.2]))
    >>> [(line["name"], line["n"], line["auc"]) for line in challengers.table()]
    [('live', 2, 1.0), ('popularity', 2, 0.5)]
    """

    def __init__(self, rivals: Mapping[str, Rival], *, every: int = 8) -> None:
        if every < 1 or LIVE in rivals:
            raise ValueError(f"every is {every}, at least 1, and rivals are {', '.join(rivals)}, none named {LIVE!r}")
        self._rivals, self._every = dict(rivals), every
        self._figures = {name: ChanceFigures(WINDOW, EXACT, FADE) for name in (LIVE, *rivals)}
        self._paired = {name: Paired() for name in rivals}
        self.not_finite = 0
        """Rows left out because someone's score or the outcome was not finite."""
        self.out: dict[str, str] = {}
        """Who erred, and how; they score no more."""

    def taken(self, ids: Sequence[str]) -> Ints:
        """The places of the rows that are taken."""
        every = self._every
        return np.array([at for at, name in enumerate(ids) if crc32(name.encode()) % every == 0], np.int64)

    def meet(self, rows: Sequence[Features], value_N: Doubles, live_N: Doubles) -> None:
        """All score, then the rivals learn. `live_N` is what the live model foresaw. Rows that are finite for all
        count, for all or for none."""
        if not len(rows):
            return
        score = {LIVE: np.asarray(live_N, np.float64)}
        for name in self._running():
            try:
                score[name] = self._rivals[name].score(rows)
            except Exception as error:
                self.drop(name, error)
        fine_N: Bools = np.isfinite(value_N) & np.logical_and.reduce([np.isfinite(one_N) for one_N in score.values()])
        self.not_finite += int((~fine_N).sum())
        self._count({name: one_N[fine_N] for name, one_N in score.items()}, value_N[fine_N] > 0)
        learnt = np.flatnonzero(np.isfinite(value_N)).tolist()
        for name in self._running():
            try:
                self._rivals[name].learn([rows[at] for at in learnt], value_N[learnt])
            except Exception as error:
                self.drop(name, error)

    def compare(self, name: str, value_N: Doubles, live_N: Doubles, said_N: Doubles) -> None:
        """One that learns elsewhere, on rows of its own choice, against the live model on the same."""
        said_N = np.asarray(said_N, np.float64)
        fine_N: Bools = np.isfinite(value_N) & np.isfinite(live_N) & np.isfinite(said_N)
        self.not_finite += int((~fine_N).sum())
        if not fine_N.any():
            return
        chosen_N = value_N[fine_N] > 0
        loss_N = losses(said_N[fine_N], chosen_N)
        self._known(name)
        self._figures[name].add(said_N[fine_N], chosen_N, loss_N)
        self._paired[name].add(losses(np.asarray(live_N, np.float64)[fine_N], chosen_N) - loss_N)

    def drop(self, name: str, error: Exception) -> None:
        """This one is out."""
        self.out.setdefault(name, f"{type(error).__name__}: {error}")

    def forget(self, user_id: str) -> None:
        """Rivals keep nothing that names a user."""
        for name in self._running():
            try:
                self._rivals[name].forget(user_id)
            except Exception as error:
                self.drop(name, error)

    def table(self) -> list[dict[str, Any]]:
        """A line for each, the best first by what it gains or loses against the live model, with whole, `window`,
        `faded` and `since` and, for rivals, `against`: the live model's loss less theirs; and a `verdict`."""
        names = sorted(self._figures, key=lambda name: -self._paired[name].standing if name in self._paired else 0.0)
        lines = []
        for name in names:
            line = {"name": name, **self._figures[name].report()}
            if name in self._paired:
                line |= {"against": self._paired[name].told(), "verdict": self._paired[name].verdict(name)}
            lines.append(line)
        gone = [{"name": name, "n": 0} for name in self.out if name not in self._figures]
        for line in [*lines, *gone]:
            if line["name"] in self.out:
                line["verdict"] = f"out: {self.out[line['name']]}"
        return [*lines, *gone]

    def mark(self) -> None:
        """From here on `since` counts."""
        for figures in self._figures.values():
            figures.mark()

    def state(self) -> Arrays:
        """Everything: figures, differences, and what rivals learned."""
        return self.held()()

    def held(self) -> Held:
        """What `state` gives, as of now; see `Rival`."""
        arrays: Arrays = {"not_finite": np.array(self.not_finite)}
        arrays["out"] = np.frombuffer(json.dumps(self.out).encode(), np.uint8)
        for name, figures in self._figures.items():
            arrays |= {f"{name}/figures/{key}": array.copy() for key, array in figures.state().items()}
        for name, one in self._paired.items():
            arrays[f"{name}/paired"] = np.array([one.rows, one.sum, one.blocks, one.mean, one.squares])
        learned = {name: self._rivals[name].held() for name in self._running()}
        return lambda: (
            arrays | {f"{name}/learned/{key}": array for name, held in learned.items() for key, array in held().items()}
        )

    def load(self, arrays: Arrays) -> None:
        """Go on from a `state` of the same rivals. ValueError where it is of others."""
        there = {name.split("/")[0] for name in arrays if name.endswith("/paired")}
        if not self._rivals.keys() <= there:
            raise ValueError(
                f"the state is of {sorted(there)}, the rivals are {sorted(self._rivals)}: were settings changed?"
            )
        self.not_finite = int(arrays["not_finite"])
        self.out = json.loads(arrays["out"].tobytes()) if "out" in arrays else {}
        for name in there:
            self._known(name)
            self._paired[name] = Paired(*arrays[f"{name}/paired"].tolist())
        for name, figures in self._figures.items():
            figures.load(_under(f"{name}/figures/", arrays))
        for name in self._running():
            self._rivals[name].load(_under(f"{name}/learned/", arrays))

    def _running(self) -> list[str]:
        return [name for name in self._rivals if name not in self.out]

    def _count(self, score: Mapping[str, Doubles], chosen_N: Bools) -> None:
        if not len(chosen_N):
            return
        loss = {name: losses(one_N, chosen_N) for name, one_N in score.items()}
        for name, one_N in score.items():
            self._known(name)
            self._figures[name].add(one_N, chosen_N, loss[name])
            if name != LIVE:
                self._paired[name].add(loss[LIVE] - loss[name])

    def _known(self, name: str) -> None:
        if name not in self._figures:
            self._figures[name] = ChanceFigures(WINDOW, EXACT, FADE)
        if name != LIVE:
            self._paired.setdefault(name, Paired())


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
