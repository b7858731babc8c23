"""`[trainer.rows]`: which ids have a row of weights, and for how long; for all spaces of ids, and for single ones."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from headrace.stream_settings import CLOSED, Duration

DAY_MS = 86_400_000


class SpaceRows(BaseModel):
    """`[trainer.rows.spaces.NAME]`: what is other for the ids of one space."""

    model_config = CLOSED
    admit: int | None = Field(default=None, ge=1, description="in place of `trainer.rows.admit`")
    chance: float | None = Field(default=None, ge=0, le=1, description="in place of `trainer.rows.chance`")
    ttl: Duration | None = Field(default=None, ge=0, description="in place of `trainer.rows.ttl`")


class Rows(BaseModel):
    """`[trainer.rows]`."""

    model_config = CLOSED
    admit: int = Field(default=1, ge=1, description="views of an id until it gets a row of its own")
    chance: float = Field(
        default=0, ge=0, le=1, description="chance that a view brings a row, in place of counting them; 0: they count"
    )
    ttl: Duration = Field(default=0, ge=0, description="event time after which an unused row goes; 0: it stays")
    cap: int = Field(default=0, ge=0, description="most rows; beyond them those of least use go; 0: any number")
    half_life: Duration = Field(
        default=DAY_MS, ge=1, description="event time after which a use counts half, where there is a most"
    )
    spaces: dict[str, SpaceRows] = Field(
        default={},
        description="what is other for single spaces of ids, e.g. `user` or `tag`; see docs/learning.md",
    )

    @property
    def told(self) -> dict[str, Any]:
        """What differs from the defaults, as a learner is told it.

        >>> Rows(ttl="30d", spaces={"user": SpaceRows(admit=3)}).told
        {'ttl': 2592000000, 'spaces': {'user': {'admit': 3}}}
        """
        told = self.model_dump(exclude_defaults=True)
        spaces = {name: one for name, one in told.pop("spaces", {}).items() if one}
        return told | ({"spaces": spaces} if spaces else {})
