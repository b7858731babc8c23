"""Queries of late, from the servers that were asked to the builder that measures the next index by them.

A canary is made of items, so it says what is found near items; people ask from anywhere, and there a walk finds less.
Each server leaves its last queries in a file beside the generations: vectors that name nobody, and are gone soon.
"""

from __future__ import annotations

import io
import os
import socket
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from checkpoints.files import write_whole
from serving.generation import Canary, Generation
from serving.generation_files import DamagedGeneration, folder_of
from serving.graph import Floats, without_links
from serving.graph_search import Searcher
from serving.late_recall import LateRecall

FOLDER = "asked"
LIFE = 3_600
"""Seconds after which they are no queries of late, and their file goes."""
MOST, K = 64, 100
"""Queries that an index is measured by, and nearest items that each of them wants."""
MARGIN = 3.3
"""Standard errors that a fall must be sure by, as in the gate of versions."""


@dataclass(frozen=True, slots=True)
class Late:
    """Queries of late with their exact answers among new vectors, and the share that the generation finds which was
    asked, by query, of its own; None where that one looks at every item."""

    wanted: Canary
    before_Q: NDArray[np.float64] | None

    def recall(self, searcher: Searcher, ef: int | None = None) -> LateRecall:
        """What a graph of the new vectors finds of them, beside what was found before."""
        found_Q, before_Q = self.wanted.found(searcher, ef), self.before_Q
        recall = float(found_Q.mean())
        if before_Q is None:
            return LateRecall(recall, asked=len(found_Q))
        error = float(np.std(before_Q - found_Q) / np.sqrt(len(found_Q)))
        return LateRecall(recall, float(before_Q.mean()), MARGIN * error, len(found_Q))


def leave(generations: Path, version: int, asked: Sequence[Floats]) -> None:
    """Leave the last queries that a version's generation was asked, instead of those of before. Raises OSError."""
    file, folder = io.BytesIO(), _folder(generations)
    np.savez(file, version=np.int64(version), query=np.stack(asked))
    folder.mkdir(exist_ok=True)
    write_whole(folder / f"{socket.gethostname()}-{os.getpid()}.npz", file.getvalue())


def heard(generations: Path, *, now: float) -> tuple[int, Floats] | None:
    """The version that answered last and what it was asked, [queries, D]; None where nobody asked of late."""
    left = [one for path in sorted(_folder(generations).glob("*.npz")) if (one := _read(path, now)) is not None]
    if not left:
        return None
    _, version, _ = max(left, key=lambda one: one[0])
    # of several workers the same many of each, so that none speaks for all
    of_it = [query_QD for _, told, query_QD in left if told == version]
    share = max(1, MOST // len(of_it))
    return version, np.concatenate([query_QD[-share:] for query_QD in of_it])[:MOST]


def late_of(generations: Path, of: int, vec_ID: Floats, opened: Callable[[Path], Generation]) -> Late | None:
    """The queries of late, put to the generation that was asked them and to the vectors of a version; None where there
    are none that fit, or that generation is gone. A version that is gone back to is compared with nothing: what serves
    is what somebody wants to be rid of."""
    told = heard(generations, now=time.time())
    if told is None or not len(vec_ID) or told[1].shape[1:] != vec_ID.shape[1:]:
        return None
    version, query_QD = told
    try:
        old = opened(folder_of(generations, version))
    except DamagedGeneration:
        return None
    if old.about.dim != vec_ID.shape[1]:
        return None
    compared = old.searcher.graph.nodes and version < of
    before_Q = _wanted(old.searcher, query_QD).found(old.searcher) if compared else None
    return Late(_wanted(Searcher(without_links(vec_ID)), query_QD), before_Q)


def _wanted(oracle: Searcher, query_QD: Floats) -> Canary:
    return Canary(query_QD, np.stack([oracle.exact(query_D, K)[0] for query_D in query_QD]))


def _read(path: Path, now: float) -> tuple[int, int, Floats] | None:
    """When it was left, of which version, and the queries. What is old goes; what can't be read says nothing."""
    with suppress(OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        left_at = path.stat().st_mtime_ns
        if now - left_at / 1e9 > LIFE:
            path.unlink()
            return None
        with np.load(path, allow_pickle=False) as file:
            version, query_QD = int(file["version"]), np.ascontiguousarray(file["query"], np.float32)
        if query_QD.ndim == 2 and len(query_QD) and np.isfinite(query_QD).all():
            return left_at, version, query_QD
    return None


def _folder(generations: Path) -> Path:
    return generations.parent / FOLDER
