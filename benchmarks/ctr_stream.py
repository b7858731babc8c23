"""A seeded stream of clicks whose truth is known, so that a learner is measured against the best that anybody could do.

Each row has one id in every field, Zipf distributed within it; fields grow geometrically and share one range of ids.
    logit = bias + sum of weights + sum over pairs of the CROSSED fields of <vector, vector>
so that a linear model, a factorization machine and the truth stand apart. Rows have times, clicks have delays. Without
a drift a shorter stream of a seed is the beginning of a longer one. It is drawn, not recorded: it proves nothing about
people. Run by itself it prints the digest of the first rows and the scores of the truth, which no model can beat.

    python benchmarks/ctr_stream.py [--quick] [--json] [--rows N] [--seed N]
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.metrics import Sums, auc, ece, losses

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

CROSSED = (7, 10, 12, 15, 19)
"""Fields whose ids have a vector: from 117 to 38,282 ids."""

ROWS = 1_000_000
SEED = 7
DIGEST = "2d84fbfab5888b03"
"""The first 16 hex digits of the sha256 over ids and labels of the first `TOLD` rows of seed 7."""
TOLD = 10_000
BLOCK = 1 << 16
"""Rows drawn at once: a long stream needs little more room than its arrays."""


@dataclass(frozen=True, slots=True)
class World:
    """How the stream is made. Times are seconds, `rate` is rows a second."""

    fields: int = 20
    vocabulary: int = 100_000
    smallest: int = 4
    zipf: float = 1.05
    width: int = 4
    weight_spread: float = 0.25
    cross_spread: float = 0.45
    bias: float = -3.0
    rate: float = 1000.0
    delay_median: float = 30.0
    drift_share: float = 0.5
    drift_fields: int | None = None
    """Of so many fields, the smallest ones, ids get new weights in a drift; None: of all."""

    @property
    def crossed(self) -> list[int]:
        return [field for field in CROSSED if field < self.fields]


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in their order: ids of all fields in one range, labels, the true chance of a yes, seconds since the start,
    and how many seconds after it the yes comes (infinite where there is none)."""

    id_NF: NDArray[np.int32]
    label_N: NDArray[np.int8]
    chance_N: Doubles
    at_N: Doubles
    delay_N: Doubles

    def __len__(self) -> int:
        return len(self.label_N)

    @property
    def digest(self) -> str:
        """sha256 over the ids and labels of the first rows."""
        told = self.id_NF[:TOLD].tobytes() + self.label_N[:TOLD].tobytes()
        return hashlib.sha256(told).hexdigest()


@dataclass(frozen=True, slots=True)
class Truth:
    """The weights and vectors behind the labels, one of each for every id."""

    weight_V: Doubles
    vector_VK: Doubles

    def logits(self, id_NF: NDArray[np.int32], world: World) -> Doubles:
        vector_NFK = self.vector_VK[id_NF[:, world.crossed]]
        cross_NK = vector_NFK.sum(axis=1) ** 2 - (vector_NFK**2).sum(axis=1)
        logit_N: Doubles = world.bias + self.weight_V[id_NF].sum(axis=1) + 0.5 * cross_NK.sum(axis=1)
        return logit_N

    def moved_to(self, other: Truth, moved_V: NDArray[np.bool_]) -> Truth:
        """This truth with the other's where ids have moved."""
        weight_V = np.where(moved_V, other.weight_V, self.weight_V)
        return Truth(weight_V, np.where(moved_V[:, None], other.vector_VK, self.vector_VK))


def stream(rows: int = ROWS, *, seed: int = SEED, drift_at: Sequence[int] = (), world: World | None = None) -> Stream:
    """The first rows of a seed; at each row of `drift_at` a share of the ids gets new weights.

    >>> short, long = stream(100), stream(200)
    >>> bool((short.id_NF == long.id_NF[:100]).all()), short.id_NF.dtype, short.label_N.dtype
    (True, dtype('int32'), dtype('int8'))
    """
    world = world or World()
    of_truth, of_id, of_label, of_time, of_delay = _random(seed, 5)
    logit_N, id_NF = np.empty(rows), np.empty((rows, world.fields), np.int32)
    truth = _truth(of_truth, world)
    cut = _cut(world)
    edges = [0, *sorted(drift_at), rows]
    for start, stop in itertools.pairwise(edges):
        if start:
            other = _truth(of_truth, world)
            moved_V = of_truth.random(world.vocabulary) < world.drift_share
            moved_V[sum(field_sizes(world)[: world.drift_fields]) :] = False
            truth = truth.moved_to(other, moved_V)
        for lo in range(start, stop, BLOCK):
            part = slice(lo, min(lo + BLOCK, stop))
            id_NF[part] = _ids(of_id.random((part.stop - lo, world.fields)), cut)
            logit_N[part] = truth.logits(id_NF[part], world)
    chance_N = sigmoid(logit_N)
    label_N = (of_label.random(rows) < chance_N).astype(np.int8)
    at_N = np.cumsum(of_time.exponential(1 / world.rate, rows))
    delay_N = np.where(label_N == 1, of_delay.lognormal(np.log(world.delay_median), 1.0, rows), np.inf)
    return Stream(id_NF, label_N, chance_N, at_N, delay_N)


def field_sizes(world: World) -> Ints:
    """How many ids each field has: a geometric row from `smallest` on, with the sum of the vocabulary.

    >>> sizes = field_sizes(World())
    >>> int(sizes.sum()), sizes[[0, 7, 19]].tolist()
    (100000, [4, 117, 38282])
    """
    low, high = 1.0001, 50.0
    for _ in range(200):
        ratio = (low + high) / 2
        too_few = world.smallest * (ratio**world.fields - 1) / (ratio - 1) < world.vocabulary
        low, high = (ratio, high) if too_few else (low, ratio)
    size_F: Ints = np.maximum(2, np.floor(world.smallest * low ** np.arange(world.fields))).astype(np.int64)
    size_F[-1] += world.vocabulary - size_F.sum()
    return size_F


def sigmoid(logit_N: Doubles) -> Doubles:
    chance_N: Doubles = 1.0 / (1.0 + np.exp(-logit_N))
    return chance_N


def figures(probability_N: NDArray[np.floating[Any]], label_N: NDArray[Any]) -> dict[str, Any]:
    """What the product's own metrics say of these rows: n, log_loss, ne, calibration, auc, ece.

    >>> round(figures(np.array([0.5, 0.5]), np.array([0, 1]))["ne"], 3)
    1.0
    """
    yes_N = label_N > 0
    loss = float(losses(probability_N, yes_N).sum())
    sums = Sums(len(yes_N), float(probability_N.sum(dtype=np.float64)), float(yes_N.sum()), loss)
    return {**sums.figures(), "auc": auc(probability_N, yes_N), "ece": ece(probability_N, yes_N)}


def corrupted(label_N: NDArray[np.int8], start: int, stop: int, kind: str, *, seed: int = 0) -> NDArray[np.int8]:
    """A copy in which the labels from start to stop are spoilt: `flip`, `ones`, `zeros` or `random`.

    >>> corrupted(np.array([0, 1, 1], np.int8), 1, 3, "flip").tolist()
    [0, 0, 0]
    """
    label_N = label_N.copy()
    part_M = label_N[start:stop]
    random = np.random.default_rng(seed)
    spoilt: dict[str, Callable[[], NDArray[Any]]] = {
        "flip": lambda: 1 - part_M,
        "ones": lambda: np.ones_like(part_M),
        "zeros": lambda: np.zeros_like(part_M),
        "random": lambda: random.integers(0, 2, part_M.size),
    }
    label_N[start:stop] = spoilt[kind]()
    return label_N


def vw_lines(told: Stream) -> Iterator[str]:
    """The rows as Vowpal Wabbit reads them: a namespace of one letter for each field, the id as its feature."""
    for id_F, label in zip(told.id_NF.tolist(), told.label_N.tolist(), strict=True):
        yield ("1" if label else "-1") + "".join(f" |{chr(97 + field)} {key}" for field, key in enumerate(id_F))


def _random(seed: int, streams: int) -> list[np.random.Generator]:
    return [np.random.Generator(np.random.PCG64(one)) for one in np.random.SeedSequence(seed).spawn(streams)]


def _truth(random: np.random.Generator, world: World) -> Truth:
    """Vectors are drawn so narrow that each of their products has the spread that the world asks for."""
    weight_V = random.normal(0, world.weight_spread, world.vocabulary)
    spread = (world.cross_spread / np.sqrt(world.width)) ** 0.5
    return Truth(weight_V, random.normal(0, spread, (world.vocabulary, world.width)))


def _cut(world: World) -> list[tuple[int, Doubles]]:
    """For each field the first of its ids, and the share of rows at or before each of them."""
    size_F = field_sizes(world)
    first_F = np.concatenate([[0], np.cumsum(size_F)[:-1]])
    mass_FI = [np.arange(1, size + 1, dtype=np.float64) ** -world.zipf for size in size_F.tolist()]
    return [(first, np.cumsum(mass_I / mass_I.sum())) for first, mass_I in zip(first_F.tolist(), mass_FI, strict=True)]


def _ids(share_NF: Doubles, cut: list[tuple[int, Doubles]]) -> Ints:
    columns = [
        first + np.minimum(np.searchsorted(share_I, share_NF[:, field]), len(share_I) - 1)
        for field, (first, share_I) in enumerate(cut)
    ]
    return np.stack(columns, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    told = parser.parse_args()
    made = stream(told.rows // 10 if told.quick else told.rows, seed=told.seed)
    known = {"rows": len(made), "digest": made.digest[:16], "click_rate": float(made.label_N.mean())}
    known |= {f"truth_{name}": value for name, value in figures(made.chance_N, made.label_N).items()}
    if told.json:
        print(json.dumps(known))
        return
    for name, value in known.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
