"""What an operator sets about lists beyond the labels: caps, promotions, bids, what is wanted next."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from headrace.stream_settings import CLOSED, Duration


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
        from serving.filter_terms import BadFilter
        from serving.filters import parsed

        try:
            if text:
                parsed(text)
        except BadFilter as error:
            raise ValueError(str(error)) from None
        return text


class Bid(BaseModel):
    """`[serving.bid]`: what a click on an item is worth to who bids for it."""

    model_config = CLOSED
    attribute: str = Field(default="", description="numeric attribute of items that holds the bid; empty: no bids")
    label: str = Field(default="click", description="label whose chance the bid is multiplied by")
    weight: float = Field(default=1.0, allow_inf_nan=False, description="worth of a unit of bid in the value")


class WatchNext(BaseModel):
    """`[serving.watch_next]`: what an item is worth since people who wanted it went on to want others."""

    model_config = CLOSED
    window: Duration = Field(
        default=0, ge=0, description="how long after an item what else is wanted counts as following it; 0: not counted"
    )
    weight: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="worth of each item that people go on to want, by their mean number; needs a window",
    )
    label: str = Field(default="click", description="label whose chance that number is multiplied by")

    @field_validator("weight")
    @classmethod
    def _something_is_counted(cls, weight: float, info: ValidationInfo) -> float:
        if weight and not info.data.get("window", 1):
            raise ValueError('nothing that follows is counted; set [serving.watch_next] window too, e.g. "30m"')
        return weight


def unlearned(named: Mapping[str, str], labels: Collection[str]) -> str:
    """What is wrong with the labels that settings name; empty where all of them are learned.

    >>> unlearned({"bid.label": "buy", "weights.click": "click"}, ["click", "like"])
    "bid.label names 'buy', but labels are click, like"
    """
    unknown = [f"{setting} names {label!r}" for setting, label in named.items() if label not in labels]
    return f"{', '.join(unknown)}, but labels are {', '.join(labels)}" if unknown else ""
