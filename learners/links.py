"""What a loss makes its logit mean, as data: settings check it, training and serving read by it (`predictions.py`).

No numbers are worked out here. A link learns nothing; a measured coverage is given to it by whoever measured it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any, Literal, get_args

Kind = Literal["sigmoid", "odds", "exp", "identity", "expm1"]
KINDS = get_args(Kind)


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
