"""The folders of generations as their one owner handles them: put in place and taken away in one step, looked at once.

What a version needs, and which may go, is decided elsewhere; servers only read.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from checkpoints.files import sync_folder
from checkpoints.store import VersionStore
from serving.generation import Generation
from serving.generation_files import DamagedGeneration, folder_of, versions_in
from serving.held_back import items_beside
from serving.version_export import is_of_version


@dataclass(slots=True)
class GenerationFolders:
    """Those under `root`, of versions in `store`."""

    root: Path
    store: VersionStore
    _checked: set[int] = field(default_factory=set)

    def begin(self) -> None:
        """Take away what a death left half done."""
        self.root.mkdir(parents=True, exist_ok=True)
        for left in self.root.glob(".*"):
            shutil.rmtree(left, ignore_errors=True)

    def have(self) -> set[int]:
        """The versions that have one in place."""
        return set(versions_in(self.root))

    def items_beside(self, version: int) -> int | None:
        """How many items the newest one of another version holds."""
        return items_beside(self.root, version)

    def place(self, aside: Path, version: int) -> None:
        """Let servers see a whole folder."""
        aside.rename(folder_of(self.root, version))
        sync_folder(self.root)
        self._checked.add(version)

    def trouble(self, version: int) -> str:
        """Why one of an earlier life can't be relied on, and is gone now; "" where it can. It is opened once."""
        if version in self._checked:
            return ""
        self._checked.add(version)
        folder = folder_of(self.root, version)
        try:
            if is_of_version(self.store, Generation.open(folder)):
                return ""
            cause = f"generation {folder} holds other files than version {version}: the versions were made anew"
        except DamagedGeneration as error:
            cause = str(error)
        self.remove(version)
        return cause

    def remove(self, version: int) -> None:
        """Out of sight in one step, then gone: no server finds half a folder."""
        gone = self.root / f".gone-{version:08d}"
        shutil.rmtree(gone, ignore_errors=True)
        folder_of(self.root, version).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        self._checked.discard(version)
