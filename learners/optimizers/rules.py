"""How weights move, as data: one frozen rule a kind, its fields checked where it is made. No arrays, no torch.

What a rule does to numbers stands twice, with one meaning: in torch (`row_steps.py`, `dense_steps.py`) and in kernels
(`learners/kernels`). A field that can't be used is refused here, by name, before any row exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import ClassVar

from learners.optimizers.schedules import Schedule


def must(holds: bool, rule: object, name: str, wants: str) -> None:
    """Refuse a field of a rule, saying what it is and what it has to be."""
    if not holds:
        kind = type(rule).__name__
        raise ValueError(
            f"{name} of {kind} is {getattr(rule, name)!r}, but {wants}. Correct it where the rules are set, or leave "
            f"it out: {kind}() works as it is"
        )


@dataclass(frozen=True, slots=True)
class Adagrad:
    """G := max(decay G + g^2, floor), w -= rate g / sqrt(G); G starts at the floor.

    For rows g^2 is the mean over the columns of a group, and a group without a gradient keeps its G. The floor is the
    ceiling on the step, the decay keeps an old row able to learn: with a decay of 1 it goes deaf.
    """

    rate: float = 0.05
    decay: float = 0.99
    floor: float = 1.0
    name: ClassVar[str] = "adagrad"

    def __post_init__(self) -> None:
        must(0 < self.rate < inf, self, "rate", "a rate is above 0")
        must(0 < self.decay <= 1, self, "decay", "a decay is above 0 and at most 1 (1 never forgets)")
        must(0 < self.floor < inf, self, "floor", "a floor is above 0: it is what the step is divided by")

    def starts(self, width: int) -> tuple[float, ...]:
        """What the state columns of a group of rows start with."""
        return (self.floor,)


@dataclass(frozen=True, slots=True)
class Adam:
    """Adam (Kingma and Ba, algorithm 1).

    For rows the steps are counted by row and group, in one more state column: the bias of the moments belongs to the
    few gradients that this row has seen, not to how old the table is, and a reused row starts anew.
    """

    rate: float = 5e-3
    first: float = 0.9
    second: float = 0.99
    epsilon: float = 1e-8
    name: ClassVar[str] = "adam"

    def __post_init__(self) -> None:
        must(0 < self.rate < inf, self, "rate", "a rate is above 0")
        must(0 <= self.first < 1, self, "first", "the memory of a moment is at least 0 and below 1")
        must(0 < self.second < 1, self, "second", "the memory of squares is above 0 and below 1")
        must(0 < self.epsilon < inf, self, "epsilon", "what the step is divided by is above 0")

    def starts(self, width: int) -> tuple[float, ...]:
        """Moments, squares, and how many updates there were."""
        return (0.0,) * (2 * width + 1)


@dataclass(frozen=True, slots=True)
class Sgd:
    """w -= rate g."""

    rate: float = 0.01
    name: ClassVar[str] = "sgd"

    def __post_init__(self) -> None:
        must(0 < self.rate < inf, self, "rate", "a rate is above 0")

    def starts(self, width: int) -> tuple[float, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Ftrl:
    """FTRL-proximal for linear weights (McMahan et al., KDD 2013, algorithm 1), by coordinate: s = (sqrt(n + g^2) -
    sqrt(n)) / alpha; z += g - s w; n += g^2; w = 0 where |z| <= l1, else (sgn(z) l1 - z) / ((beta + sqrt(n)) / alpha
    + l2). The weight is a function of z and n: schedules, Clippy, decay and caps leave it alone."""

    alpha: float = 0.05
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 0.0
    name: ClassVar[str] = "ftrl"

    def __post_init__(self) -> None:
        must(0 < self.alpha < inf, self, "alpha", "a rate is above 0")
        must(0 < self.beta < inf, self, "beta", "a smoothing is above 0: n starts at 0, and the step is divided by it")
        must(0 <= self.l1 < inf, self, "l1", "a penalty is at least 0")
        must(0 <= self.l2 < inf, self, "l2", "a penalty is at least 0")

    def starts(self, width: int) -> tuple[float, ...]:
        """z, then n."""
        return (0.0,) * (2 * width)


@dataclass(frozen=True, slots=True)
class Clippy:
    """The clip of the update, not of the gradient (Tang et al., KDD 2023, algorithm 1): an update r is scaled by
    s = min(1, min_i (relative |w_i| + absolute) / |r_i|), one s for each dense layer, and for each group of a row.
    By row, since one fresh row, whose weights are near 0, would else hold up all the others."""

    relative: float = 0.5
    absolute: float = 0.01

    def __post_init__(self) -> None:
        must(0 <= self.relative < inf, self, "relative", "a part of the weight is at least 0")
        must(0 < self.absolute < inf, self, "absolute", "it is above 0: weights that are 0 could never move")


@dataclass(frozen=True, slots=True)
class RowRules:
    """Of the rows that a batch touched; others stay as they are, decay included.

    `linear` holds for groups one column wide (None: as vectors). `weight_decay` is decoupled: w -= rate decay w.
    `largest_norm` caps the norm of each vector after the step: the weight normalisation of rows.
    """

    vectors: Adagrad | Adam | Sgd = field(default_factory=Adagrad)
    linear: Adagrad | Adam | Sgd | Ftrl | None = None
    clippy: Clippy | None = None
    weight_decay: float = 0.0
    largest_norm: float = inf

    def __post_init__(self) -> None:
        must(not isinstance(self.vectors, Ftrl), self, "vectors", "Ftrl forgets a random start: it is for `linear`")
        _check_shrinking(self, self.weight_decay, self.largest_norm, self.vectors.rate)

    def of(self, width: int) -> Adagrad | Adam | Sgd | Ftrl:
        """The rule of a group so many columns wide."""
        return self.vectors if width > 1 or self.linear is None else self.linear

    def starts(self, groups: tuple[int, ...]) -> tuple[float, ...]:
        """What each state column starts with: as many as there are.

        >>> RowRules().starts((8, 1)), RowRules(linear=Ftrl()).starts((8, 1))
        ((1.0, 1.0), (1.0, 0.0, 0.0))
        """
        return tuple(start for width in groups for start in self.of(width).starts(width))

    @property
    def plain(self) -> bool:
        """Whether it is Adagrad with one rule for all groups, and nothing beside it."""
        bare = self.clippy is None and self.weight_decay == 0 and self.largest_norm == inf
        return bare and isinstance(self.vectors, Adagrad) and self.linear in (None, self.vectors)


@dataclass(frozen=True, slots=True)
class DenseRules:
    """Of dense weights; a layer is one named weight. `weight_decay` is decoupled. `largest_norm` caps the norm of the
    weights into each unit (the columns of a matrix) after the step, which stands in for weight normalisation by
    reparameterisation (Salimans and Kingma 2016): that one would need gradients of other parameters.
    `adaptive` scales a layer's gradient to at most so many norms of its weights (AGC, Brock et al. 2021, by layer)."""

    rule: Adam | Adagrad | Sgd = field(default_factory=Adam)
    clippy: Clippy | None = None
    weight_decay: float = 0.0
    largest_norm: float = inf
    adaptive: float = inf

    def __post_init__(self) -> None:
        must(not isinstance(self.rule, Ftrl), self, "rule", "Ftrl forgets a random start: it is for `rows.linear`")
        _check_shrinking(self, self.weight_decay, self.largest_norm, self.rule.rate)
        must(self.adaptive > 0, self, "adaptive", "it is above 0")

    @property
    def lines(self) -> int:
        """How many vectors of state there are."""
        return {"adam": 2, "adagrad": 1, "sgd": 0}[self.rule.name]

    @property
    def start(self) -> float:
        """What they start with."""
        return self.rule.floor if isinstance(self.rule, Adagrad) else 0.0


@dataclass(frozen=True, slots=True)
class Clip:
    """Bounds on gradients of the mean loss: `norm` on that of all together, then `value` on each number."""

    norm: float = 10.0
    value: float = inf

    def __post_init__(self) -> None:
        must(self.norm > 0, self, "norm", "it is above 0 (inf: none)")
        must(self.value > 0, self, "value", "it is above 0 (inf: none)")


@dataclass(frozen=True, slots=True)
class UpdateRules:
    """Everything about how one stage is updated."""

    rows: RowRules = field(default_factory=RowRules)
    dense: DenseRules = field(default_factory=DenseRules)
    clip: Clip = field(default_factory=Clip)
    schedule: Schedule = field(default_factory=Schedule)


def _check_shrinking(rules: RowRules | DenseRules, decay: float, largest: float, rate: float) -> None:
    must(decay >= 0 and isfinite(decay), rules, "weight_decay", "it is at least 0")
    must(
        rate * decay < 1, rules, "weight_decay", f"times the rate ({rate}) it is below 1: it would turn weights around"
    )
    must(largest > 0, rules, "largest_norm", "it is above 0 (inf: none)")
