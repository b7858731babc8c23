"""Kept state: named arrays and one JSON document, as files, and as a digest over the content.

Arrays go to safetensors, never to a pickle. The digest sees names, shapes, types and bytes in a fixed order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from checkpoints import deltas

Arrays = dict[str, npt.NDArray[Any]]

ARRAYS, DOCUMENT = "learner.safetensors", "learner.json"


def keep(folder: Path, arrays: Arrays, document: Mapping[str, Any]) -> None:
    """Write both."""
    folder.mkdir(parents=True, exist_ok=True)
    deltas.write(folder / ARRAYS, arrays)
    (folder / DOCUMENT).write_text(json.dumps(document, sort_keys=True))


def kept(*folders: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read both: the arrays of the last folder, given those that it stands on, and its document."""
    document: dict[str, Any] = json.loads((folders[-1] / DOCUMENT).read_text())
    return deltas.opened([folder / ARRAYS for folder in folders])[1], document


def digest_of(arrays: Arrays, document: Mapping[str, Any]) -> str:
    """sha256 over both.

    >>> a = np.arange(3)
    >>> digest_of({"a": a, "b": a}, {}) == digest_of({"b": a.copy(), "a": a}, {})
    True
    """
    hashed = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        hashed.update(f"{name}{array.shape}{array.dtype}".encode())
        hashed.update(array.data)
    hashed.update(json.dumps(document, sort_keys=True).encode())
    return hashed.hexdigest()


def under(begin: str, arrays: Arrays) -> Arrays:
    """The arrays whose names begin so, by the rest of their names.

    >>> list(under("rows.", {"rows.ids": np.arange(2), "weights": np.arange(2)}))
    ['ids']
    """
    return {name.removeprefix(begin): array for name, array in arrays.items() if name.startswith(begin)}
