"""A learner whose weights are a hash chain: any difference of a batch, a row, their order or a seed shows in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace

from learners.learner import Learned, Scores
from learners.ordering import Batch, Example
from tests.streams.messy_logs import RULES

LABELS = tuple(label.name for label in RULES.labels)


class Chain:
    """Keeps the learner's contract and learns nothing but what it was given."""

    def __init__(self) -> None:
        self.chain = ""
        self.rows_learned = 0

    @property
    def labels(self) -> tuple[str, ...]:
        return LABELS

    def score(self, batch: Batch) -> Scores:
        shape = len(batch.examples), len(LABELS)
        half, zero = np.full(shape, 0.5, np.float32), np.zeros(shape, np.float32)
        return Scores(half, np.zeros(shape, np.bool_), zero, np.ones(shape[0], np.float32))

    def learn(self, batch: Batch) -> Learned:
        told = [content(example) for example in batch.examples]
        link = msgspec.msgpack.encode((self.chain, self.rows_learned, told), order="deterministic")
        self.chain = hashlib.sha256(link).hexdigest()
        self.rows_learned += len(told)
        return Learned(len(told), True, 1.0, 0.5)

    def snapshot(self, folder: Path) -> None:
        (folder / "chain").write_text(f"{self.rows_learned} {self.chain}")

    def restore(self, folder: Path) -> None:
        rows, self.chain = (folder / "chain").read_text().split(" ")
        self.rows_learned = int(rows)

    def digest(self) -> str:
        return self.chain

    def export(self, folder: Path, *, version: int) -> None:
        """Nobody serves this."""


def content(example: Example) -> tuple[object, ...]:
    """A row with what it points to, without where it came from and how it was framed."""
    row = replace(example.row, shot=-1, attributes=-1, input=-1)
    return example.partition, row, example.shot, example.attributes
