"""Build a graph with hnswlib, and turn what it saves into flat arrays. For the builder's process only.

hnswlib loads, saves and frees an index with the interpreter lock held, so it never comes near a server, and the
links are searched by `graph_search.py`. The format is that of hnswlib 0.8: a 96-byte header, a fixed row per node
(links, vector, label), then the upper levels, each with its length before it.
"""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import hnswlib
import numpy as np
from numpy.typing import NDArray

from serving.graph import Floats, Graph, Ints, Longs

HEADER = struct.Struct("<QQQQQQiIQQQdQ")
COUNT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Shape:
    """How dense a graph is built: links per node and level, width of the search for them, the seed of the levels."""

    m: int = 16
    ef_construction: int = 100
    seed: int = 17


def raw_index(vec_ID: Floats, shape: Shape, threads: int = 1) -> hnswlib.Index:
    """hnswlib's own index over inner products; with more than one thread the links are not repeatable."""
    index = hnswlib.Index("ip", vec_ID.shape[1])
    index.init_index(max_elements=len(vec_ID), M=shape.m, ef_construction=shape.ef_construction, random_seed=shape.seed)
    index.add_items(vec_ID, np.arange(len(vec_ID)), num_threads=threads)
    return index


def build(vec_ID: Floats, shape: Shape, *, threads: int = 1, folder: Path | None = None) -> Graph:
    """A graph over all the vectors; `folder` is where hnswlib's file stands for a moment."""
    index = raw_index(vec_ID, shape, threads)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "graph.hnsw"
        index.save_index(str(path))
        return flat(path)


def flat(path: Path) -> Graph:
    """The arrays of a file that hnswlib saved."""
    raw: NDArray[np.uint8] = np.fromfile(path, np.uint8)
    head = HEADER.unpack(raw[: HEADER.size].tobytes())
    count, size, label_at, vector_at, entry, m, m0 = (head[n] for n in (2, 3, 4, 5, 7, 8, 9))
    end = HEADER.size + count * size
    rows = raw[HEADER.size : end].reshape(count, size)
    upper, uoff = _upper(np.ascontiguousarray(raw[end:]).view(np.int32), count, m)
    return Graph(
        links_NL=_clean(np.ascontiguousarray(rows[:, : 4 + 4 * m0]).view(np.int32)),
        upper=upper,
        uoff=uoff,
        labels_R=np.ascontiguousarray(rows[:, label_at : label_at + 8]).view(np.int64).ravel().astype(np.int32),
        vec_RD=np.ascontiguousarray(rows[:, vector_at:label_at]).view(np.float32),
        entry=int(entry),
        items=count,
    )


def _clean(links: Ints) -> Ints:
    """Counts without hnswlib's flags in their upper half, nothing in the places that no link uses."""
    links[:, 0] &= COUNT
    links[:, 1:][np.arange(links.shape[1] - 1) >= links[:, :1]] = 0
    return links


def _upper(words: Ints, count: int, m: int) -> tuple[Ints, Longs]:
    sizes = np.zeros(count, np.int64)
    lengths = np.zeros(len(words), bool)
    place = 0
    for node in range(count):
        lengths[place] = True
        sizes[node] = words[place] >> 2
        place += 1 + int(sizes[node])
    levels = words[:place][~lengths[:place]].reshape(-1, m + 1)
    return _clean(levels).ravel(), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
