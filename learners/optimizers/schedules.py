"""How learning rates go with the number of updates: a factor, a function of the step alone. No clock, no memory.

The step is that of the model, counted from 1 over updates that were taken, so a refused batch moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

Shape = Literal["constant", "inverse_sqrt", "exponential"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A linear warm-up over `warm_up` steps, then a shape: `inverse_sqrt` is sqrt(span / (span + steps since)),
    `exponential` halves every `span` steps. Never below `least`, once warm. A stream does not end: with a `least` of
    0 the last of these two would stop to learn.

    >>> [Schedule(warm_up=4)(step) for step in (1, 2, 4, 400)]
    [0.25, 0.5, 1.0, 1.0]
    >>> [Schedule("exponential", span=100, least=0.1)(step) for step in (1, 101, 201, 9999)]
    [1.0, 0.5, 0.25, 0.1]
    >>> [round(Schedule("inverse_sqrt", span=100, warm_up=10)(step), 2) for step in (5, 11, 311)]
    [0.5, 1.0, 0.5]
    """

    shape: Shape = "constant"
    warm_up: int = 0
    span: float = 10_000.0
    least: float = 0.01

    def __post_init__(self) -> None:
        fine = {
            "shape": (self.shape in get_args(Shape), f"there are {', '.join(get_args(Shape))}"),
            "warm_up": (self.warm_up >= 0, "a number of steps is at least 0"),
            "span": (0 < self.span < inf, "a number of steps is above 0"),
            "least": (0 < self.least <= 1, "a factor is above 0 and at most 1: at 0 nothing more would be learned"),
        }
        for name, (holds, wants) in fine.items():
            if not holds:
                raise ValueError(
                    f"{name} of Schedule is {getattr(self, name)!r}, but {wants}. Correct it where the rules are set,"
                    " or leave it out: Schedule() is a constant rate"
                )

    def __call__(self, step: int) -> float:
        """The factor of the rate at a step, counted from 1."""
        if step <= self.warm_up:
            return step / self.warm_up
        since = step - self.warm_up - 1
        if self.shape == "inverse_sqrt":
            return float(max(self.least, (self.span / (self.span + since)) ** 0.5))
        if self.shape == "exponential":
            return float(max(self.least, 0.5 ** (since / self.span)))
        return 1.0
