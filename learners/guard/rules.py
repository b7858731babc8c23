"""What the guard is patient with, and for how long. Figures only; nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = (-4.0, -1.5, -0.4, 0.4)
"""Steps of the level that are looked for, in log odds: x0.02 (labels that are all 0, where clicks are rare), x0.22,
x0.67, x1.5."""


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Nats, batches, clicks and shares. `alarm` nats against the usual hold a group, and `back` end a hold; whom to
    blame is unclear where the rest of the traffic is within `margin` nats of speaking for neither. A moved level is
    learned after `hold` batches, by more than a factor `ratio` after `ask`. The usual has a memory of `fade` clicks,
    its slope of `fade_rank`; nothing alarms in the first `warm` batches, or `warm_clicks`. `lost` is the share of
    clicks that may be missing from a producer.

    >>> GuardRules().alarm
    14.0
    """

    alarm: float = 14.0
    back: float = 8.0
    margin: float = 3.0
    hold: int = 32
    ask: int = 256
    ratio: float = 3.0
    fade: float = 700.0
    fade_rank: float = 3000.0
    warm: int = 50
    warm_clicks: float = 300.0
    lost: float = 0.01
    kept: int = 64
    """Batches of logits that a hold keeps for its fits."""
    regained: float = 0.2
    """Share of the lost AUC that a new ranking has to win back."""

    def __post_init__(self) -> None:
        if not 0 < self.hold <= self.ask:
            raise ValueError(f"hold is {self.hold} batches and ask {self.ask}: a hold ends first; take hold <= ask")
        if self.alarm <= self.margin:
            raise ValueError(f"alarm is {self.alarm} nats and margin {self.margin}: take a margin below the alarm")
