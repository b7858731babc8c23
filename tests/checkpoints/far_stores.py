"""Stores at places of every kind, and versions in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fsspec.implementations.memory import MemoryFileSystem

from checkpoints.deltas import changed, delta, opened, write
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore


def forget() -> None:
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def commit(store: VersionStore, number: int | None = None, base: int | None = None) -> Manifest:
    """A version whose table is its number in one row, and older numbers in the others."""
    version = store.reserve() if number is None else number
    table = np.arange(1, 9) * (np.arange(1, 9) <= version)
    part = {"t": table} if base is None else delta(base, changed("t", table, np.array([version - 1]), 8))

    def put(folder: Path) -> None:
        (folder / "learned").mkdir()
        write(folder / "learned" / "t.safetensors", part)
        (folder / "figures.json").write_text(str(version))

    return store.commit(version, put, Manifest(0, base, 0, {0: TrainerPosition(input=version)}, base=base))


def table_of(folders: tuple[Path, ...]) -> list[int]:
    found: list[int] = opened([folder / "learned" / "t.safetensors" for folder in folders])[1]["t"].tolist()
    return found


def chained(store: VersionStore, versions: int) -> None:
    for n in range(1, versions + 1):
        commit(store, base=n - 1 or None)
