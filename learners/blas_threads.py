"""One thread for numpy's matrix products: sums then have one order, whatever the machine's number of cores.

A property of the process, so it is set when a learner is made, never at import. It reaches the OpenBLAS that comes with
numpy's wheels; for another one, set OPENBLAS_NUM_THREADS=1 or what it reads instead.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

SETTERS = ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads64_")


def one_blas_thread() -> bool:
    """Set it; whether there was an OpenBLAS to tell."""
    folder = Path(np.__file__).parent.with_name("numpy.libs")
    for found in sorted(folder.glob("*openblas*")):
        library = ctypes.CDLL(str(found))  # loaded already: this is the same one
        for name in SETTERS:
            if hasattr(library, name):
                getattr(library, name)(1)
                return True
    return False
