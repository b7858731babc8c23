"""Texts as exact integer keys: a decimal text is its own number, any other is numbered in order of first sight.

Each id space has names of its own, so that forgetting a user forgets the text too. Not an id -> row map: that one is
in `tables.py`, and sees (space, key) only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learners.schema import number_of
from learners.tables.changed import Changed


class Names:
    """Even spaces hold numbers, odd ones numbered texts.

    >>> names = Names(("user", "item"))
    >>> names.code(1, "42"), names.code(1, "tea"), names.code(1, "042"), names.code(0, "tea")
    ((2, 42), (3, 0), (3, 1), (1, 0))
    """

    def __init__(self, spaces: Sequence[str]) -> None:
        self._spaces = tuple(spaces)
        self._texts: list[list[str | None]] = [[] for _ in spaces]
        self._numbers: list[dict[str, int]] = [{} for _ in spaces]
        self._mark: list[int] = [0 for _ in spaces]
        self.changed = {space: Changed() for space in spaces}
        """Numbers whose texts may have come or gone."""

    def code(self, space: int, text: str) -> tuple[int, int]:
        """(space, key) of a text; a new text gets the next number, provisionally until `settle`."""
        known = self._numbers[space]
        key = known.get(text)
        if key is None:
            number = number_of(text)
            if number is not None:
                return 2 * space, number
            key = known[text] = len(self._texts[space])
            self._texts[space].append(text)
            self._touch(space, key)
        return 2 * space + 1, key

    def settle(self) -> None:
        """Keep what was named since the last settle or withdraw."""
        self._mark = [len(texts) for texts in self._texts]

    def withdraw(self) -> None:
        """Unname what was named since then."""
        for texts, numbers, mark in zip(self._texts, self._numbers, self._mark, strict=True):
            for text in texts[mark:]:
                if text is not None:
                    del numbers[text]
            del texts[mark:]

    def forget(self, space: int, text: str) -> tuple[int, int]:
        """The code that the text had; its number is never given out again."""
        number = number_of(text)
        if number is not None:
            return 2 * space, number
        key = self._numbers[space].pop(text, None)
        if key is None:
            return 2 * space + 1, -1
        self._texts[space][key] = None
        self._touch(space, key)
        return 2 * space + 1, key

    def put(self, space: int, key: int, text: str | None) -> None:
        """Become what a version says of one number; the numbers before it stand already."""
        texts, numbers = self._texts[space], self._numbers[space]
        texts.extend([None] * (key + 1 - len(texts)))
        if (before := texts[key]) is not None and numbers.get(before) == key:
            del numbers[before]
        texts[key] = text
        if text is not None:
            numbers[text] = key

    def text(self, space: int, key: int) -> str | None:
        """The text of a code."""
        return self._texts[space >> 1][key] if space & 1 else str(key)

    def dump(self) -> dict[str, list[str | None]]:
        """Everything, for a snapshot."""
        return dict(zip(self._spaces, self._texts, strict=True))

    def load(self, dumped: dict[str, list[str | None]]) -> None:
        """Become what `dump` gave."""
        self._texts = [list(dumped[space]) for space in self._spaces]
        self._numbers = [{t: i for i, t in enumerate(texts) if t is not None} for texts in self._texts]
        self.changed = {space: Changed() for space in self._spaces}
        self.settle()

    def _touch(self, space: int, key: int) -> None:
        self.changed[self._spaces[space]].touch(np.array([key]))
