"""Item vectors of one version after the other, served as a server serves them: built, sealed, put in place, mapped.

The builder is the server's own, in this process. It keeps the links of the last generation while the vectors allow it.
Links are built from the first thousand items on (a server scans exactly below 20,000), so that searches go through a
graph nearly from the begin.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.build import Rules, make
from serving.build_job import Job
from serving.generation import Generation
from serving.generation_files import folder_of

Floats = NDArray[np.float32]
VECTORS, VERSION = "vectors.npy", "version.txt"
RULES = Rules(links_from=1_000)


@dataclass(slots=True)
class Vectors:
    """What an index needs of an export."""

    tower_version: int
    item_vectors: Floats

    @property
    def item_ids(self) -> list[str]:
        """Items are their numbers."""
        return [str(number) for number in range(len(self.item_vectors))]


def open_vectors(folder: Path) -> Vectors:
    """The export in a folder."""
    return Vectors(int((folder / VERSION).read_text()), np.load(folder / VECTORS))


class LiveIndex:
    """Generations in a folder; the last one answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: Generation | None = None
        self.generations = self.rebuilt = self.linked = 0
        self.seconds = 0.0
        self.recalls: list[float] = []

    def publish(self, vec_ID: Floats) -> Generation:
        """The next generation, open and checked; the one before it is removed."""
        start = time.perf_counter()
        version, old = self.generations + 1, self._last
        export, aside = self._folder / "export", self._folder / "aside"
        export.mkdir(exist_ok=True)
        np.save(export / VECTORS, vec_ID)
        (export / VERSION).write_text(str(version))
        previous = None if old is None else str(old.folder)
        built = make(
            Job(version, str(export), str(aside), parent=version - 1 or None, previous=previous),
            open_export=open_vectors,
            rules=RULES,
        )
        shutil.rmtree(export)  # the generation has it under a name of its own
        place = folder_of(self._folder, version)
        aside.rename(place)
        self._last = Generation.open(place)
        if old is not None:
            shutil.rmtree(old.folder)
        self.generations = version
        self.rebuilt += built.linked and not built.reused
        self.linked += built.linked
        self.recalls.append(built.recall)
        self.seconds += time.perf_counter() - start
        return self._last
