"""`[gate]`: what a version has to hold before it serves. `[rollback.automatic]`: when the way back is taken unasked.

How they come together with the rest is in `settings.py`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

from headrace.stream_settings import CLOSED, Duration

Metric = Literal["clicks", "ne", "calibration", "guard", "fallback", "errors"]


class Gate(BaseModel):
    """`[gate]`: limits are how much worse than what came, or than the version that serves, on the same rows."""

    model_config = CLOSED
    on: bool = Field(
        default=True, description="whether versions are measured; finite weights are asked for in any case"
    )
    every: int = Field(default=8, ge=1, description="of so many rows one is compared with the version that serves")
    rows: int = Field(default=400, ge=64, description="compared rows below which a figure says nothing")
    young: int = Field(
        default=20_000, ge=0, description="rows of a label below which versions are no measure for shape, order, norms"
    )
    calibration: float = Field(
        default=0.5, gt=0, description="how far what was foreseen may lie from what came: the logarithm of their ratio"
    )
    ne: float = Field(default=0.02, ge=0, description="how much worse the normalised entropy may be")
    auc: float = Field(default=0.01, ge=0, description="how much worse the AUC may be")
    shift: float = Field(
        default=0.5,
        gt=0,
        description="how far the shape of scores may move: population stability index, level taken out",
    )
    order: float = Field(
        default=0.8, gt=0, le=2, description="how differently recent rows may be ordered: 1 less the rank correlation"
    )
    growth: float = Field(default=4.0, gt=1, description="how many times as long weights may become")
    recall: float = Field(
        default=0.95, ge=0, le=1, description="share of its canary's exact answers that an index must find to serve"
    )
    items: float = Field(
        default=0.5, ge=0, le=1, description="share of the items of the index before that a new one must have"
    )
    latency: Duration = Field(default=50, ge=1, description="time that a search of a new index may take, at the median")


class Automatic(BaseModel):
    """`[rollback.automatic]`: off by default, and it does not start without a metric."""

    model_config = CLOSED
    on: bool = Field(default=False, description="whether a rollback may be decided by figures")
    metrics: tuple[Metric, ...] = Field(
        default=(), description="what is watched: clicks, ne, calibration, guard, fallback, errors"
    )
    every: Duration = Field(default=30_000, ge=100, description="length of a window")
    windows: int = Field(default=6, ge=1, description="windows that are looked at together")
    bad: int = Field(default=4, ge=1, description="how many of them must be beyond the limit")
    bake: Duration = Field(
        default=600_000, ge=0, description="time after a rollback, a promotion or a resume in which nothing is decided"
    )
    most: int = Field(default=3, ge=1, description="automatic rollbacks in a day; then it only warns")
    clicks: float = Field(
        default=0.2, gt=0, lt=1, description="share by which clicks may fall, where what was shown explains the fall"
    )
    ne: float = Field(default=0.05, gt=0, description="how much worse the model may foresee than its copy of before")
    calibration: float = Field(
        default=0.7, gt=0, description="how much further off the level may be than that of the copy, in logarithms"
    )
    fallback: float = Field(default=0.5, gt=0, lt=1, description="share of lists that the model may fail to give")
    errors: float = Field(default=0.05, gt=0, lt=1, description="share of requests that may fail")

    @model_validator(mode="after")
    def _something_is_watched(self) -> Automatic:
        if self.on and not self.metrics:
            raise ValueError(
                "rollback.automatic is on and watches nothing: it would never go back, and look as if it did. "
                'Name metrics, e.g. metrics = ["clicks", "ne", "errors"], or set on = false'
            )
        if self.bad > self.windows:
            raise ValueError(f"bad is {self.bad} of {self.windows} windows; at most as many as there are")
        return self


class Rollback(BaseModel):
    """`[rollback]`."""

    model_config = CLOSED
    automatic: Automatic = Automatic()
