"""Eight floats at a time, for kernels: tuples that LLVM turns into one vector load, store or multiply-add.

`compiled` is how every kernel here is made. Not-a-number is not assumed away (`nnan`, `ninf` are left out), so finite
checks hold; sums may be taken in another order than written, but in the same one on every call. A kernel that is kept
on disk does not notice that a function which it calls in another file has changed: remove `__pycache__` after editing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Eight = tuple[Any, Any, Any, Any, Any, Any, Any, Any]

_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
compiled: Any = njit(**_OPTIONS, cache=True)
inlined: Any = njit(**_OPTIONS, inline="always")
"""Part of whoever calls it: what is a constant there is one in here."""


@compiled
def load8(flat: Floats, at: int) -> Eight:
    return (
        flat[at], flat[at + 1], flat[at + 2], flat[at + 3], flat[at + 4], flat[at + 5], flat[at + 6], flat[at + 7],
    )  # fmt: skip


@compiled
def store8(flat: Floats, at: int, v: Eight) -> None:
    flat[at], flat[at + 1], flat[at + 2], flat[at + 3] = v[0], v[1], v[2], v[3]
    flat[at + 4], flat[at + 5], flat[at + 6], flat[at + 7] = v[4], v[5], v[6], v[7]


@compiled
def all8(value: float) -> Eight:
    return value, value, value, value, value, value, value, value


@compiled
def mad8(u: Eight, v: Eight, w: Eight) -> Eight:
    """u + v * w."""
    return (
        u[0] + v[0] * w[0], u[1] + v[1] * w[1], u[2] + v[2] * w[2], u[3] + v[3] * w[3],
        u[4] + v[4] * w[4], u[5] + v[5] * w[5], u[6] + v[6] * w[6], u[7] + v[7] * w[7],
    )  # fmt: skip


@compiled
def times8(v: Eight, w: Eight) -> Eight:
    """v * w."""
    return v[0] * w[0], v[1] * w[1], v[2] * w[2], v[3] * w[3], v[4] * w[4], v[5] * w[5], v[6] * w[6], v[7] * w[7]


@compiled
def total8(v: Eight) -> Any:
    """The sum, in pairs."""
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))
