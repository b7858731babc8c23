"""Stores in which some versions stand already, and what must hold of them after a fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from checkpoints.compaction import compact
from checkpoints.deltas import changed, delta, opened, write
from checkpoints.locations import Location, store_at
from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore

At = Callable[[Path], VersionStore]
BEGUN = 3
"""Versions that stand when the faults begin: a full one and deltas on it."""


def commit(store: VersionStore, *, base: int | None) -> int:
    """A version whose table has its number in as many rows as it says."""
    version = store.reserve()
    table = np.where(np.arange(16) < version, np.arange(16), -1)
    part = {"t": table} if base is None else delta(base, changed("t", table, np.arange(base, version), 16))

    def put(folder: Path) -> None:
        (folder / "learned").mkdir()
        write(folder / "learned" / "t.safetensors", part)
        (folder / "told.json").write_text(str(version))

    return store.commit(version, put, Manifest(0, base, 0, {}, base=base)).version


def begun(folder: Path) -> VersionStore:
    store = VersionStore(folder / "versions")
    for n in range(BEGUN):
        commit(store, base=n or None)
    return store


def goes_on(root: Path, at: At = VersionStore) -> None:
    """A life of the store: a delta, the chain made short, the old ones away, another delta, a full one."""
    store = at(root)
    newest = max(m.version for m in store.manifests())
    newest = commit(store, base=newest)
    compact(store, newest)
    for version in sorted((m.version for m in store.manifests() if m.version < newest), reverse=True):
        store.remove(version)
    commit(store, base=newest)
    commit(store, base=None)
    store.sweep(before=newest)


def whole(store: VersionStore, at_least: int = BEGUN) -> list[int]:
    """The versions; each opens, and says what it should."""
    found = [m.version for m in store.manifests()]
    for version in found:
        folders = store.chain(version)
        table = opened([folder / "learned" / "t.safetensors" for folder in folders])[1]["t"]
        np.testing.assert_array_equal(table, np.where(np.arange(16) < version, np.arange(16), -1))
        assert (folders[-1] / "told.json").read_text() == str(version)
    assert max(found) >= at_least
    return found


def copied(store: VersionStore, to: Path, at: At = VersionStore) -> VersionStore:
    return at(Path(shutil.copytree(store.root, to)))


def far(root: Path) -> VersionStore:
    """The same files as a place without renames, read through copies."""
    return store_at(Location(f"local://{root}", str(root.with_name(f"{root.name}-copies"))))
