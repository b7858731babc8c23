"""Names in the order of their first sight with some numbers each, kept beside a dict that changes a little at a time.

A copy of them costs what a copy of an array does, since only lines that were touched are read from the dict; texts are
made of the names later, by whoever writes them. What the numbers mean is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CHUNK = 10_000
"""Names written in one go: nobody else runs meanwhile."""


class NameLines:
    """Beside a dict, whose `numbers` are asked for by name.

    >>> seen, lines = {"tea": 1.0, "jam": 2.0}, NameLines(1)
    >>> first = lines.held(seen, lambda name: (seen[name],)); seen |= {"jam": 3.0, "bun": 4.0}; lines.touch(["jam"])
    >>> then = lines.held(seen, lambda name: (seen[name],))
    >>> [(names().tobytes(), number_NW().ravel().tolist()) for names, number_NW in (first, then)]
    [(b'["tea", "jam"]', [1.0, 2.0]), (b'["tea", "jam", "bun"]', [1.0, 3.0, 4.0])]
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self.begin()

    def begin(self) -> None:
        """The dict is another one."""
        self._line: dict[str, int] = {}
        self._names: list[str] = []
        self._number_NW = np.empty((64, self._width))
        self._touched: set[str] = set()

    def touch(self, names: Iterable[str]) -> None:
        """The numbers of these changed. Names that came need not be told."""
        self._touched.update(names)

    def drop(self, names: Iterable[str]) -> None:
        """These went."""
        gone = sorted(self._line[name] for name in names if name in self._line)
        if not gone:
            return
        left = np.delete(np.arange(len(self._names)), gone)
        self._number_NW, self._names = self._number_NW[left], [self._names[n] for n in left.tolist()]
        self._line = {name: n for n, name in enumerate(self._names)}

    def held(
        self, of: dict[Any, Any], numbers: Callable[[str], Sequence[float]]
    ) -> tuple[Callable[[], Array], Callable[[], Array]]:
        """What makes the names of `of`, as JSON, and their numbers, as of now; others may ask for them later."""
        new = list(islice(reversed(of), len(of) - len(self._names)))[::-1]
        for name in new:
            self._line[name] = len(self._names)
            self._names.append(name)
        self._reach(len(self._names))
        for name in self._touched.union(new):
            if (line := self._line.get(name)) is not None:
                self._number_NW[line] = numbers(name)
        self._touched.clear()
        names, count = self._names, len(self._names)  # it is added to, never changed
        number_NW = self._number_NW[:count].copy()
        return lambda: as_json(names[:count]), lambda: number_NW

    def _reach(self, lines: int) -> None:
        if lines > len(self._number_NW):
            more = np.empty((max(lines, 2 * len(self._number_NW)), self._width))
            more[: len(self._number_NW)] = self._number_NW
            self._number_NW = more


def as_json(names: Sequence[str]) -> Array:
    """A list of texts as bytes.

    >>> as_json(["tea", "jam"]).tobytes(), as_json([]).tobytes()
    (b'["tea", "jam"]', b'[]')
    """
    parts = [json.dumps(names[first : first + CHUNK])[1:-1] for first in range(0, len(names), CHUNK)]
    return np.frombuffer(f"[{', '.join(parts)}]".encode(), np.uint8)
