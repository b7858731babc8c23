"""Ids that wait for a row, and ids that went, as they are under another schema. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from learners.keeping import Arrays
from learners.learner import Ints


def waiting_under(arrays: Arrays, after_O: Ints) -> Arrays:
    """Ids that wait, in their order; `after_O` is the new number of each space, -1 where it went."""
    space_W = _renumbered(arrays["admission.space"], after_O)
    kept = np.flatnonzero(space_W >= 0)
    count_W2 = arrays["admission.count"]
    return {
        "admission.space": space_W[kept],
        "admission.key": arrays["admission.key"][kept],
        "admission.count": count_W2[kept],
    }


def touched_under(arrays: Arrays, after_O: Ints, rows: int) -> Arrays:
    """Every row changed, since every row moved; ids that went are told of where their space stayed."""
    space_M = _renumbered(arrays["touched.gone.space"], after_O)
    kept = np.flatnonzero(space_M >= 0)
    gone = {f"touched.gone.{name}": arrays[f"touched.gone.{name}"][kept] for name in ("stamp", "key")}
    stamp_R = np.full(rows, arrays["touched.now"][0], np.int32)
    return {"touched.stamp": stamp_R, "touched.now": arrays["touched.now"], "touched.gone.space": space_M[kept]} | gone


def _renumbered(space_N: Ints, after_O: Ints) -> Ints:
    """Codes of spaces, which are twice the number, or one more; holes and spaces that went are -1."""
    space_N = space_N.astype(np.int64)
    there_N = space_N >= 0
    after_N = np.where(there_N, after_O[np.where(there_N, space_N >> 1, 0)], -1)
    return np.where(after_N >= 0, 2 * after_N + (space_N & 1), -1)
