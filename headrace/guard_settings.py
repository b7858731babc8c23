"""`[trainer.guard]`: what is judged before it is learned, and how patient the guard is."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from headrace.stream_settings import CLOSED, Duration, Label


class Guard(BaseModel):
    """`[trainer.guard]`."""

    model_config = CLOSED
    on: bool = Field(default=True, description="whether batches are judged before they are learned")
    label: str = Field(
        default="",
        description="the label that is judged; empty: the first of mode `wait`. One of mode `fast` must be named",
    )
    hold: int = Field(default=32, ge=1, description="batches after which a level that moved is learned, if it lasts")
    ask: int = Field(default=256, ge=1, description="batches after which a level that moved far is learned")
    shadows: int = Field(
        default=2, ge=1, description="holds that may be learned aside at the same time; further ones can only return"
    )
    wait: int = Field(
        default=0,
        ge=0,
        description="batches that wait for what the guard says of the next ones before they are learned, so that a "
        "fault it sees within as many leaves no trace; versions are later by that",
    )
    announced: Duration = Field(
        default=120_000,
        gt=0,
        description="the longest time between two announcements of a source that counts its events; see guard.md",
    )

    def told(self, labels: Mapping[str, Label], *, grace: int) -> dict[str, str | int]:
        """What the guard is made with. Empty where there is no guard. ValueError where a label is to be judged whose
        truth can't be known at its close: one of mode `delayed`, or a graded one.

        >>> Guard().told({"like": Label(event="like", window="5s", mode="delayed")}, grace=500)
        {}
        >>> fast = {"click": Label(event="click", window="5s", mode="fast")}
        >>> Guard().told(fast, grace=500), Guard(label="click").told(fast, grace=500)["mode"]
        ({}, 'fast')
        """
        judged = {name: one for name, one in labels.items() if one.mode != "delayed" and not one.graded}
        label = self.label or next((name for name, one in judged.items() if one.mode == "wait"), "")
        if not self.on or not label:
            return {}
        if label not in judged:
            there = ", ".join(judged) or "none"
            raise ValueError(
                f"guard.label is {label!r}, which can't be judged: its noes are told at once, it is graded, or there "
                f"is no such label; those that can: {there}"
            )
        one = judged[label]
        told: dict[str, str | int] = {"label": label, "hold": self.hold, "ask": self.ask, "shadows": self.shadows}
        told |= {"wait": self.wait} if self.wait else {}
        told |= {"event": one.event, "window": one.window, "grace": grace, "announced": self.announced}
        told |= {f"window.{surface}": window for surface, window in one.surfaces.items()}
        return told | ({"mode": "fast"} if one.mode == "fast" else {})
