"""Thin sums by slice: how well rows of one surface, one producer or one version of an app were foreseen.

A slice has a name like surface=home; each row is in one of every axis that it says something of. Of each axis so many
have sums of their own, in order of appearance; what comes later counts together, as surface=other. Learns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.chance_figures import row_of
from learners.metrics import Figures, Flags, Floats, Sums

MOST = 64
"""Slices of one axis beyond this number are counted together."""

FORMER = "surface"
"""The axis of slices whose names say none: those of older versions."""

KINDS = 4096
"""Combinations of slices that are remembered."""

Arrays = dict[str, NDArray[Any]]
Kind = tuple[str, ...]
"""The slices of a row."""


class SliceFigures:
    """Sums by slice and label.

    >>> slices = SliceFigures()
    >>> code_N = slices.codes([("surface=home", "producer=web"), ("surface=home",)], np.array([0, 1, 1]))
    >>> slices.add("click", code_N, np.full(3, 0.5), np.ones(3, np.bool_), np.ones(3))
    >>> {name: figures["n"] for name, figures in slices.report("click").items()}
    {'producer=web': 1, 'surface=home': 3}
    """

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._of_axis: dict[str, int] = {}
        self._sums: dict[str, dict[str, Sums]] = {}
        self._kinds: dict[Kind, int] = {}
        self._known: list[Kind] = []

    def codes(self, kinds: Sequence[Kind], kind_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows' kinds by numbers that hold until `add` was called for all labels."""
        if len(self._kinds) > KINDS:
            self._kinds, self._known = {}, []
        codes = list(map(self._kinds.get, kinds))
        for place, code in enumerate(codes):
            if code is None:
                codes[place] = self._kinds[kinds[place]] = len(self._known)
                self._known.append(tuple(self._slice(name) for name in kinds[place]))
        code_K = np.array(codes, np.int64)
        return code_K[kind_B]

    def add(self, label: str, code_N: NDArray[np.int64], p_N: Floats, y_N: Flags, loss_N: NDArray[np.float64]) -> None:
        """Count rows of a label."""
        size = len(self._known)
        counts = (np.bincount(code, minlength=size) for code in (code_N, code_N[y_N]))
        sums = (np.bincount(code_N, told_N, size) for told_N in (p_N, loss_N))
        (seen_K, chosen_K), (chance_K, loss_K) = counts, sums
        told_KC = np.stack([seen_K, chance_K, chosen_K, loss_K], axis=1)
        for kind in np.flatnonzero(told_KC[:, 0]).tolist():
            for name in self._known[kind]:
                self._sums.setdefault(name, {}).setdefault(label, Sums()).add(*told_KC[kind].tolist())

    def report(self, label: str) -> dict[str, Figures]:
        """Figures by slice."""
        return {name: sums[label].figures() for name, sums in sorted(self._sums.items()) if label in sums}

    @property
    def names(self) -> NDArray[Any]:
        """Every slice that has sums of its own, in order of appearance."""
        return np.array(list(self._names), np.str_)

    def state(self, label: str) -> Arrays:
        """One label's, as plain arrays."""
        told = {name: sums[label] for name, sums in self._sums.items() if label in sums}
        rows = np.array([row_of(sums) for sums in told.values()]).reshape(-1, 4)
        return {"slice_names": np.array(list(told), np.str_), "slice_sums": rows}

    def begin(self, names: NDArray[Any]) -> None:
        """Forget everything, and know these slices."""
        self._names, self._of_axis, self._sums, self._kinds, self._known = {}, {}, {}, {}, []
        for name in names:
            self._slice(_whole(str(name)))

    def load(self, label: str, arrays: Arrays) -> None:
        """Take one label's `state`, after `begin`."""
        for name, row in zip(arrays["slice_names"], arrays["slice_sums"], strict=True):
            self._sums.setdefault(_whole(str(name)), {})[label] = Sums(*row.tolist())

    def _slice(self, name: str) -> str:
        """The slice that counts under this name."""
        if name not in self._names:
            axis = name.partition("=")[0]
            if self._of_axis.get(axis, 0) >= MOST:
                name = f"{axis}=other"
            if name not in self._names:
                self._names[name] = None
                self._of_axis[axis] = self._of_axis.get(axis, 0) + 1
        return name


def _whole(name: str) -> str:
    return name if "=" in name else f"{FORMER}={name}"
