"""A batch between score and learn: what was read of it, and what the model goes on from."""

from __future__ import annotations

from dataclasses import dataclass

from learners.features import Features
from learners.layout import Layout
from learners.learner import Ints
from learners.ordering import Batch
from learners.two_stage_model import Forward


@dataclass(frozen=True, slots=True)
class Pending:
    """`found_N` are the rows of its ids, -1 for none; `row_N` those that are read and learned from."""

    batch: Batch
    features: Features
    layout: Layout
    found_N: Ints
    row_N: Ints
    forward: Forward
