"""How a logit becomes a prediction, the same way in training and serving. Numpy alone, so that a server needs no torch.

What a logit means is said by its `Link`; nothing is learned here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.links import Link

MOST = 60.0
"""Exponents are cut here, so that no prediction is infinite."""


def predicted(link: Link, logit: NDArray[Any]) -> NDArray[Any]:
    """Predictions of one label, of the shape and type of the logits.

    >>> z = np.array([-1.0, 0.0, 4.0])
    >>> predicted(Link("sigmoid", coverage=0.9), z).round(3).tolist()
    [0.299, 0.556, 1.0]
    >>> predicted(Link("odds", coverage=0.0), z).round(3).tolist()
    [0.368, 1.0, 1.0]
    >>> predicted(Link("identity", centre=3.0, low=1.0, high=5.0), z).tolist()
    [2.0, 3.0, 5.0]
    >>> predicted(Link("expm1"), np.array([0.0, np.log(31.0)], np.float32)).round(3).tolist()
    [0.0, 30.0]
    """
    told: NDArray[Any] = (
        _chance(link, logit) if link.is_probability else np.clip(_value(link, logit), link.low, link.high)
    )
    return told


def read_back(links: Sequence[Link], logit_RL: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predictions [R, L], each label's by its link.

    >>> read_back((Link(), Link("identity", centre=3.0)), np.zeros((1, 2), np.float32)).tolist()
    [[0.5, 3.0]]
    """
    if links.count(links[0]) == len(links):
        alike: NDArray[np.float32] = predicted(links[0], logit_RL)
        return alike
    read_RL: NDArray[np.float32] = np.empty_like(logit_RL)
    for at, link in enumerate(links):
        read_RL[:, at] = predicted(link, logit_RL[:, at])
    return read_RL


def _chance(link: Link, logit: NDArray[Any]) -> NDArray[Any]:
    against: NDArray[Any] = np.exp(np.maximum(np.minimum(-logit, MOST), -MOST))
    scale = 1.0 + against if link.kind == "sigmoid" else against + link.coverage
    told: NDArray[Any] = 1.0 / scale
    return np.minimum(told / link.coverage if link.kind == "sigmoid" else told, 1.0)


def _value(link: Link, logit: NDArray[Any]) -> NDArray[Any]:
    if link.kind == "exp":
        grown: NDArray[Any] = link.spread * np.exp(np.clip(logit, -MOST, MOST))
        return grown
    value: NDArray[Any] = link.centre + link.spread * logit
    return np.expm1(np.clip(value, -MOST, MOST)) if link.kind == "expm1" else value
