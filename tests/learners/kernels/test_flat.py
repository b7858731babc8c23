"""Flat weights: views, in order, on cache lines."""

from __future__ import annotations

import numpy as np

from learners.kernels.flat import Flat, aligned


def test_a_named_weight_is_a_view_of_the_flat_ones() -> None:
    flat = Flat({"a": (2, 3), "b": (), "c": (4,)})
    flat.fill({"a": np.ones((2, 3), np.float32), "b": np.float32(2), "c": np.full(4, 3, np.float32)})  # type: ignore[dict-item]
    assert flat.values.tolist() == [1.0] * 6 + [2.0] + [3.0] * 4
    flat.slopes["c"][1] = 7
    assert flat.grads.tolist() == [0.0] * 8 + [7.0, 0.0, 0.0]
    assert [flat.values[start:end].size for start, end in flat.bounds] == [6, 1, 4]


def test_buffers_begin_with_a_cache_line() -> None:
    assert all(aligned(n, 7).ctypes.data % 64 == 0 for n in range(1, 40))
