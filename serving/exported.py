"""A version's export as arrays: read, checked for one version, and asked which row an id has. Numpy, no torch.

The format is written and described in `learners/exports.py`. Files of different versions are opened all the same:
whoever builds a bundle compares their stamps. Nothing here scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from learners.exports import FORMAT
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.schema import SPACES, Schema, number_of
from serving.mapped_tensors import mapped_tensors
from serving.text_places import TextPlaces
from serving.texts import Texts

ITEM = SPACES.index("item")
Rows = NDArray[np.int32]


def document_of(folder: Path) -> dict[str, Any]:
    """What the export says of itself."""
    told: dict[str, Any] = json.loads((folder / "scorer.json").read_text())
    if told["format"] != FORMAT:
        raise ValueError(
            f"{folder} holds an export of format {told['format']}, this program reads format {FORMAT}: it was"
            " written by another release. Run trainer and servers of one release, or wait for its next version."
        )
    return told


def arrays_of(folder: Path, name: str) -> tuple[int, Arrays]:
    """The version and the arrays of one file, mapped."""
    told, arrays = mapped_tensors(folder / f"{name}.safetensors")
    return int(told["version"]), arrays


def texts_of(arrays: Arrays, name: str) -> Texts:
    """Texts from their bytes and ends. Raises ValueError where these do not belong together.

    >>> list(texts_of({"a.bytes": np.frombuffer(b"teapot", np.uint8), "a.ends": np.array([3, 6])}, "a"))
    ['tea', 'pot']
    """
    byte_X, end_N = arrays[f"{name}.bytes"], arrays[f"{name}.ends"]
    if len(end_N) and not (end_N[0] >= 0 and (end_N[1:] >= end_N[:-1]).all() and end_N[-1] == len(byte_X)):
        raise ValueError(f"the ends of {name} do not lie in its {len(byte_X):,} bytes, one behind the other")
    return Texts(byte_X, end_N)


def items_known(folder: Path) -> int:
    """How many items an export names, those that it does not offer among them; 0 where it does not tell."""
    path = folder / "items.safetensors"
    if not path.exists():
        return 0
    with safe_open(path, framework="numpy") as file:
        return int(file.get_slice("item_ids.ends").get_shape()[0])


class ExportedIds:
    """Exact (space, text) -> row of one version."""

    def __init__(self, arrays: Arrays, schema: Schema) -> None:
        space_I, self._key_I, self._row_I = arrays["space"], arrays["key"], arrays["row"]
        bounds = np.searchsorted(space_I, np.arange(2 * len(schema.spaces) + 1)).tolist()
        self._slice: list[tuple[int, int]] = list(pairwise(bounds))
        self._named = [TextPlaces(texts_of(arrays, f"names.{space}")) for space in schema.spaces]

    def row(self, space: int, text: str) -> int:
        """The row of an id, -1 where the version knows none."""
        key = number_of(text)
        variant = 2 * space
        if key is None:
            (key,), variant = self._named[space].of((text,)), 2 * space + 1
        return self._found(variant, key)

    def reading(self, space: int, text: str) -> int:
        """The row to read: the fallback of the space for an unknown id."""
        row = self.row(space, text)
        return space if row < 0 else row

    def reading_key(self, space: int, key: int) -> int:
        """The same for an id that is a number, and no text: a bucket of a text, a place in a vector."""
        row = self._found(2 * space, key)
        return space if row < 0 else row

    def _found(self, variant: int, key: int) -> int:
        start, end = self._slice[variant]
        at = start + int(np.searchsorted(self._key_I[start:end], key))
        return int(self._row_I[at]) if at < end and self._key_I[at] == key else -1


class ExportedItems:
    """Items of one version: those on offer first, then deleted ones that histories still name."""

    def __init__(self, arrays: Arrays, offered: int) -> None:
        every = texts_of(arrays, "item_ids")
        self.ids = every.first(offered)
        self.read_EW: Ints = arrays["read"]
        self._entries = TextPlaces(every)

    def entries_of(self, item_ids: Iterable[str]) -> list[int]:
        """Entries of items, -1 for unknown ones."""
        return self._entries.of(item_ids)

    def rows_of(self, item_ids: Iterable[str]) -> list[int]:
        """Entries of items on offer, -1 for the rest."""
        entries, offered = self.entries_of(item_ids), len(self.ids)
        if max(entries, default=-1) < offered:
            return entries
        return [entry if entry < offered else -1 for entry in entries]

    def rows_of_all(self, item_ids: Texts) -> Rows:
        """The same for very many, int32 [n]."""
        entry_N = self._entries.of_all(item_ids)
        return np.where(entry_N < len(self.ids), entry_N, np.int32(-1))


class Indexed:
    """Of a version's export only what an index is made of: `build_job.Export`."""

    def __init__(self, version: int, item_ids: list[str], item_vectors: Floats) -> None:
        self.tower_version = version
        self.item_ids = item_ids
        self.item_vectors = item_vectors
        """Of the items on offer, in the order of `item_ids`, length 1."""

    @classmethod
    def open(cls, folder: Path) -> Indexed:
        """Read two files of an export, and of these what is needed."""
        with safe_open(folder / "tower.safetensors", framework="numpy") as tower:
            version, vectors = int(tower.metadata()["version"]), tower.get_tensor("item_vectors")
        with safe_open(folder / "items.safetensors", framework="numpy") as items:
            every = texts_of({name: items.get_tensor(name) for name in ("item_ids.bytes", "item_ids.ends")}, "item_ids")
        return cls(version, every[: document_of(folder)["items"]], vectors)
