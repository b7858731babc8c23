"""Small batches for the learner's tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from learners.ordering import Batch, Example
from streams.examples import Attributes, Past, Row, Shot

ITEMS = [
    Attributes(f"item{i}" if i % 2 else str(i), 1, (f"c{i % 3}",), (f"t{i % 5}", str(i % 7)), f"author{i % 4}")
    for i in range(30)
]


def lesson(
    user: str = "ana", item: int = 0, labels: dict[str, float] | None = None, *, kind: str = "label", **told: Any
) -> Example:
    """One row; `told` goes to the shot, except weight, position, first and sequence."""
    labels = {"click": 1.0, "long": 0.0} if labels is None else labels
    row = {name: told.pop(name) for name in ("weight", "position", "first") if name in told}
    shot = Shot(user, told.pop("ts", 9), surface=told.pop("surface", "home"), **told)
    made: dict[str, Any] = {"first": True, "weight": 1.0, "position": 0} | row
    return Example(
        Row(1, 9, kind, "e", labels, item_id=ITEMS[item].item_id, **made),  # type: ignore[arg-type]
        shot,
        ITEMS[item],
        0,
    )


def fact(attributes: Attributes) -> Example:
    return Example(Row(1, 9, "item", attributes.item_id, item_id=attributes.item_id), None, attributes, 0)


def forget(user: str) -> Example:
    return Example(Row(1, 9, "forget", user), None, None, 0)


def batch(*examples: Example) -> Batch:
    return Batch(tuple(examples), 9)


def random_batch(number: int, *, rows: int = 60) -> Batch:
    """A batch that is a function of its number, of users with histories, queries and context."""
    random = np.random.default_rng(number)
    examples = []
    while len(examples) < rows:
        user = int(random.integers(20))
        picked = random.integers(0, len(ITEMS), int(random.integers(0, 8)))
        shot: dict[str, Any] = {
            "user": str(user) if user % 2 else f"user{user}",
            "surface": str(random.choice(["home", "feed", ""])),
            "context": {"hour": float(random.integers(4))},
            "history": tuple(Past(ITEMS[int(i)].item_id, "click", 5) for i in picked),
            "query_item_id": ITEMS[int(random.integers(30))].item_id if random.random() < 0.3 else None,
        }
        for position in range(5):
            labels = {"click": float(random.random() < 0.3)}
            if random.random() < 0.5:
                labels["long"] = float(random.random() < 0.2)
            item, kind = int(random.integers(len(ITEMS))), "organic" if random.random() < 0.05 else "label"
            examples.append(lesson(item=item, labels=labels, kind=kind, position=position, **shot))
    return batch(*examples)
