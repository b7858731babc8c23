"""What a version gives to servers: arrays that are read without torch, each file stamped with the version.

    scorer.json          schema, dims, number of items
    ids.safetensors      (space, key) -> row, sorted; the texts of numbered keys; the ids that went since the version
                         before and have not come back, where there are any
    items.safetensors    item ids, those on offer first; the rows that each item's fields read
    catalogue.json       what was told of each item
    ranker.safetensors   lines of rows (vector, weights, statistics), item parts of the split first layer, pairs, layers
    tower.safetensors    rows of retrieval, the asker's matrices, item vectors

Item parts are computed here, once per version. Deleted items, and those at rest, stand at the end: histories name
them, nothing offers them. Numpy only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from learners.field_bags import weighed
from learners.fields import MEASURED, Field
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.links import Link
from learners.memory import Memory
from learners.schema import Schema
from learners.split import first_layer

FORMAT = 1
CHUNK = 1 << 12
"""Bags that are read at a time: what stands between two steps stays in the cache."""


@dataclass(frozen=True, slots=True)
class Served:
    """A learner's state, as arrays."""

    schema: Schema
    memory: Memory
    find: Callable[[Ints, Ints], Ints]
    ids: tuple[Ints, Ints]
    gone: tuple[Ints, Ints]
    rank_RW: Floats
    seek_RD: Floats
    dense: dict[str, Floats]
    pairs: tuple[Ints, Ints, Floats]
    links: tuple[Link, ...]
    based_L: Floats


def export(folder: Path, served: Served, *, version: int) -> None:
    """Write the files of a version."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = {"version": str(version)}  # one key: safetensors keeps no order of several
    offered_E = served.memory.catalogue.offered
    entry_E = np.argsort(~offered_E, kind="stable")
    items = int(offered_E.sum())
    read_EW = _read(served, entry_E)
    known = [served.memory.catalogue.known[entry] for entry in entry_E]
    files: dict[str, Arrays] = {
        "ids": _ids(served),
        "items": {"read": read_EW.astype(np.int32)} | texts("item_ids", [item.item_id for item in known]),
        "ranker": _ranker(served, entry_E[:items], read_EW[:items]),
        "tower": _tower(served, entry_E[:items], read_EW[:items]),
    }
    for name, arrays in files.items():
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / f"{name}.safetensors", stamp)
    told = [[k.item_id, k.author, k.categories, k.tags] for k in known[:items]]
    (folder / "catalogue.json").write_text(json.dumps(told))
    (folder / "scorer.json").write_text(json.dumps(_document(served, version, items), indent=1))


def texts(name: str, listed: Sequence[str | None]) -> Arrays:
    """Texts as bytes and ends; None is empty."""
    encoded = [(text or "").encode() for text in listed]
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}.ends": np.cumsum([len(text) for text in encoded], dtype=np.int64),
    }


def bag_means(line_RW: Floats, read_NW: Ints) -> Floats:
    """Means of the lines that each bag reads; -1 reads nothing, an empty bag is 0."""
    means: Floats = np.empty((len(read_NW), line_RW.shape[1]), np.float32)
    for first in range(0, len(read_NW), CHUNK):
        part = slice(first, first + CHUNK)
        there_NW = read_NW[part] >= 0
        line_NWX = line_RW[np.where(there_NW, read_NW[part], 0)] * there_NW[:, :, None]
        count_N = np.maximum(there_NW.sum(axis=1), 1)
        means[part] = line_NWX.sum(axis=1) / count_N[:, None]
    return means


def _read(served: Served, entry_E: Ints) -> Ints:
    """The rows that items' fields read, -1 where there is none."""
    catalogue = served.memory.catalogue
    space_EW, key_EW = catalogue.spaces[entry_E], catalogue.keys[entry_E]
    there_EW = space_EW >= 0
    row_N = served.find(space_EW[there_EW], key_EW[there_EW])
    read_EW = np.full(space_EW.shape, -1, np.int64)
    read_EW[there_EW] = np.where(row_N >= 0, row_N, space_EW[there_EW] >> 1)
    return read_EW


def _ids(served: Served) -> Arrays:
    space_R, key_R = served.ids
    row_I = np.flatnonzero(space_R >= 0)
    order = np.lexsort((key_R[row_I], space_R[row_I]))
    row_I = row_I[order]
    arrays: Arrays = {"space": space_R[row_I], "key": key_R[row_I], "row": row_I.astype(np.int32)}
    for name, listed in served.memory.names.dump().items():
        arrays |= texts(f"names.{name}", listed)
    gone_M, key_M = served.gone
    return arrays | ({"gone.space": gone_M, "gone.key": key_M} if len(key_M) else {})


def _lines(served: Served, line_RW: Floats, entry_N: Ints, read_NW: Ints) -> Floats:
    """Each item field's lines: means of names, sums of what was measured, [N, G, W]."""
    columns = served.memory.catalogue.columns
    return np.stack(
        [
            _measured(served, field, line_RW, entry_N)
            if field.kind in MEASURED
            else bag_means(line_RW, read_NW[:, columns[field.name]])
            for field in served.schema.items
        ],
        axis=1,
    )


def _measured(served: Served, field: Field, line_RW: Floats, entry_N: Ints) -> Floats:
    catalogue = served.memory.catalogue
    value_ND = catalogue.measures[entry_N, catalogue.measured[field.name]]
    weight_ND = np.nan_to_num(weighed(value_ND, field, served.memory.numbers)).astype(np.float32)
    key_D = np.arange(value_ND.shape[1])
    row_D = served.find(np.full(len(key_D), 2 * field.space, np.int64), key_D)
    sums: Floats = weight_ND @ line_RW[np.where(row_D >= 0, row_D, field.space)]
    return sums


def _ranker(served: Served, entry_N: Ints, read_NW: Ints) -> Arrays:
    schema, dense = served.schema, served.dense
    dim = served.rank_RW.shape[1] - len(schema.labels) - schema.stats
    layer = first_layer(dense["first.weight"], dense["first.bias"], schema=schema, dim=dim)
    line_NGW = _lines(served, served.rank_RW, entry_N, read_NW)
    user_P, value_P, stat_PL = served.pairs
    kept = np.flatnonzero(user_P >= 0)
    kept = kept[np.argsort(user_P[kept], kind="stable")]
    names = ("first.weight", "first.bias", "second.weight", "second.bias", "head.weight")
    layers: Arrays = {name: dense[name] for name in names}
    arrays: Arrays = {
        "rows": served.rank_RW,
        "item_vectors": line_NGW[:, :, :dim].reshape(len(read_NW), len(schema.items) * dim),
        "item_part": layer.part(line_NGW, len(schema.askers) + 1),
        "pair_user": user_P[kept],
        "pair_value": value_P[kept].astype(np.int32),
        "pair_stat": stat_PL[kept],
        "base": served.memory.counters.base * served.based_L,
    }
    return arrays | layers


def _tower(served: Served, entry_N: Ints, read_NW: Ints) -> Arrays:
    line_NGD = _lines(served, served.seek_RD, entry_N, read_NW)
    sum_ND = np.tensordot(line_NGD, served.dense["item.weight"], ((1, 2), (0, 1)))
    length_N = np.maximum(np.sqrt((sum_ND * sum_ND).sum(axis=1, keepdims=True)), 1e-6)
    return {
        "rows": served.seek_RD,
        "asker": served.dense["asker.weight"],
        "item_vectors": (sum_ND / length_N).astype(np.float32),
    }


def _document(served: Served, version: int, items: int) -> dict[str, Any]:
    told = {"format": FORMAT, "version": version, **served.schema.told, "items": items}
    numbers = served.memory.numbers.told_K3.tolist()
    links = [link.told for link in served.links]
    return told | ({"numbers": numbers} if numbers else {}) | ({"links": links} if any(links) else {})
