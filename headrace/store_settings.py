"""The knobs of what one can go back to: where versions lie, and which of them stay; each with its default.

How they come together with the rest is in `settings.py`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from headrace.lengths import length
from headrace.stream_settings import CLOSED, Duration

Length = Annotated[int, BeforeValidator(length)]
"""Bytes inside; "20GB", "512MiB" or a number of bytes where people write."""


class Store(BaseModel):
    """`[store]`: where versions lie, and how they stand on each other."""

    model_config = CLOSED
    versions: str = Field(
        default="{var}/versions",
        description="a folder, or any url that fsspec knows: s3://BUCKET/PATH, gs://..., abfs://...; `{var}` stands for"
        " the folder of run-time data, which also keeps copies of what is read from a url",
    )
    options: dict[str, str | int | float | bool] = Field(
        default={}, description="what fsspec is told of the url, e.g. endpoint_url; credentials belong elsewhere"
    )
    chain: int = Field(
        default=32, ge=1, description="longest chain of versions that stand on each other; 1: each is written in full"
    )
    compact_every: Duration = Field(
        default=5_000, ge=100, description="time between two looks whether a chain shall be made short"
    )

    @field_validator("versions")
    @classmethod
    def _a_place_is_named(cls, versions: str) -> str:
        if not versions.strip():
            raise ValueError("versions need a place: a folder, or a url such as s3://bucket/versions")
        return versions.rstrip("/")


class Retention(BaseModel):
    """`[retention]`: how far back one can go, and which versions stay."""

    model_config = CLOSED
    span: Duration = Field(
        default=86_400_000, ge=0, description="how long after a version one can still go back to it, or to one before"
    )
    versions: int = Field(
        default=10, ge=1, description="newest valid versions that are always kept; older ones are thinned"
    )
    hourly: int = Field(default=0, ge=0, description="of so many hours that have a valid version, the last one stays")
    daily: int = Field(
        default=0, ge=0, description="the same by days (UTC), also below how far back one can go: servers may take them"
    )
    pinned: tuple[int, ...] = Field(
        default=(), description="numbers of versions that never go, beside those of `headrace versions pin`"
    )
    disk: Length = Field(
        default=0, description='bytes that versions may take, e.g. "50GB"; the oldest go first; 0: any number'
    )
    every: Duration = Field(default=60_000, ge=1_000, description="time between two looks at what may go")
