"""What a version gives to servers: arrays that are read without torch, each file stamped with the version.

    scorer.json          schema, dims, number of items
    ids.safetensors      (space, key) -> row, sorted; the texts of numbered keys; the ids that went since the version
                         before and have not come back, where there are any
    items.safetensors    item ids, those on offer first; the rows that each item's fields read
    catalogue.json       what was told of each item
    ranker.safetensors   lines of rows (vector, weights, statistics), item parts of the split first layer, pairs, layers
    tower.safetensors    rows of retrieval, the asker's and the item's matrices, item vectors

Item parts are computed here, once per version. Deleted items, and those at rest, stand at the end: histories name
them, nothing offers them. Numpy only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import save_file

from learners.export_orders import Orders
from learners.item_lines import ItemLines
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.links import Link
from learners.memory import Memory
from learners.schema import Schema
from learners.split import first_layer

FORMAT = 1


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


def export(folder: Path, served: Served, *, version: int, orders: Orders | None = None) -> None:
    """Write the files of a version; `orders` of the version before, brought along, save work and change no byte."""
    folder.mkdir(parents=True, exist_ok=True)
    orders = orders or Orders()
    catalogue = served.memory.catalogue
    entry_E = np.argsort(~catalogue.offered, kind="stable")
    items = int(catalogue.offered.sum())
    read_EC = orders.read(catalogue, served.find)[entry_E]
    known = [catalogue.known[entry] for entry in entry_E.tolist()]
    lines = ItemLines(served.schema, served.memory, served.find, entry_E[:items], read_EC[:items])
    _write(folder, "ids", _ids(served, orders), version)
    _write(folder, "items", {"read": read_EC} | texts("item_ids", [item.item_id for item in known]), version)
    _write(folder, "ranker", _ranker(served, lines, orders), version)
    _write(folder, "tower", _tower(served, lines), version)
    told = [[k.item_id, k.author, k.categories, k.tags] for k in known[:items]]
    (folder / "catalogue.json").write_bytes(msgspec.json.encode(told))
    (folder / "scorer.json").write_text(json.dumps(_document(served, version, items), indent=1))


def _write(folder: Path, name: str, arrays: Arrays, version: int) -> None:
    stamp = {"version": str(version)}  # one key: safetensors keeps no order of several
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / f"{name}.safetensors", stamp)


def texts(name: str, listed: Sequence[str | None]) -> Arrays:
    """Texts as bytes and ends; None is empty."""
    encoded = [(text or "").encode() for text in listed]
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}.ends": np.cumsum([len(text) for text in encoded], dtype=np.int64),
    }


def _ids(served: Served, orders: Orders) -> Arrays:
    space_R, key_R = served.ids
    row_I = orders.ids(space_R, key_R)
    arrays: Arrays = {"space": space_R[row_I], "key": key_R[row_I], "row": row_I.astype(np.int32)}
    for name, listed in served.memory.names.dump().items():
        arrays |= texts(f"names.{name}", listed)
    gone_M, key_M = served.gone
    return arrays | ({"gone.space": gone_M, "gone.key": key_M} if len(key_M) else {})


def _ranker(served: Served, lines: ItemLines, orders: Orders) -> Arrays:
    schema, dense = served.schema, served.dense
    dim = served.rank_RW.shape[1] - len(schema.labels) - schema.stats
    layer = first_layer(dense["first.weight"], dense["first.bias"], schema=schema, dim=dim)
    vectors, parts = lines.ranked(served.rank_RW, layer, dim)
    user_P, value_P, stat_PL = served.pairs
    line_N = orders.pairs(user_P)
    names = ("first.weight", "first.bias", "second.weight", "second.bias", "head.weight")
    layers: Arrays = {name: dense[name] for name in names}
    arrays: Arrays = {
        "rows": served.rank_RW,
        "item_vectors": vectors,
        "item_part": parts,
        "pair_user": user_P[line_N],
        "pair_value": value_P[line_N].astype(np.int32),
        "pair_stat": stat_PL[line_N],
        "base": served.memory.counters.base * served.based_L,
    }
    return arrays | layers


def _tower(served: Served, lines: ItemLines) -> Arrays:
    asker, item = served.dense["asker.weight"], served.dense["item.weight"]
    return {"rows": served.seek_RD, "asker": asker, "item": item, "item_vectors": lines.sought(served.seek_RD, item)}


def _document(served: Served, version: int, items: int) -> dict[str, Any]:
    told = {"format": FORMAT, "version": version, **served.schema.told, "items": items}
    numbers = served.memory.numbers.told_K3.tolist()
    links = [link.told for link in served.links]
    return told | ({"numbers": numbers} if numbers else {}) | ({"links": links} if any(links) else {})
