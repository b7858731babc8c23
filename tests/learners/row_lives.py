"""Learners whose ids wait for a row or lose it, and what is known of one row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from serving.scorer import Scorer
from streams.examples import Attributes
from tests.learners.lessons import batch, lesson, random_batch

USER, ITEM = 0, 1
NAMES = ["two_tower_deepfm", "two_tower_deepfm_torch"]


def fresh(rows: dict[str, Any] | None = None, name: str = NAMES[0], **told: Any) -> Any:
    return make_learner(name, labels=("click", "long"), context=("hour",), seed=7, rows=rows, **told)


def at(time: int, *examples: Example) -> Batch:
    """A batch of rows that were all decided at a time."""
    return batch(*(structs.replace(one, row=structs.replace(one.row, decided_at=time)) for one in examples))


def at_random(number: int) -> Batch:
    return at(10 * number, *random_batch(number).examples)


def row_of(learner: Any, space: int, text: str) -> int:
    code = learner._memory.names.code(space, text)
    found: int = learner._rows.find(*(np.array([part]) for part in code)).item()
    return found


def line_of(learner: Any, row: int) -> dict[str, bytes]:
    """Everything that is kept of a row."""
    arrays = learner._state()[0]
    names = ("rank.rows", "rank.state", "seek.rows", "seek.state", "counts")
    return {name: arrays[name][row].tobytes() for name in names}


def start_of(row: int) -> dict[str, bytes]:
    """What a row is before anything was learned of it."""
    learner = fresh()
    learner._model.grow(row + 1)
    weights = {name: array for name, array in learner._model.dump().items() if name.endswith(("rows", "state"))}
    return {name: array[row].tobytes() for name, array in weights.items()} | {"counts": np.zeros(6).tobytes()}


def unlike_any(name: str) -> Example:
    """A row of a user, an item, an author and a tag that nobody saw before."""
    told, one = Attributes(f"i{name}", 1, author=f"a{name}", tags=(f"t{name}",)), lesson(f"u{name}")
    return structs.replace(one, attributes=told, row=structs.replace(one.row, item_id=told.item_id))


def offered(learner: Any, folder: Path, version: int) -> set[str]:
    learner.export(folder / str(version), version=version)
    scorer = Scorer.open(folder / str(version))
    assert len(scorer.item_vectors) == len(scorer.item_ids)
    return set(scorer.item_ids)


TERMS = {"admit": 2, "ttl": 40, "cap": 150, "spaces": {"item": {"admit": 1}, "user": {"chance": 0.5}}}
