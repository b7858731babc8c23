"""Rows of 200 fields for benchmarks/trainer.py: 195 of one id, and a history, a text, tags, categories and companies of
several. Ids are Zipf distributed; a fixed weight of each id makes the label, so that something can be learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learners.columns import BagColumns, Columns

Ints = NDArray[np.int64]

SINGLES, SIZE = 195, 500
BAGS = ((20, 20_000), (12, 20_000), (5, 2_000), (3, 300), (2, 300))
"""Most ids in a bag, and how many ids there are: of the history, the text, tags, categories, companies."""


@dataclass(frozen=True, slots=True)
class WideRows:
    """Keys are unique over all fields, as peers with one table want them."""

    key_NF: Ints
    bag_N: Ints
    count_NG: Ints
    label_N: NDArray[np.float32]

    def columns(self, start: int, stop: int) -> Columns:
        """Rows from start to before stop."""
        first = int(self.count_NG[:start].sum())
        count_BG = self.count_NG[start:stop]
        bags = BagColumns(self.bag_N[first : first + int(count_BG.sum())], count_BG)
        return Columns(self.key_NF[start:stop], self.label_N[start:stop, None], bags=bags)

    def save(self, file: Path) -> None:
        np.savez(file, keys=self.key_NF, bags=self.bag_N, counts=self.count_NG, labels=self.label_N)


def wide_rows(rows: int, *, seed: int = 7) -> WideRows:
    """So many rows of a seed."""
    random = np.random.default_rng(seed)
    key_NF = _zipf(random, (rows, SINGLES), SIZE) + SIZE * np.arange(SINGLES)
    first_G = SINGLES * SIZE + np.concatenate([[0], np.cumsum([size for _, size in BAGS])[:-1]])
    count_NG = np.stack([random.integers(0, most + 1, rows) for most, _ in BAGS], axis=1)
    bag_N = np.empty(int(count_NG.sum()), np.int64)
    field_N = np.repeat(np.tile(np.arange(len(BAGS)), rows), count_NG.reshape(-1))
    for g, (_, size) in enumerate(BAGS):
        here = field_N == g
        bag_N[here] = first_G[g] + _zipf(random, (int(here.sum()),), size)
    weight_V = random.normal(0, 0.15, SINGLES * SIZE + sum(size for _, size in BAGS))
    logit_N = -2 + weight_V[key_NF].sum(axis=1)
    row_N = np.repeat(np.arange(rows), count_NG.sum(axis=1))
    logit_N += np.bincount(row_N, weight_V[bag_N], rows)
    label_N = (random.random(rows) < 1 / (1 + np.exp(-logit_N))).astype(np.float32)
    return WideRows(key_NF, bag_N, count_NG, label_N)


def _zipf(random: np.random.Generator, shape: tuple[int, ...], size: int) -> Ints:
    mass = np.arange(1, size + 1, dtype=np.float64) ** -1.05
    return np.minimum(np.searchsorted(np.cumsum(mass / mass.sum()), random.random(shape)), size - 1)
