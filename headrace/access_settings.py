"""The knobs of who may ask: keys, how often, and from which pages."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from headrace.stream_settings import CLOSED, Duration


class Access(BaseModel):
    """`[access]`: who may ask the servers; see docs/api.md."""

    model_config = CLOSED
    asked: Literal["beyond", "always"] = Field(
        default="beyond",
        description="where keys are asked for: `beyond`: where a server listens to other machines, `always`: also on"
        " this one",
    )
    keys: str = Field(
        default="{var}/keys.json",
        description="file of the keys' hashes, as `headrace keys` writes it; `{var}` as above",
    )
    rate: int = Field(
        default=0,
        ge=0,
        description="requests a second of a key that has no rate of its own; above it a 429; 0: any number",
    )
    burst: Duration = Field(default=10_000, ge=1, description="time for which a key's unused rate is saved")
    cors: tuple[str, ...] = Field(
        default=(), description="origins whose pages may ask from a browser, e.g. `https://shop.example`; `*`: any"
    )
