"""The index of one version, mapped from its folder: checked whole before its first search, never changed after.

It holds the version's serving export too (`export`), so a server needs nothing but this folder. Building one is for
`builder.py`, choosing one for `live.py`.
"""

from __future__ import annotations

import zipfile
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.delta import Changes
from serving.generation_files import ARRAYS, CANARY, EXPORT, About, DamagedGeneration, link, read_about, seal, verify
from serving.graph import BrokenGraph, Floats, Graph, Ints, check
from serving.graph_kernels import Mask
from serving.graph_search import Searcher

ASKED = 64
"""Queries of late that a generation keeps."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Queries with their exact answers: what recall is measured on, before a generation serves and while it does.

    Its queries stand near items. What people ask stands where they do; that is measured by `late_queries.py`.
    """

    query_QD: Floats
    row_QK: Ints

    def recall(self, searcher: Searcher, ef: int | None = None) -> float:
        """Share of the exact answers that the searches find; 1.0 where nothing is asked."""
        return float(self.found(searcher, ef).mean()) if self.row_QK.size else 1.0

    def found(self, searcher: Searcher, ef: int | None = None) -> NDArray[np.float64]:
        """By query, the share of its exact answers that a search finds."""
        wanted = self.row_QK.shape[1]
        found_Q = [
            len(np.intersect1d(searcher.search(query_D, wanted, ef=ef)[0], row_K, assume_unique=True))
            for query_D, row_K in zip(self.query_QD, self.row_QK, strict=True)
        ]
        return np.array([found / wanted for found in found_Q])


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Generation:
    """Answers which items are nearest, for one version. Row i is item i of the version's `item_ids`."""

    about: About
    folder: Path
    searcher: Searcher
    canary: Canary
    asked: deque[Floats] = field(default_factory=lambda: deque(maxlen=ASKED))
    """The last queries, for whoever warms or measures another generation."""

    @classmethod
    def open(cls, folder: Path) -> Generation:
        """Map a folder whose hashes, shapes and ranges hold. Raises DamagedGeneration."""
        about = read_about(folder)
        verify(folder, about)
        graph = _graph(folder, about)
        try:
            check(graph)
        except BrokenGraph as error:
            raise DamagedGeneration(folder, "arrays", str(error)) from error
        return cls(about, folder, Searcher(graph, ef=about.ef), _canary(folder, about))

    @property
    def version(self) -> int:
        return self.about.version

    @property
    def items(self) -> int:
        return self.about.items

    @property
    def changes(self) -> Changes:
        """What changed since it was built: another object after each change."""
        return self.searcher.delta.now

    @property
    def export(self) -> Path:
        """The folder that `Scorer.open` reads."""
        return self.folder / EXPORT

    def search(
        self, query_D: Floats, k: int, hide: Mask | None = None, *, beyond: bool = False, ef: int | None = None
    ) -> tuple[Ints, Floats]:
        """Rows of the nearest items that `hide` leaves, nearest first, and their scores; `beyond` it too, where that is
        asked for: rows from `items` on are items that came since. `ef` is how many nodes a walk keeps in hand."""
        self.asked.append(query_D)
        return self.searcher.search(query_D, k, hide, ef=ef, beyond=beyond)

    def exact(self, query_D: Floats, k: int, hide: Mask | None = None) -> tuple[Ints, Floats]:
        """The oracle: every row compared."""
        return self.searcher.exact(query_D, k, hide)

    def recall(self) -> float:
        """Of the canary's exact answers, the share that is found."""
        return self.canary.recall(self.searcher)

    def warm(self, asked: Iterable[Floats] = ()) -> None:
        """Compile, page in, make scratch memory: all that the first requests would wait for. `asked` are queries of
        late, which lead where the next ones will."""
        nothing_hidden = np.zeros(self.items, np.uint8)
        fitting = [query_D for query_D in asked if query_D.shape == (self.about.dim,)]
        for query_D in [*self.canary.query_QD[:32], *fitting]:
            self.searcher.search(query_D, 100)
            self.searcher.search(query_D, 100, nothing_hidden)


def write(folder: Path, graph: Graph, canary: Canary, about: About) -> About:
    """Fill and seal a folder; the files that it shares with others (kept links, the export) stand in it already.

    Without a `base.npy` in it the links are new: what they were built for is the vectors themselves.
    """
    arrays: dict[str, NDArray[Any]] = {
        "links": graph.links_NL,
        "upper": graph.upper,
        "uoff": graph.uoff,
        "labels": graph.labels_R,
        "vec": graph.vec_RD,
    }
    for name, array in arrays.items():
        if not (folder / f"{name}.npy").exists():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
    if not (folder / "base.npy").exists():
        link(folder / "vec.npy", folder / "base.npy")
    np.savez(folder / CANARY, query=canary.query_QD, row=canary.row_QK)
    return seal(folder, about)


def _graph(folder: Path, about: About) -> Graph:
    loaded = {name: _mapped(folder, f"{name}.npy") for name in ARRAYS}
    vec_RD, base_ND = loaded["vec"], loaded["base"]
    if vec_RD.ndim != 2 or vec_RD.shape[1] != about.dim or base_ND.ndim != 2:
        raise DamagedGeneration(
            folder,
            "vec.npy",
            f"is {vec_RD.shape} beside base.npy of {base_ND.shape}; the manifest says {about.dim} wide",
        )
    return Graph(
        links_NL=loaded["links"],
        upper=loaded["upper"],
        uoff=loaded["uoff"],
        labels_R=loaded["labels"],
        vec_RD=vec_RD,
        entry=about.entry,
        items=about.items,
    )


def _mapped(folder: Path, name: str) -> NDArray[Any]:
    try:
        return np.asarray(np.load(folder / name, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise DamagedGeneration(folder, name, f"is no array ({error})") from error


def _canary(folder: Path, about: About) -> Canary:
    try:
        with np.load(folder / CANARY, allow_pickle=False) as file:
            canary = Canary(file["query"], file["row"])
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DamagedGeneration(folder, CANARY, f"can't be read ({error})") from error
    query_QD, row_QK = canary.query_QD, canary.row_QK
    if query_QD.ndim != 2 or row_QK.ndim != 2 or query_QD.shape != (len(row_QK), about.dim):
        raise DamagedGeneration(folder, CANARY, f"holds queries {query_QD.shape} and answers {row_QK.shape}")
    return canary
