"""A version's serving export in its plainest form, for whoever only needs items, vectors and stamps.

A score is the inner product of the asker's vector and the item's; an asker's vector is that of the last item in a
history, so that every answer can be read off the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog

Floats = NDArray[np.float32]


@dataclass
class PlainScorer:
    version: int
    ranker_version: int
    tower_version: int
    item_ids: list[str]
    item_vectors: Floats

    @classmethod
    def open(cls, folder: Path) -> PlainScorer:
        with np.load(folder / "items.npz", allow_pickle=False) as file:
            version, ids, vectors = int(file["version"]), file["ids"].tolist(), file["vectors"]
        return cls(version, int((folder / "ranker.txt").read_text()), version, ids, vectors)


def write_export(folder: Path, version: int, ids: list[str], vec_ID: Floats, *, ranker: int | None = None) -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "items.npz", version=version, ids=np.array(ids, dtype=np.str_), vectors=vec_ID)
    (folder / "ranker.txt").write_text(str(version if ranker is None else ranker))


def commit(store: VersionStore, ids: list[str], vec_ID: Floats, parent: int | None = None) -> int:
    """A version of these items in a store."""
    version = store.reserve()
    draft = Manifest(version=version, parent=parent, decisions=0, positions={0: TrainerPosition()})
    store.commit(version, lambda folder: write_export(folder / "serving", version, ids, vec_ID), draft)
    return version


def say(decisions: DecisionLog, kind: str, version: int | None = None) -> None:
    """One decision line."""
    line = Decision(kind, at=1, who="test", why="a test says so", seen=decisions.fold.position, version=version)  # type: ignore[arg-type]
    decisions.decide(line)


def crowd(items: int, dim: int = 16, seed: int = 3) -> Floats:
    """Unit vectors in a few dozen clusters of decaying spread."""
    random = np.random.default_rng(seed)
    middle = random.normal(size=(max(items // 100, 4), dim))
    vec = middle[random.integers(0, len(middle), items)] + random.normal(size=(items, dim)) * np.linspace(1.2, 0.4, dim)
    return unit(vec)


def unit(vec: NDArray[np.floating]) -> Floats:
    return (vec / np.linalg.norm(vec, axis=-1, keepdims=True)).astype(np.float32)


def drifted(vec: Floats, step: float, seed: int = 5) -> Floats:
    """Every vector moved by a random step of this length."""
    random = np.random.default_rng(seed)
    return unit(vec + step * unit(random.normal(size=vec.shape)))


def names(count: int) -> list[str]:
    return [f"i{row}" for row in range(count)]
