"""A label's loss, as settings name it: which one, with which options, and what its logit then means. No torch.

Options of one loss are the fields of its kind; those that every loss has are `Shared`. A mistake is told with what
there is. What such a loss sums over rows is for `losses/registry.py` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any

from learners.links import Link
from learners.loss_kinds import LOSSES, How


@dataclass(frozen=True, slots=True)
class Shared:
    """Options of every loss: the task's `weight` in the sum over labels; the share of negatives that is `kept`;
    `importance` weighs rows by 1 / logged propensity, at most `most`, and `normalised` within the batch."""

    weight: float = 1.0
    kept: float = 1.0
    importance: bool = False
    most: float = 100.0
    normalised: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.weight < inf:
            raise ValueError(f"weight = {self.weight}: a task weighs more than 0; leave out the label to not learn it")
        if not 0 < self.kept <= 1:
            raise ValueError(f"kept = {self.kept}: it is the share of negatives that is learned, above 0, at most 1")
        if not self.most >= 1:
            raise ValueError(f"most = {self.most}: weights are cut at 1 or above")


@dataclass(frozen=True, slots=True)
class LabelLoss:
    """One label's loss."""

    name: str
    how: How
    shared: Shared

    @property
    def link(self) -> Link:
        """How its logit is read back."""
        return self.how.link

    @property
    def is_usual(self) -> bool:
        """Whether it is the plain log loss: models have that one built in."""
        return self.name == "log" and self.shared == Shared() and getattr(self.how, "yes_from", None) == 0

    @property
    def told(self) -> dict[str, Any]:
        """What differs from the usual, as it would be written: for digests and manifests.

        >>> label_loss("huber", {"delta": 2, "spread": 1.0, "kept": 0.5}).told
        {'loss': 'huber', 'delta': 2.0, 'kept': 0.5}
        """
        parts = ((self.how, type(self.how)()), (self.shared, Shared()))
        pairs = ((one, usual, field.name) for one, usual in parts for field in fields(one))  # type: ignore[arg-type]
        values = {name: getattr(one, name) for one, usual, name in pairs if getattr(one, name) != getattr(usual, name)}
        return {"loss": self.name} | values

    def covering(self, share: float) -> LabelLoss:
        """The same with a measured coverage, where the loss has one.

        >>> label_loss("log").covering(0.9).link.coverage, label_loss("squared").covering(0.9).link.coverage
        (0.9, 1.0)
        """
        if not hasattr(self.how, "coverage"):
            return self
        return replace(self, how=replace(self.how, coverage=share))  # type: ignore[type-var]


def label_loss(name: str = "log", options: Mapping[str, Any] | None = None) -> LabelLoss:
    """The loss of that name. Raises ValueError that says which names or options there are.

    >>> label_loss("huber", {"delta": 2, "weight": 0.5}).how
    Huber(delta=2.0, centre=0.0, spread=1.0, low=-inf, high=inf)
    >>> label_loss("huber", {"width": 2})
    Traceback (most recent call last):
    ValueError: the loss 'huber' has no option 'width'; it has delta, centre, spread, low, high, and like all losses \
weight, kept, importance, most, normalised
    """
    if name not in LOSSES:
        raise ValueError(f"there is no loss {name!r}; choose one of {', '.join(LOSSES)}")
    own, common = _options(LOSSES[name]), _options(Shared)
    told: dict[str, Any] = {}
    for option, value in (options or {}).items():
        if option not in own | common:
            raise ValueError(
                f"the loss {name!r} has no option {option!r}; it has {', '.join(own) or 'none of its own'}, and like"
                f" all losses {', '.join(common)}"
            )
        told[option] = _typed(name, option, value, (own | common)[option])
    how = LOSSES[name](**{option: value for option, value in told.items() if option in own})
    return LabelLoss(name, how, Shared(**{option: value for option, value in told.items() if option in common}))


def losses_of(labels: Sequence[str], told: Mapping[str, Mapping[str, Any]]) -> tuple[LabelLoss, ...]:
    """One loss for each label, as settings tell of them: by label `loss` and the options of it. Raises ValueError
    naming the label.

    >>> [loss.name for loss in losses_of(("click", "stars"), {"stars": {"loss": "squared", "centre": 3}})]
    ['log', 'squared']
    """
    if unknown := sorted(told.keys() - set(labels)):
        raise ValueError(f"losses are told of {', '.join(unknown)}, but labels are {', '.join(labels)}")
    losses = []
    for name in labels:
        options = dict(told.get(name, {}))
        try:
            losses.append(label_loss(options.pop("loss", "log"), options))
        except ValueError as error:
            raise ValueError(f"label {name!r}: {error}") from None
    return tuple(losses)


def unusual(labels: Sequence[str], losses: Sequence[LabelLoss]) -> dict[str, dict[str, Any]]:
    """By label what differs from the usual, for settings, snapshots and versions.

    >>> unusual(("click", "stars"), (label_loss(), label_loss("squared", {"centre": 3})))
    {'stars': {'loss': 'squared', 'centre': 3.0}}
    """
    return {name: loss.told for name, loss in zip(labels, losses, strict=True) if loss != label_loss()}


def _options(kind: type[Any]) -> dict[str, type]:
    """The options of a loss with their types."""
    return {field.name: type(field.default) for field in fields(kind)}


def _typed(loss: str, option: str, value: Any, wanted: type) -> Any:
    """The value as the option's type; a number is no switch, nor the other way round."""
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, wanted):
        return value
    kind = "a number" if wanted is float else "true or false"
    raise ValueError(f"{option} = {value!r} of the loss {loss!r} must be {kind}")
