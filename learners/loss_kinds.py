"""The losses that there are, by name: their options, checked, and how each reads its logit back. No torch, no sums.

What a loss sums over rows is in `losses/`, in torch; what it may be told is data, so that settings, evaluation and
servers know it too, and the usual one is learned without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from learners.links import Link


class How(Protocol):
    """The options of one loss."""

    @property
    def link(self) -> Link: ...


@dataclass(frozen=True, slots=True)
class Log:
    """Log loss of yes and no; the prediction is the chance of a yes.

    `coverage` is the share of yeses that come while the label is open, as far as it is known: the prediction is
    divided by it. `yes_from` is the least value of a yes (0: any value above 0).
    """

    coverage: float = 1.0
    yes_from: float = 0.0

    @property
    def link(self) -> Link:
        return Link("sigmoid", coverage=self.coverage)


@dataclass(frozen=True, slots=True)
class Completion:
    """Log loss of a share of `whole`, as of a video that was watched to the end; the prediction is its mean."""

    whole: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.whole < inf:
            raise ValueError(f"whole = {self.whole}: a share is taken of something above 0")

    @property
    def link(self) -> Link:
        return Link("sigmoid")


@dataclass(frozen=True, slots=True)
class WatchTime:
    """Logistic regression weighted by watch time: its odds are the expected time; the prediction is these odds.

    Rows that were watched count as a yes with the weight of their time. With `no_of_all` each row, watched or not,
    counts as a no of weight 1, so that exp(z) = E[time] exactly. Without it only rows never watched do, as in the
    paper, and the odds are E[time] / (1 - p), p the chance of being watched (Covington et al., RecSys 2016, 4.2).
    `unit` is how much time weighs 1, so that long ones don't drown the other labels; times above `longest` are cut.
    """

    unit: float = 60.0
    longest: float = inf
    no_of_all: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.unit < inf or not self.longest > 0:
            raise ValueError(
                f"unit = {self.unit} and longest = {self.longest} are times above 0, the unit a finite one"
            )

    @property
    def link(self) -> Link:
        return Link("exp", spread=self.unit, low=0.0, high=self.longest)


@dataclass(frozen=True, slots=True)
class FakeNegatives:
    """For a no that is told first and a yes that comes later: rows are weighted (`losses/delayed.py`), so that the
    logit is that of the true chance. `coverage` 0 says no to everything at once: FNW. With a window it is ES-DFM."""

    coverage: float = 0.0

    def __post_init__(self) -> None:
        _check_coverage(self.coverage)

    @property
    def link(self) -> Link:
        return Link("sigmoid")


@dataclass(frozen=True, slots=True)
class FakeNegativesCorrected:
    """The same rows under a plain log loss, put right where they are read: `coverage` 0 is FNC."""

    coverage: float = 0.0

    def __post_init__(self) -> None:
        _check_coverage(self.coverage)

    @property
    def link(self) -> Link:
        return Link("odds", coverage=self.coverage)


@dataclass(frozen=True, slots=True)
class Resent:
    """For streams in which every row comes again when its outcome is final: DEFER."""

    coverage: float = 0.0

    def __post_init__(self) -> None:
        _check_coverage(self.coverage)

    @property
    def link(self) -> Link:
        return Link("sigmoid")


@dataclass(frozen=True, slots=True)
class Distilled:
    """Log loss of the mix (1 - alpha) outcome + alpha teacher; rows without a teacher learn from the outcome."""

    alpha: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha = {self.alpha}: it is the teacher's share, from 0 to 1")

    @property
    def link(self) -> Link:
        return Link("sigmoid")


@dataclass(frozen=True, slots=True)
class Squared:
    """Half the squared error of values cut to `low`..`high`: the prediction is their mean, cut likewise.

    Values are learned in units of `spread` around `centre`, so that a head may start at 0 and its gradients are of the
    size that those of a log loss have: give the mean and the standard deviation that you expect, roughly.
    """

    centre: float = 0.0
    spread: float = 1.0
    low: float = -inf
    high: float = inf

    def __post_init__(self) -> None:
        _ = self.link  # checks the numbers

    @property
    def link(self) -> Link:
        return Link("identity", centre=self.centre, spread=self.spread, low=self.low, high=self.high)


@dataclass(frozen=True, slots=True)
class Huber:
    """Squared within `delta` spreads, linear beyond: one wild value pulls no harder than `delta` (Huber 1964)."""

    delta: float = 1.0
    centre: float = 0.0
    spread: float = 1.0
    low: float = -inf
    high: float = inf

    def __post_init__(self) -> None:
        _ = self.link
        if not 0 < self.delta < inf:
            raise ValueError(f"delta = {self.delta}: the loss turns linear at a distance above 0")

    @property
    def link(self) -> Link:
        return Link("identity", centre=self.centre, spread=self.spread, low=self.low, high=self.high)


@dataclass(frozen=True, slots=True)
class LogDwell:
    """Squared error of log(1 + seconds). The prediction is exp(mean of logs) - 1: nearer to the usual stay than to the
    mean one, which a few long stays make; `watch_time` foresees the mean. Centre and spread are of the logs."""

    centre: float = 0.0
    spread: float = 1.0
    longest: float = inf

    def __post_init__(self) -> None:
        _ = self.link

    @property
    def link(self) -> Link:
        return Link("expm1", centre=self.centre, spread=self.spread, low=0.0, high=self.longest)


@dataclass(frozen=True, slots=True)
class Pairwise:
    """Order within a slate, pair by pair; with `per_slate` a slate weighs as one pair, however long it is. The
    prediction is a score: differences mean something, heights don't."""

    per_slate: bool = True

    @property
    def link(self) -> Link:
        return Link("identity")


@dataclass(frozen=True, slots=True)
class Listwise:
    """The choice from a slate: softmax over it of logits divided by `temperature`. The prediction is a score."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < inf:
            raise ValueError(f"temperature = {self.temperature}: it must be above 0")

    @property
    def link(self) -> Link:
        return Link("identity")


def _check_coverage(coverage: float) -> None:
    if not 0 <= coverage <= 1:
        raise ValueError(f"coverage = {coverage}: it is the share of yeses that come in time, from 0 to 1")


LOSSES: dict[str, type[Any]] = {
    "log": Log,
    "completion": Completion,
    "watch_time": WatchTime,
    "fnw": FakeNegatives,
    "fnc": FakeNegativesCorrected,
    "defer": Resent,
    "distill": Distilled,
    "squared": Squared,
    "huber": Huber,
    "log_dwell": LogDwell,
    "pairwise": Pairwise,
    "listwise": Listwise,
}
