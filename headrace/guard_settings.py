"""`[trainer.guard]`: what is judged before it is learned, and how patient the guard is."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from headrace.stream_settings import CLOSED


class Guard(BaseModel):
    """`[trainer.guard]`."""

    model_config = CLOSED
    on: bool = Field(default=True, description="whether batches are judged before they are learned")
    label: str = Field(
        default="", description="the label that is judged, one of mode `wait`; empty: the first of that mode"
    )
    hold: int = Field(default=32, ge=1, description="batches after which a level that moved is learned, if it lasts")
    ask: int = Field(default=256, ge=1, description="batches after which a level that moved far is learned")
    shadows: int = Field(
        default=2, ge=1, description="holds that may be learned aside at the same time; further ones can only return"
    )

    def told(self, waiting: Mapping[str, bool]) -> dict[str, str | int]:
        """What the guard is made with; `waiting` says by label whether it is decided at its close. Empty where there
        is no guard: labels that are positive at once come before the rest of what was shown with them, and a guard
        would take each fall of traffic for a fall of the rate. ValueError where such a one is to be judged.

        >>> Guard().told({"like": False, "click": True})
        {'label': 'click', 'hold': 32, 'ask': 256, 'shadows': 2}
        """
        label = self.label or next((name for name, waits in waiting.items() if waits), "")
        if not self.on or not label:
            return {}
        if not waiting.get(label):
            there = ", ".join(name for name, waits in waiting.items() if waits) or "none"
            raise ValueError(f"guard.label is {label!r}, which is no label of mode `wait`; those that are: {there}")
        return {"label": label, "hold": self.hold, "ask": self.ask, "shadows": self.shadows}
