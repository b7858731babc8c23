"""What an operator sets about lists beyond the values: caps, promotions, bids."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

CLOSED = ConfigDict(extra="forbid", frozen=True)


class Caps(BaseModel):
    """`[serving.caps]`: at most so many of one kind in a list; a full list comes before a cap."""

    model_config = CLOSED
    author: int = Field(default=0, ge=0, description="items of one author in a list; 0: no cap")
    category: int = Field(default=0, ge=0, description="items of one category in a list; 0: no cap")


class Promotion(BaseModel):
    """`[serving.promotion]`: a share of each list for items that a filter names."""

    model_config = CLOSED
    filter: str = Field(default="", description="items that are promoted, e.g. promoted = true; empty: none")
    share: float = Field(default=0.1, ge=0, le=1, description="share of a list's places that they get, no more")

    @field_validator("filter")
    @classmethod
    def _is_one(cls, text: str) -> str:
        from serving.filters import parsed

        if text:
            parsed(text)
        return text


class Bid(BaseModel):
    """`[serving.bid]`: what a click on an item is worth to who bids for it."""

    model_config = CLOSED
    attribute: str = Field(default="", description="numeric attribute of items that holds the bid; empty: no bids")
    label: str = Field(default="click", description="label whose chance the bid is multiplied by")
    weight: float = Field(default=1.0, description="worth of a unit of bid in the value")
