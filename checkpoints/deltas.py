"""Arrays of a version that stands on another one: what changed, and the two put together again.

In a file `NAME.safetensors` of a delta stand, beside `@base` (the version that it stands on),

    ARRAY                                      the whole array, new
    ARRAY@rows, ARRAY@values, ARRAY@length     rows that changed (ascending), what they are now, how many there are now;
                                               rows that the base does not have are all given
    ARRAY@none                                 there is no such array any more

and what is not named is as it was. A file without `@base` is whole. Knows nothing of what the arrays mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from checkpoints.errors import DamagedVersion

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
Longs = npt.NDArray[np.int64]

BASE, ROWS, VALUES, LENGTH, NONE = "@base", "@rows", "@values", "@length", "@none"
WHOLE_FROM = 0.75
"""From this share of changed rows on the whole array is not much longer, and is quicker to read."""


def delta(base: int, *parts: Mapping[str, Array]) -> Arrays:
    """The arrays of a file that stands on version `base`, of `changed`, `gone` and whole arrays."""
    arrays: Arrays = {BASE: np.array(base, np.int64)}
    for part in parts:
        arrays.update(part)
    return arrays


def is_delta(arrays: Mapping[str, Array]) -> bool:
    """Whether these stand on another version."""
    return BASE in arrays


def changed(name: str, array: Array, row_N: Longs, was: int) -> Arrays:
    """What to write of an array whose first axis was `was` long and of which `row_N` (in any order) changed since;
    rows from `was` on are added. All of it is copied, so that the array may go on changing.

    >>> {name: part.tolist() for name, part in changed("a", np.arange(9.0), np.array([1]), 8).items()}
    {'a@rows': [1, 8], 'a@values': [1.0, 8.0], 'a@length': 9}
    """
    length = len(array)
    old = np.unique(row_N[row_N < min(was, length)])
    if len(old) + max(length - was, 0) >= WHOLE_FROM * length:
        return {name: array.copy()}
    row_C = np.concatenate([old, np.arange(was, length)]).astype(np.int64)
    return {name + ROWS: row_C, name + VALUES: array[row_C], name + LENGTH: np.array(length, np.int64)}


def gone(name: str) -> Arrays:
    """What to write of an array that the base has and this version has not."""
    return {name + NONE: np.empty(0, np.int8)}


def merged(base: Arrays, *deltas: Arrays) -> Arrays:
    """The arrays of the last of `deltas`, each of which stands on the one before it and the first on `base`.

    Arrays of `base` are written to where they can be, so it is used up. Raises DamagedVersion where a delta does not
    fit what it stands on.

    >>> first = delta(1, changed("a", np.array([1, 5, 3, 4, 6]), np.array([1]), 4), {"b": np.ones(1)})
    >>> second = delta(2, changed("a", np.array([0, 5, 3, 4, 6]), np.array([0]), 5), gone("b"))
    >>> merged({"a": np.array([1, 2, 3, 4])}, first, second)
    {'a': array([0, 5, 3, 4, 6])}
    """
    names = dict.fromkeys(_plain(name) for arrays in (base, *deltas) for name in arrays if name != BASE)
    together = {name: _merged(name, base.get(name), deltas) for name in names}
    return {name: array for name, array in together.items() if array is not None}


def opened(paths: Sequence[Path]) -> tuple[dict[str, str], Arrays]:
    """The metadata and the arrays of the last file of a chain, whose first one is whole; those before the last whole
    one are not read. Raises DamagedVersion."""
    metadata: dict[str, str] = {}
    links: list[Arrays] = []
    for path in reversed(paths):
        told, arrays = read(path)
        metadata = metadata or told
        links.insert(0, arrays)
        if not is_delta(arrays):
            return metadata, links[0] if len(links) == 1 else merged(links[0], *links[1:])
    raise DamagedVersion(
        f"{paths[-1] if paths else 'nothing'} stands on version {int(links[0][BASE]) if links else '?'}, which was not "
        "given: open it with every version that it stands on"
    )


def read(path: Path) -> tuple[dict[str, str], Arrays]:
    """Metadata and arrays of one file, as they stand there. Raises DamagedVersion where it is none."""
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {}), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, FileNotFoundError) as error:
        raise DamagedVersion(f"{path} can't be read as arrays ({error}); restore it, or use its parent") from error


def write(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> None:
    """Write one file. Give one key of metadata at most: several would stand in any order. Raises OSError."""
    whole = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    try:
        save_file(whole, path, metadata=dict(metadata) if metadata else None)
    except SafetensorError as error:  # arrays as such can always be written, so it was the disk
        raise OSError(f"{path} can't be written: {error}") from error


def _plain(name: str) -> str:
    """The array that an entry is about.

    >>> _plain("a@rows"), _plain("a@b")
    ('a', 'a@b')
    """
    return next((name.removesuffix(sign) for sign in (ROWS, VALUES, LENGTH, NONE) if name.endswith(sign)), name)


def _merged(name: str, array: Array | None, deltas: Sequence[Arrays]) -> Array | None:
    begin = 0
    for n, arrays in enumerate(deltas):
        if name in arrays or name + NONE in arrays:
            array, begin = arrays.get(name), n + 1
    parts = [arrays for arrays in deltas[begin:] if name + ROWS in arrays]
    if not parts:
        return array
    if array is None:
        raise DamagedVersion(f"rows of {name} are given, but what they stand on has no such array")
    longest = max(int(part[name + LENGTH]) for part in parts)
    room, length = _room(array, longest), len(array)
    for part in parts:
        row_C, value_C = _checked(name, part, room, length)
        room[row_C] = value_C
        length = int(part[name + LENGTH])
    return room[:length]


def _room(array: Array, length: int) -> Array:
    """An array that may be written to, at least so long."""
    if len(array) >= length:
        return array if array.flags.writeable else array.copy()
    room = np.empty((length, *array.shape[1:]), array.dtype)
    room[: len(array)] = array
    return room


def _checked(name: str, part: Arrays, room: Array, length: int) -> tuple[Longs, Array]:
    """Rows and values that fit an array which is `length` long."""
    row_C, value_C, now = part[name + ROWS], part[name + VALUES], int(part[name + LENGTH])
    added = int((row_C >= length).sum())
    fits = value_C.dtype == room.dtype and value_C.shape == (len(row_C), *room.shape[1:])
    ordered = not len(row_C) or bool(row_C[0] >= 0 and row_C[-1] < now and (row_C[1:] > row_C[:-1]).all())
    if not fits or not ordered or added != max(now - length, 0):
        raise DamagedVersion(
            f"{len(row_C):,} rows of {name} ({value_C.dtype}{list(value_C.shape[1:])}, {added:,} of them new) do not "
            f"make {now:,} rows of {length:,} ({room.dtype}{list(room.shape[1:])}): they stand on another version"
        )
    return row_C, value_C
