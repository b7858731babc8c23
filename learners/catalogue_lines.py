"""The integer keys of many items at once: texts that items share are looked up once. Plain loops; no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from learners.learner import Ints

Keys = Iterable[str | int]
Code = Callable[[int, str], tuple[int, int]]


def place_all(
    fields_E: Iterable[Iterable[tuple[str, int, Keys]]],
    columns: Mapping[str, slice],
    code: Code,
    lines: tuple[Ints, Ints],
) -> None:
    """Write the codes of each entry's fields (name, space, keys) into its lines of spaces and of keys, which hold none.

    >>> import numpy as np
    >>> space, key = np.full((2, 2), -1), np.zeros((2, 2), np.int64)
    >>> told = [[("item", 1, ["tea"]), ("more", 2, [7])], [("item", 1, ["jam"])]]
    >>> numbers = {"tea": (3, 0), "jam": (3, 1)}
    >>> place_all(told, {"item": slice(0, 1), "more": slice(1, 2)}, lambda space, text: numbers[text], (space, key))
    >>> space.tolist(), key.tolist()
    ([[3, 4], [3, -1]], [[0, 7], [1, 0]])
    """
    places, spaces, numbers = list[int](), list[int](), list[int]()
    codes: dict[int, dict[str, tuple[int, int]]] = {}
    width = lines[0].shape[1]
    for entry, fields in enumerate(fields_E):
        for name, space, keys in fields:
            of = codes.setdefault(space, {})
            for at, key in enumerate(keys, entry * width + columns[name].start):
                if isinstance(key, str):
                    found = of.get(key)
                    if found is None:
                        found = of[key] = code(space, key)
                else:
                    found = 2 * space, key
                places.append(at)
                spaces.append(found[0])
                numbers.append(found[1])
    lines[0].reshape(-1)[places], lines[1].reshape(-1)[places] = spaces, numbers
