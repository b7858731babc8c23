"""What an operator decides about lists: how many candidates from where, what an action is worth, how much to vary."""

from __future__ import annotations

from dataclasses import dataclass, field

from serving.fold_rules import HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Quotas:
    """At most how many candidates each source may bring."""

    vectors: int = 200
    recent: int = 60
    covisited: int = 60
    popular: int = 60
    trending: int = 20
    fresh: int = 30


@dataclass(frozen=True, slots=True)
class SeenRule:
    """What a user has had enough of: items wanted within `wanted_for` ms, and items shown `showings` times in vain, the
    last time within `shown_for` ms. Where that leaves too few, they come back."""

    wanted_for: int = 10 * MINUTE
    showings: int = 6
    shown_for: int = HOUR


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that may change between two requests without learning anything.

    `weights` says what each predicted label is worth; empty means 1 each. `diversity` is the share of the unlike in
    choosing (0: by value alone), `epsilon` the share of places given to chance, `fatigue` the part of its value that an
    item keeps for each showing in vain. `deadline` is in ms. `logged` is the share of
    lists whose slate says what their features were.
    """

    weights: dict[str, float] = field(default_factory=dict)
    quotas: Quotas = field(default_factory=Quotas)
    seen: SeenRule = field(default_factory=SeenRule)
    diversity: float = 0.05
    epsilon: float = 0.02
    fatigue: float = 0.97
    deadline: float = 100.0
    logged: float = 0.0
