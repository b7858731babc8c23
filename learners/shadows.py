"""Copies of a learner that learn aside, and learners that learn a part of a batch. Decides nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from learners.judged_rows import logits
from learners.learner import Bools, Carries, Doubles, Ints, Learned, Learner
from learners.ordering import Batch


def forked(live: Learner, make: Callable[[], Learner]) -> Learner:
    """A learner that knows what the live one knows."""
    shadow = make()
    with tempfile.TemporaryDirectory() as folder:
        live.snapshot(Path(folder))
        shadow.restore(Path(folder))
    return shadow


def carried(before: Learner | None, make: Callable[[], Learner]) -> Learner | None:
    """A learner of other features that knows what this one knows; None where there is none, or it can't be."""
    shadow = make()
    if before is None or not isinstance(shadow, Carries):
        return None
    shadow.carry(before)
    return shadow


def foreseen_aside(
    shadows: Mapping[int, Learner], batch: Batch, group_BA: Ints, logit_B: Doubles, label: int
) -> Doubles:
    """Logits of a label, of each row by the shadow of its group, where there is one."""
    shadow_B = logit_B.copy()
    for group, shadow in shadows.items():
        mine_B = (group_BA == group).any(axis=1)
        shadow_B[mine_B] = logits(shadow.score(batch).probability_BL[:, label])[mine_B]
    return shadow_B


def learn_part(learner: Learner, batch: Batch, part_B: Bools) -> Learned:
    """Let it learn these rows of a batch."""
    if part_B.all():
        return learner.learn(batch)
    part = tuple(batch.examples[i] for i in np.flatnonzero(part_B))
    return learner.learn(Batch(part, batch.horizon))
