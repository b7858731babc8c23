"""A schema with a feature of every kind, as it is written in TOML, and batches that have something to say of each."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import numpy as np

from learners.fields import Declared
from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from streams.examples import Attributes
from tests.learners.lessons import ITEMS, batch, random_batch

TOML = """
[features.country]
kind = "category"
from = "user.attributes.country"

[features.interests]
kind = "many"
from = "context.interests"
space = "tag"
most = 3

[features.basket]
kind = "number"
from = "context.basket"
log = true

[features.price]
kind = "number"
from = "item.attributes.price"

[features.brand]
kind = "category"
from = "item.attributes.brand"

[features.clicked_tags]
kind = "history"
from = "history.tags"
types = ["click"]
most = 2

[features.liked]
kind = "history"
from = "history"
types = ["like"]

[features.asked_for]
kind = "text"
from = "query_text"

[features.title]
kind = "text"
from = "item.text"
grams = "characters"
size = 3
buckets = 512
most = 20

[features.picture]
kind = "vector"
from = "item.vector"
length = 5

[features.query_tags]
kind = "none"
"""
FEATURES: dict[str, Declared] = msgspec.convert(tomllib.loads(TOML)["features"], dict[str, Declared])
WORDS = ("green", "tea", "black", "jam", "oil", "bread")


def rich_item(number: int, *, ts: int = 1) -> Attributes:
    """One of `ITEMS` with a text, a vector and attributes; every fourth lacks them."""
    random, plain = np.random.default_rng(number), ITEMS[number]
    if number % 4 == 3:
        return msgspec.structs.replace(plain, ts=ts)
    told: dict[str, str | float] = {"price": float(random.lognormal(3)), "brand": str(random.choice(WORDS))}
    return msgspec.structs.replace(
        plain,
        ts=ts,
        text=" ".join(random.choice(WORDS, 4)),
        vector=tuple(random.normal(size=5).tolist()),
        attributes=told,
    )


RICH = {plain.item_id: rich_item(number) for number, plain in enumerate(ITEMS)}


def rich_batch(number: int, **told: Any) -> Batch:
    """A random batch in which most shots and items have more to say."""
    random = np.random.default_rng(1000 + number)
    return batch(*[_rich(example, random) for example in random_batch(number, **told).examples])


def _rich(example: Example, random: np.random.Generator) -> Example:
    assert example.shot is not None
    more: dict[str, str | float] = {}
    if random.random() < 0.8:
        more = {"basket": float(random.lognormal(2)), "user.country": str(random.choice(["ch", "de"]))}
    if random.random() < 0.5:
        more["interests"] = "t1, t3"
    types = ("click", "like", "dwell")
    shot = msgspec.structs.replace(
        example.shot,
        context=example.shot.context | more,
        query_text=" ".join(random.choice(WORDS, 2)) if random.random() < 0.5 else None,
        history=tuple(msgspec.structs.replace(p, type=types[i % 3]) for i, p in enumerate(example.shot.history)),
    )
    return Example(example.row, shot, RICH[example.row.item_id], example.partition)


def rich_learner(**told: Any) -> Any:
    """A learner of that schema, with nothing learned."""
    given: dict[str, Any] = {"labels": ("click", "long"), "context": ("hour",), "features": FEATURES, "seed": 7} | told
    return make_learner(**given)
