"""Texts in files of arrays: JSON, a line each, whose first two members say what the third is about; the last one holds.

A whole file has one array of them, under NAME; a delta brings one of its own, under NAME.BASE with the number of the
version that it stands on, so putting a chain together only adds arrays. `tidied` leaves of each what holds.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Entry = tuple[str, int, Any]
"""Space, number in it, and what is said of it."""

SIGN = ".lines"


def name_of(of: str, base: int | None) -> str:
    """The array's name; `base` is the version that a delta stands on.

    >>> name_of("names", None), name_of("names", 7)
    ('names.lines', 'names.lines.00000007')
    """
    return f"{of}{SIGN}" if base is None else f"{of}{SIGN}.{base:08d}"


def written(entries: Iterable[Entry]) -> NDArray[np.uint8]:
    """Entries as bytes.

    >>> read([written([("user", 0, "ana")]), written([("user", 0, None), ("item", 3, "tea")])])
    [['user', 0, 'ana'], ['user', 0, None], ['item', 3, 'tea']]
    """
    return np.frombuffer(msgspec.json.Encoder().encode_lines(list(entries)), np.uint8)


def read(parts: Iterable[NDArray[np.uint8]]) -> list[list[Any]]:
    """All entries in their order."""
    decoder = msgspec.json.Decoder(list[Any])
    with uncollected():
        return [entry for part in parts for entry in decoder.decode_lines(part.tobytes())]


@contextmanager
def uncollected() -> Iterator[None]:
    """While a million small lists are made: else they are looked through again and again, which takes five times as
    long."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def taken(of: str, arrays: Arrays) -> list[list[Any]]:
    """The entries of what a chain was put together to; their arrays are taken out."""
    return read([arrays.pop(name) for name in _names(of, arrays)])


def has(of: str, arrays: Arrays) -> bool:
    """Whether there are any."""
    return bool(_names(of, arrays))


def tidied(arrays: Arrays) -> Arrays:
    """The same with one array for each name, in which of every entry only the last is left.

    >>> both = {"a.lines": written([("user", 1, "x"), ("user", 0, "y")])}
    >>> both |= {"a.lines.00000004": written([("user", 1, None)])}
    >>> {name: array.tobytes() for name, array in tidied(both).items()}
    {'a.lines': b'["user",0,"y"]\\n["user",1,null]\\n'}
    """
    left = dict(arrays)
    for of in sorted({name.partition(SIGN)[0] for name in arrays if SIGN in name}):
        last = {(space, number): said for space, number, said in taken(of, left)}
        left[name_of(of, None)] = written((*key, last[key]) for key in sorted(last))
    return left


def _names(of: str, arrays: Arrays) -> list[str]:
    return sorted(name for name in arrays if name == f"{of}{SIGN}" or name.startswith(f"{of}{SIGN}."))
