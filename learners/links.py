"""How a logit becomes a prediction: what a loss makes its logit mean, read back the same way in training and serving.

Numpy alone, so that a server reads a label's prediction without torch. A link learns nothing; a measured coverage is
given to it by whoever measured it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["sigmoid", "odds", "exp", "identity", "expm1"]
KINDS = get_args(Kind)
MOST = 60.0
"""Exponents are cut here, so that no prediction is infinite."""


@dataclass(frozen=True, slots=True)
class Link:
    """One label's way back from its logit z.

    `sigmoid`: min(1, s(z) / coverage), with s the logistic function and `coverage` the share of yeses that their
    window still saw: p = p_window / c where the delay does not depend on the row (He et al., ADKDD 2014, section 4).
    `odds`: o = exp(z) are the odds on a stream in which yeses came twice, first as a no; min(1, o / (1 + coverage * o))
    is the chance of a yes. With coverage 0 that is exp(z) (Ktena et al. 2019, arXiv 1907.06558, section 4.2).
    `exp`: spread * exp(z), an expectation given as odds (Covington et al., RecSys 2016, section 4.2).
    `identity`: centre + spread * z. `expm1`: exp(centre + spread * z) - 1, for values learned as log(1 + y).
    All but the first two are cut to `low`..`high`.

    >>> z = np.array([-1.0, 0.0, 4.0])
    >>> Link("sigmoid", coverage=0.9).read(z).round(3).tolist()
    [0.299, 0.556, 1.0]
    >>> Link("odds", coverage=0.0).read(z).round(3).tolist()
    [0.368, 1.0, 1.0]
    >>> Link("identity", centre=3.0, low=1.0, high=5.0).read(z).tolist()
    [2.0, 3.0, 5.0]
    """

    kind: Kind = "sigmoid"
    coverage: float = 1.0
    centre: float = 0.0
    spread: float = 1.0
    low: float = -inf
    high: float = inf

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no link {self.kind!r}; choose one of {', '.join(KINDS)}")
        if not (0 <= self.coverage <= 1) or (self.kind == "sigmoid" and not self.coverage):
            raise ValueError(f"a coverage of {self.coverage} for {self.kind!r}: it is a share of all yeses, above 0")
        if not 0 < self.spread < inf or not self.low < self.high:
            raise ValueError(f"spread {self.spread} must be above 0, and low {self.low} below high {self.high}")

    @property
    def is_probability(self) -> bool:
        """Whether predictions are chances of a yes: such labels have AUC, log loss and calibration, others don't."""
        return self.kind in ("sigmoid", "odds")

    @property
    def told(self) -> dict[str, Any]:
        """What differs from the usual link, for a document.

        >>> Link.of(Link("identity", low=1.0).told) == Link("identity", low=1.0), Link().told
        (True, {})
        """
        own = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return {name: value for name, value, usual in own if value != usual}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Link:
        """The link of a document."""
        return cls(**told)

    def read(self, logit: NDArray[Any]) -> NDArray[Any]:
        """Predictions, of the shape and type of the logits.

        >>> Link("expm1").read(np.array([0.0, np.log(31.0)], np.float32)).round(3).tolist()
        [0.0, 30.0]
        """
        told: NDArray[Any] = (
            self._chance(logit) if self.is_probability else np.clip(self._value(logit), self.low, self.high)
        )
        return told

    def _chance(self, logit: NDArray[Any]) -> NDArray[Any]:
        against: NDArray[Any] = np.exp(-np.clip(logit, -MOST, MOST))
        scale = 1.0 + against if self.kind == "sigmoid" else against + self.coverage
        told: NDArray[Any] = 1.0 / scale
        return np.minimum(told / self.coverage if self.kind == "sigmoid" else told, 1.0)

    def _value(self, logit: NDArray[Any]) -> NDArray[Any]:
        if self.kind == "exp":
            grown: NDArray[Any] = self.spread * np.exp(np.clip(logit, -MOST, MOST))
            return grown
        value: NDArray[Any] = self.centre + self.spread * logit
        return np.expm1(np.clip(value, -MOST, MOST)) if self.kind == "expm1" else value


def read_back(links: Sequence[Link], logit_RL: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predictions [R, L], each label's by its link.

    >>> read_back((Link(), Link("identity", centre=3.0)), np.zeros((1, 2), np.float32)).tolist()
    [[0.5, 3.0]]
    """
    read_RL: NDArray[np.float32] = np.empty_like(logit_RL)
    for at, link in enumerate(links):
        read_RL[:, at] = link.read(logit_RL[:, at])
    return read_RL
