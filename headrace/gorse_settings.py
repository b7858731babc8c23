"""The knobs of Gorse's routes: whether they are there, what its feedback is here, how much of it can be listed."""

from __future__ import annotations

from pydantic import BaseModel, Field, field_validator

from headrace.stream_settings import CLOSED
from serving.gorse_words import IMPRESSION, TYPES
from streams.events import INTERACTIONS


class GorseRoutes(BaseModel):
    """`[gorse]`: routes below /api as Gorse's clients ask them; see docs/gorse.md."""

    model_config = CLOSED
    on: bool = Field(default=False, description="whether the server answers below /api as Gorse does")
    feedback: int = Field(
        default=250_000,
        ge=0,
        description="rows of feedback that each partition keeps in memory to be listed; the oldest go first",
    )
    types: dict[str, str] = Field(
        default=TYPES,
        description="what a FeedbackType is here: `impression` or a type of interaction; others are as they are called",
    )

    @field_validator("types")
    @classmethod
    def _types_are_known(cls, types: dict[str, str]) -> dict[str, str]:
        for name, kind in types.items():
            if kind not in (IMPRESSION, *INTERACTIONS):
                raise ValueError(f"{name} is {kind!r}; known are {', '.join((IMPRESSION, *INTERACTIONS))}")
        return types
