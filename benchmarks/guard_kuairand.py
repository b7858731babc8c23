"""KuaiRand for the guard's drill: two weeks of people's clicks in time order, sliced by tab and two more columns.

The keys are those of refresh_rows.py. Slices get their numbers from the product's own `Slices`, batch by batch, as
they would in a trainer; which of them are spoilt is told by the value of the column.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.guard_streams import BATCH, Scene
from benchmarks.refresh_rows import FILES, kuairand
from learners.guard.slices import Slices

AXES = {"tab": 2, "user_active_degree": 6, "upload_type": 11}
"""Columns of the keys by the name of their axis."""
TABS = ("0", "4")
"""Those that are spoilt: 9 % of the rows with few clicks, and 6 % with many."""
PLACES = (122_880, 163_840)
"""Rows at which a fault begins."""


def there(folder: Path) -> bool:
    return (folder / FILES[0]).is_file()


def recorded(folder: Path, rows: int | None = None) -> tuple[Scene, Slices]:
    """The rows and their slices."""
    told = kuairand(folder, rows)
    slices = Slices((*AXES,))
    names = [told.key_NF[:, column].astype(str) for column in AXES.values()]
    groups = [
        slices.groups([name_N[first : first + BATCH].tolist() for name_N in names])
        for first in range(0, len(told), BATCH)
    ]
    return Scene(told.key_NF, told.yes_N, np.concatenate(groups), slices.most_groups), slices


def group_of(slices: Slices, tab: str) -> int:
    """The group of a tab. ValueError where it has none."""
    for group in range(len(slices)):
        if slices.name(group) == ("tab", tab):
            return group
    raise ValueError(f"no slice is tab {tab}: those are {[slices.name(group) for group in range(len(slices))]}")
