"""What counts as what: labels with their windows, and the few times by which a joiner judges.

A label is not a type of interaction: `long_view` is a dwell of at least 18 seconds. Rules are part of what a fold is,
so their digest stands in every frame that was made by them, and their text in the decisions. Nothing here looks at an
event.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from math import inf
from typing import Literal, get_args

import msgspec

from streams.events import INTERACTIONS
from streams.rule_texts import UNSAID, plain_of, rules_of, text_of

CODE = 2
"""Raised whenever the joiner gives other rows for the same log and rules."""

Mode = Literal["wait", "fast", "delayed"]
MODES = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Label:
    """One question about an example: did `event` (with at least `min_value`) follow within `window` ms?

    `wait` answers at the close, `fast` a yes at once; `delayed` says no at once, and a yes becomes a correction.
    `surfaces` has the windows that differ by surface; a yes that arrives up to `horizon` ms after the close becomes a
    correction. A `graded` label has the value of its interaction instead of 1: of several the newest by event time,
    of equals the larger, as `graded.py` says; values up to 0 are no yes, so that 0 always means that none came.

    >>> Label("click", event="click", window=120_000, surfaces={"mail": 3_600_000}).window_on("mail")
    3600000
    >>> seconds = Label("seconds", event="dwell", window=600_000, graded=True)
    >>> [seconds.reached(value) for value in (None, 0.0, 7.5)], seconds.worth(7.5)
    ([False, False, True], 7.5)
    """

    name: str
    event: str
    window: int
    mode: Mode = "wait"
    horizon: int = 0
    min_value: float | None = None
    surfaces: dict[str, int] = field(default_factory=dict)
    graded: bool = field(default=False, metadata=UNSAID)

    def __post_init__(self) -> None:
        if self.event not in INTERACTIONS:
            raise ValueError(f"label {self.name!r}: {self.event!r} is no interaction; known are {INTERACTIONS}")
        if self.mode not in MODES:
            raise ValueError(f"label {self.name!r}: there is no mode {self.mode!r}; choose one of {MODES}")
        if min(self.window, *self.surfaces.values(), self.window) <= 0 or self.horizon < 0:
            raise ValueError(f"label {self.name!r}: windows must be above 0 ms and the horizon at least 0")
        if self.min_value is not None:  # 18 and 18.0 are equal rules, so they must have one digest
            object.__setattr__(self, "min_value", float(self.min_value))

    def window_on(self, surface: str) -> int:
        """The window on a surface, in ms."""
        return self.surfaces.get(surface, self.window)

    def reached(self, value: float | None) -> bool:
        """Whether an interaction with this value is a yes."""
        if self.graded and (value is None or not 0 < value < inf):
            return False
        return self.min_value is None or (value is not None and value >= self.min_value)

    def worth(self, value: float | None) -> float:
        """The label's value by an interaction that is a yes."""
        return float(value) if self.graded and value is not None else 1.0


@dataclass(frozen=True, slots=True)
class Rules:
    """All that decides rows, beside the log and the mask.

    `grace` ms after its window a label closes; the watermark runs `out_of_orderness` ms behind the newest event; the
    last `history` interactions of each user are kept, and besides them the last `history_of` of single types. With
    `impressions="served"` slates open labels, since nobody reports what was shown.
    """

    labels: tuple[Label, ...]
    grace: int
    out_of_orderness: int
    history: int = 20
    impressions: Literal["shown", "served"] = "shown"
    history_of: dict[str, int] = field(default_factory=dict, metadata=UNSAID)

    def __post_init__(self) -> None:
        names = [label.name for label in self.labels]
        if len(set(names)) < len(names):
            raise ValueError(f"two labels have one name: {names}")
        if min(self.grace, self.out_of_orderness, self.history) < 0:
            raise ValueError("grace, out_of_orderness and history must be at least 0")
        for kind, kept in self.history_of.items():
            if kind not in INTERACTIONS or kept < 1:
                raise ValueError(f"history_of {kind!r} = {kept}: known types are {INTERACTIONS}, the least number is 1")

    @property
    def durations(self) -> tuple[int, ...]:
        """How long after an impression labels may close (ms), shortest first.

        >>> click = Label("click", event="click", window=5_000, surfaces={"mail": 9_000})
        >>> Rules((click,), grace=500, out_of_orderness=1_000).durations
        (5500, 9500)
        """
        windows = {w for label in self.labels for w in (label.window, *label.surfaces.values())}
        return tuple(sorted(window + self.grace for window in windows))

    @property
    def lifespan(self) -> int:
        """How long (ms) anything about an event can still matter: the one horizon of all that is remembered."""
        horizon = max((label.horizon for label in self.labels), default=0)
        return max(self.durations, default=self.grace) + horizon

    @property
    def text(self) -> str:
        """The rules as a configure line says them: JSON in one order of keys."""
        return text_of(self, code=CODE)

    @classmethod
    def of(cls, text: str) -> Rules:
        """The rules that a `text` says. Raises LogMismatch where it says none that this code can follow.

        >>> rules = Rules((Label("click", event="click", window=5_000, surfaces={"mail": 9}),), 500, 1_000)
        >>> Rules.of(rules.text) == rules
        True
        """
        return rules_of(text, cls, code=CODE, whose="the join")

    def digest(self) -> str:
        """16 hex digits: the same for equal rules and code."""
        told = msgspec.msgpack.encode({"fold": "join", "code": CODE, **plain_of(self)}, order="deterministic")
        return hashlib.sha256(told).hexdigest()[:16]
