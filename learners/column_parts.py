"""Some rows of columns, and columns as arrays and back. Decides nothing about them."""

from __future__ import annotations

import numpy as np

from learners.columns import BagColumns, Columns
from learners.keeping import Arrays
from learners.learner import Bools

OPTIONAL = ("decided_BL", "weight_B", "at_B")


def rows_of(columns: Columns, wanted_B: Bools) -> Columns:
    """The wanted rows, in their order; the very columns where all are wanted.

    >>> told = Columns(np.array([[1], [2]]), np.array([[1.0], [0.0]], np.float32))
    >>> rows_of(told, np.array([False, True])).key_BF.tolist()
    [[2]]
    """
    if wanted_B.all():
        return columns
    decided_BL, weight_B, at_B = columns.decided_BL, columns.weight_B, columns.at_B
    bags = columns.bags
    if bags is not None:
        bags = BagColumns(bags.key_N[np.repeat(wanted_B, bags.count_BG.sum(axis=1))], bags.count_BG[wanted_B])
    return Columns(
        columns.key_BF[wanted_B],
        columns.value_BL[wanted_B],
        None if decided_BL is None else decided_BL[wanted_B],
        None if weight_B is None else weight_B[wanted_B],
        None if at_B is None else at_B[wanted_B],
        bags,
    )


def dumped(columns: Columns, name: str) -> Arrays:
    """Arrays whose names begin with `name`."""
    arrays: Arrays = {name + "key_BF": columns.key_BF, name + "value_BL": columns.value_BL}
    for part in OPTIONAL:
        if getattr(columns, part) is not None:
            arrays[name + part] = getattr(columns, part)
    if columns.bags is not None:
        arrays |= {name + "bag_key_N": columns.bags.key_N, name + "bag_count_BG": columns.bags.count_BG}
    return arrays


def loaded(arrays: Arrays, name: str) -> Columns:
    """What `dumped` gave."""
    bags = None
    if name + "bag_key_N" in arrays:
        bags = BagColumns(arrays[name + "bag_key_N"], arrays[name + "bag_count_BG"])
    decided_BL, weight_B, at_B = (arrays.get(name + part) for part in OPTIONAL)
    return Columns(arrays[name + "key_BF"], arrays[name + "value_BL"], decided_BL, weight_B, at_B, bags)
