"""Matrix products of numpy have one order."""

from __future__ import annotations

import numpy as np

from learners.blas_threads import one_blas_thread


def test_the_blas_of_numpy_is_told() -> None:
    told = one_blas_thread()
    bundled = "openblas" in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"])
    assert told or not bundled
