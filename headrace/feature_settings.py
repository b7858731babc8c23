"""The knobs of features: what one `[features.NAME]` may say. What its words mean together is checked by the schema."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from learners.fields import Declared, Grams, Kind

CLOSED = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Feature(BaseModel):
    """One thing that the model reads beside what it always reads; `[features.NAME]`, any number of them.

    >>> declared_of(Feature(kind="number", source="context.basket", log=True)).written
    {'kind': 'number', 'from': 'context.basket', 'log': True}
    """

    model_config = CLOSED
    kind: Kind = Field(description="what its values are; `none` leaves out a feature that is there by itself")
    source: str = Field(
        default="", alias="from", description="where it is from, e.g. context.basket, history.tags, item.text"
    )
    space: str = Field(default="", description="id space to share with what is there, e.g. tag; empty: one of its own")
    most: int = Field(default=0, ge=0, description="values read at most; 0 leaves it to the kind")
    types: tuple[str, ...] = Field(
        default=(), description="of a history: interactions that count; empty: all that speak for an item"
    )
    separator: str = Field(default=",", description="between the values of `many` that stand in one text")
    standardise: bool = Field(
        default=True, description="of a number: read it as deviation from the mean of what was learned, in its spread"
    )
    log: bool = Field(default=False, description="of a number: take its logarithm first, with its sign")
    clip: float = Field(default=4.0, description="of a number: largest size in which it is read")
    grams: Grams = Field(default="words", description="of a text: what its n-grams consist of")
    size: int = Field(default=2, description="of a text: longest n-gram in words, or the length of one in characters")
    buckets: int = Field(default=65_536, description="of a text: numbers that its n-grams are hashed to")
    length: int = Field(default=0, description="of a vector: how many numbers it has")


def declared_of(feature: Feature) -> Declared:
    """The declaration that learners know."""
    told: dict[str, Any] = dict(feature)
    return Declared(**told)
