"""How long one step of the two towers takes in a small and in a large catalogue, beside the same towers in torch.

`python benchmarks/two_tower.py [--quick] [--json]`. A step is 256 clicks with histories of 10 items against all their
items and 128 drawn uniformly from the catalogue: draw, find rows, candidates with their corrections, gradients, update.
Clicks follow Zipf 1.05 over 10,000 items, in a catalogue of as many and in one of a million. `flat` is the time in the
small one over that in the large one, median of ratios: 1 is flat. With `_zipf`, clicks go over the whole million: more
distinct items a batch, and rows from memory that no cache holds, whatever the step does.

The peer is plain torch: sparse gradients of one embedding, Adagrad for it and Adam for the matrices, ids that are rows
already, negatives drawn alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from learners.blas_threads import one_blas_thread
from learners.drawing import NEGATIVES, drawn_alive
from learners.frequency import Frequency, log_chance_in_pool
from learners.learner import Ints
from learners.models.fused_seek import FusedSeek
from learners.models.two_tower import TwoTower
from learners.optimizers.rules import UpdateRules
from learners.reading import Chosen, Reading
from learners.tables.host_ids import HostIds

CLICKS, HISTORY, USERS, TAGS = 256, 10, 100_000, 2_000
SIZES = {"1e4": (10_000, 10_000), "1e6": (1_000_000, 10_000), "1e6_zipf": (1_000_000, 1_000_000)}
"""Items in the catalogue, and how many of them are ever clicked."""
SHAPE = TwoTower(("user", "history"), ("item", "tags"))


class Clicks:
    """Batches: users, their histories, what they clicked, among so many items, the popular ones first."""

    def __init__(self, popular: int) -> None:
        self._random = np.random.default_rng(7)
        self._sums = np.cumsum(1 / np.arange(1, popular + 1) ** 1.05)

    def draw(self) -> tuple[Ints, Ints, Ints]:
        """Users [P], histories [P, H], clicked items [P]."""
        total = self._sums[-1]
        item_PH = np.searchsorted(self._sums, self._random.random((CLICKS, HISTORY + 1)) * total)
        return self._random.integers(USERS, size=CLICKS), item_PH[:, 1:], item_PH[:, 0]


class Ours:
    """The towers on kernels, with the exact map of ids."""

    def __init__(self, items: int, popular: int) -> None:
        self.name, self._items, self._clicks, self._steps = "step", items, Clicks(popular), 0
        self._seek = FusedSeek(SHAPE, UpdateRules())
        self._ids, self._often = HostIds(fallbacks=3), Frequency()
        for space, many in enumerate((USERS, items, TAGS)):
            self._ids.add(np.array([2 * space]), np.arange(many))
        self._ids.settle()
        self._seek.stage.rows.grow(len(self._ids))
        self._alive = np.ones(items, np.bool_)
        self._often.see(np.arange(items))

    def step(self) -> float:
        """Milliseconds of one step."""
        user_P, item_PH, item_P = self._clicks.draw()
        start = time.perf_counter()
        drawn = drawn_alive(np.random.default_rng(self._steps), self._alive)
        shown, item_of_P = np.unique(np.concatenate([item_P, drawn]), return_inverse=True)
        items = len(shown)
        space_N = np.repeat([0, 2, 2, 4], [CLICKS, CLICKS * HISTORY, items, items])
        key_N = np.concatenate([user_P, item_PH.ravel(), shown, shown % TAGS])
        count_G = np.concatenate([np.ones(CLICKS, np.int64), np.full(CLICKS, HISTORY), np.ones(2 * items, np.int64)])
        reading = self._reading(self._ids.find(space_N, key_N), count_G, items)
        chance_C = self._often.chance(shown)
        log_q_C = log_chance_in_pool(chance_C, positives=CLICKS, uniform=len(drawn), items=self._items)
        chosen = Chosen(np.arange(CLICKS), np.arange(items), item_of_P[:CLICKS], log_q_C)
        loss = self._seek.slope(reading, chosen)
        assert self._seek.stage.may_move(loss, float(CLICKS))
        self._seek.stage.move()
        self._often.see(item_P)
        took = time.perf_counter() - start
        self._steps += 1
        return took * 1e3

    def _reading(self, row_N: Ints, count_G: Ints, items: int) -> Reading:
        weight_N = np.repeat((1 / count_G).astype(np.float32), count_G)
        none = np.empty(0, np.int64)
        start_G = np.cumsum(count_G) - count_G
        told: Any = (none, none, np.empty((0, 0), np.float32), np.empty(0, np.float32), lambda rows: rows)
        return Reading(row_N, weight_N, start_G, count_G, CLICKS, items, *told)


class Torch:
    """The same towers in plain torch."""

    def __init__(self, items: int, popular: int) -> None:
        import torch

        torch.set_num_threads(1)
        self.name, self._items, self._clicks, self._torch = "torch_step", items, Clicks(popular), torch
        self._random = torch.Generator().manual_seed(1)
        make = torch.nn.EmbeddingBag
        rows = USERS + items + TAGS
        self._rows = make(rows, SHAPE.dim, mode="mean", sparse=True, _weight=torch.randn(rows, SHAPE.dim) * 0.1)
        self._matrices = [torch.nn.Parameter(torch.from_numpy(one)) for one in SHAPE.start().values()]
        self._chance = torch.full((items,), 1 / items)
        self._optimizers = [
            torch.optim.Adagrad(self._rows.parameters(), lr=0.05),
            torch.optim.Adam(self._matrices, lr=5e-3, fused=True),
        ]

    def step(self) -> float:
        """Milliseconds of one step."""
        torch = self._torch
        user_P, item_PH, item_P = (torch.from_numpy(told) for told in self._clicks.draw())
        start = time.perf_counter()
        drawn = torch.randint(self._items, (NEGATIVES,), generator=self._random)
        shown, place = torch.unique(torch.cat([item_P, drawn]), return_inverse=True)
        fields = (
            (user_P[:, None], item_PH + USERS),
            (shown[:, None] + USERS, shown[:, None] % TAGS + USERS + self._items),
        )
        sides = zip(self._matrices, fields, strict=True)
        user_PD, item_CD = (
            torch.nn.functional.normalize(sum(self._rows(ids) @ w for ids, w in zip(told, matrix, strict=True)), dim=1)
            for matrix, told in sides
        )
        log_q_C = (CLICKS * self._chance[shown] + NEGATIVES / self._items).log()
        logits = user_PD @ item_CD.T / SHAPE.temperature - log_q_C
        loss = torch.nn.functional.cross_entropy(logits, place[:CLICKS])
        for one in self._optimizers:
            one.zero_grad()
        loss.backward()
        for one in self._optimizers:
            one.step()
        return (time.perf_counter() - start) * 1e3


def measured(sides: dict[str, Ours | Torch], rounds: int, steps: int) -> dict[str, list[float]]:
    """The median step of each, once a round, in turns."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name].append(statistics.median(side.step() for _ in range(steps)))
    return {name: told[1:] for name, told in times.items()}


def figures(times: dict[str, list[float]]) -> dict[str, float]:
    """Times, flatness and how many times faster than torch, by catalogue."""
    told = {name: statistics.median(of) for name, of in times.items()}
    for kind, size in ((kind, size) for kind in ("", "torch_") for size in ("", "_zipf")):
        pairs = zip(times[f"{kind}step_ms_1e4"], times[f"{kind}step_ms_1e6{size}"], strict=True)
        told[f"{kind}flat{size}"] = statistics.median(small / large for small, large in pairs)
    for size in SIZES:
        pairs = zip(times[f"torch_step_ms_{size}"], times[f"step_ms_{size}"], strict=True)
        told[f"times_torch_{size}"] = statistics.median(theirs / ours for theirs, ours in pairs)
    return {name: round(value, 3) for name, value in told.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    one_blas_thread()
    kinds: tuple[Callable[[int, int], Ours | Torch], ...] = (Ours, Torch)
    made = [(size, kind(*told_of)) for size, told_of in SIZES.items() for kind in kinds]
    sides = {f"{side.name}_ms_{size}": side for size, side in made}
    result = figures(measured(sides, 6 if told.quick else 21, 15 if told.quick else 40))
    print(json.dumps(result) if told.json else "\n".join(f"{name:>20} {value:8.3f}" for name, value in result.items()))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
