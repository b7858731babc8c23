"""The newest vectors of a deployment, brought to one version after the other: only what moved is written.

What stands in the store is remembered, so that it is read back once in a life. For one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from checkpoints.vectors import Held, Vectors, changes
from serving.build_job import Export


class NewestVectors:
    """`vectors`, and how the serving files of a version are opened."""

    def __init__(self, vectors: Vectors, open_export: Callable[[Path], Export]) -> None:
        self._vectors = vectors
        self._open_export = open_export
        self._held: Held | None = None

    def write(self, version: int, export: Path) -> int:
        """Lay the version's items over what is there; how many moved or left. ValueError where the files are of
        another version."""
        opened = self._open_export(export)
        if opened.tower_version != version:
            raise ValueError(f"the vectors of version {version} say they are of {opened.tower_version}; commit it anew")
        if self._vectors.version == version and self._held is None:
            return 0
        held, self._held = self._held or Held.of(self._vectors), None
        found = changes(held, opened.item_ids, opened.item_vectors)
        changed = [opened.item_ids[row] for row in found.row_C]
        self._vectors.write(version, changed, np.asarray(opened.item_vectors[found.row_C]), found.gone)
        self._held = Held(opened.item_ids, opened.item_vectors)
        return len(changed) + len(found.gone)
