"""Named dense weights as one flat vector, with their gradient in a second one beside it: float32, on cache lines.

An update is then one loop over two vectors. Which rule moves the weights, and whether, is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]
Shapes = Mapping[str, tuple[int, ...]]

CACHE_LINE = 64


def aligned(*shape: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Zeros that begin with a cache line.

    >>> array = aligned(3, 5)
    >>> array.shape, array.ctypes.data % 64
    ((3, 5), 0)
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    zeros: NDArray[Any] = raw[start : start + size].view(dtype).reshape(shape)
    return zeros


class Flat:
    """`values` and `grads` are flat; `named` and `slopes` are views of them by name, in the order of `shapes`.

    >>> flat = Flat({"weight": (2, 3), "bias": (3,)})
    >>> flat.named["bias"][:] = 1; flat.values.tolist(), flat.bounds.tolist()
    ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [[0, 6], [6, 9]])
    """

    def __init__(self, shapes: Shapes) -> None:
        ends = np.cumsum([prod(shape) for shape in shapes.values()], dtype=np.int64)
        self.bounds: Longs = np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int64)
        """Where each named weight begins and ends."""
        size = int(ends[-1]) if len(ends) else 0
        self.values: Floats = aligned(size)
        self.grads: Floats = aligned(size)
        self.named = self._views(shapes, self.values)
        self.slopes = self._views(shapes, self.grads)

    def fill(self, weights: Mapping[str, Floats]) -> None:
        """Take starting values by name."""
        for name, view in self.named.items():
            view[...] = weights[name]

    def _views(self, shapes: Shapes, flat: Floats) -> dict[str, Floats]:
        told = zip(shapes.items(), self.bounds.tolist(), strict=True)
        return {name: flat[start:end].reshape(shape) for (name, shape), (start, end) in told}
