"""The smallest learner that keeps the contract: a rate for each item, and a hash chain over all that it was given.

Any difference in order, content or count of rows shows in its digest.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import msgspec
import numpy as np

from learners.learner import Learned, Scores
from learners.ordering import Batch


class RateLearner:
    """Scores a row with the smoothed rate of its item."""

    def __init__(self, labels: tuple[str, ...] = ("click",)) -> None:
        self._labels = labels
        self.rates: dict[str, list[float]] = {}
        self.chain = ""
        self.rows_learned = 0

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def score(self, batch: Batch) -> Scores:
        probability = [[self._rate(e.row.item_id, label) for label in self._labels] for e in batch.examples]
        decided = [[label in e.row.labels for label in self._labels] for e in batch.examples]
        value = [[e.row.labels.get(label, 0.0) for label in self._labels] for e in batch.examples]
        return Scores(
            np.array(probability, np.float32),
            np.array(decided, np.bool_),
            np.array(value, np.float32),
            np.array([e.row.weight for e in batch.examples], np.float32),
        )

    def learn(self, batch: Batch) -> Learned:
        rows = [e.row for e in batch.examples]
        if not all(math.isfinite(v) for row in rows for v in row.labels.values()):
            return Learned(0, False, math.nan, math.nan)
        for row in rows:
            for label, value in row.labels.items():
                counts = self.rates.setdefault(f"{label}/{row.item_id}", [0.0, 0.0])
                counts[0] += value * row.weight
                counts[1] += row.weight
        told = [(e.partition, e.row, e.shot, e.attributes) for e in batch.examples]
        self.chain = hashlib.sha256(self.chain.encode() + msgspec.msgpack.encode((self.rows_learned, told))).hexdigest()
        self.rows_learned += len(rows)
        return Learned(len(rows), True, 1.0, 0.5)

    def snapshot(self, folder: Path) -> None:
        (folder / "rates.json").write_text(json.dumps([self.rates, self.chain, self.rows_learned]))

    def restore(self, folder: Path) -> None:
        self.rates, self.chain, self.rows_learned = json.loads((folder / "rates.json").read_text())

    def digest(self) -> str:
        told = json.dumps([self.rates, self.chain, self.rows_learned], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def export(self, folder: Path, *, version: int) -> None:
        (folder / "version").write_text(str(version))

    def _rate(self, item_id: str, label: str) -> float:
        positive, shown = self.rates.get(f"{label}/{item_id}", (0.0, 0.0))
        return (positive + 1) / (shown + 3)
