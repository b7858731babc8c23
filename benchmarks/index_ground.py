"""What `index.py` measures over: vectors and queries drawn from a seed, hnswlib's index of them, and the same graph as
a generation on a disk. Nothing here is timed but the build.

What took long to make may stay for the next run: a folder that was made for as many items is used as it is.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import hnswlib
import numpy as np
from numpy.typing import NDArray

from serving.build import RULES, WIDTHS, canary_of
from serving.generation import Generation, write
from serving.generation_files import About
from serving.graph import Graph
from serving.graph_search import Searcher
from serving.hnsw_index import Shape, flat, raw_index

Floats = NDArray[np.float32]
DIM, K, SEED = 64, 100, 7
MADE = "made.json"


class World:
    """Unit vectors around shared middles, their spread decaying over the dimensions; queries spread a tenth wider."""

    def __init__(self, items: int, *, seed: int = SEED, dim: int = DIM) -> None:
        self._random = np.random.default_rng(seed)
        self._dim = dim
        self._middle_CD = self._random.normal(size=(max(4, items // 200), dim))

    def draw(self, count: int, *, wider: float = 1.0) -> Floats:
        """So many, of length 1."""
        spread_D = wider * np.linspace(1.4, 0.4, self._dim)
        drawn = np.empty((count, self._dim), np.float32)
        for first in range(0, count, 1 << 16):
            part = drawn[first : first + (1 << 16)]
            middle = self._middle_CD[self._random.integers(0, len(self._middle_CD), len(part))]
            part[:] = middle + self._random.normal(size=part.shape) * spread_D
        return unit(drawn)


def unit(vec: Floats) -> Floats:
    """The same directions at length 1."""
    length: Floats = (vec / np.linalg.norm(vec, axis=-1, keepdims=True)).astype(np.float32)
    return length


def shape_of(items: int) -> Shape:
    """Denser where there are many: recall per microsecond is dearer by a wider search."""
    return Shape(m=32 if items >= 500_000 else 16)


@dataclass(frozen=True, slots=True)
class Ground:
    """Vectors, a peer that holds them, and where the same graph lies flat."""

    vec_ID: Floats
    query_QD: Floats
    new_TD: Floats
    peer: hnswlib.Index
    graph: Graph
    place: Path
    build_s: float

    @classmethod
    def prepare(cls, items: int, queries: int, new: int, place: Path) -> Ground:
        """From what an earlier run left, or made now. Raises ValueError where that was for another number of items."""
        place.mkdir(parents=True, exist_ok=True)
        world = World(items)
        vec_ID, query_QD, new_TD = world.draw(items), world.draw(queries, wider=1.1), world.draw(new)
        made, saved = place / MADE, place / "peer"
        told = json.loads(made.read_text()) if made.exists() else {}
        if told and told["items"] != items:
            raise ValueError(f"{place} was made for {told['items']:,} items, not {items:,}: remove it")
        if told:
            peer = hnswlib.Index("ip", DIM)
            peer.load_index(str(saved), max_elements=items)
        else:
            start = time.perf_counter()
            peer = raw_index(vec_ID, shape_of(items), threads=2)
            told = {"items": items, "build_s": time.perf_counter() - start}
            peer.save_index(str(saved))
            made.write_text(json.dumps(told))
        return cls(vec_ID, query_QD, new_TD, peer, flat(saved), place, told["build_s"])


def mapped(graph: Graph, folder: Path, version: int, ef: int | None = None) -> Generation:
    """The graph as a generation on a disk, opened as a server opens it; searched as widely as the builder's gate asks,
    where nothing else is said."""
    folder.mkdir()
    canary, searcher = canary_of(graph.vec_RD[np.argsort(graph.labels_R)], seed=1), Searcher(graph)
    ef = ef or next((wide for wide in WIDTHS if canary.recall(searcher, wide) >= RULES.gate), WIDTHS[-1])
    about = About(version=version, parent=None, items=graph.items, dim=graph.vec_RD.shape[1], entry=graph.entry, ef=ef)
    write(folder, graph, canary, about)
    generation = Generation.open(folder)
    generation.warm()
    return generation
