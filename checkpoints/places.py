"""Where versions lie: a contract that any store of files can keep, and a folder of this machine.

Names are those of folders: `00000008`, `compacted/00000008`. A place moves files; which of them make a version, and
whether they are what they should be, is for `store.py` to say.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from checkpoints.files import files_in, sync_folder, sync_tree, write_whole
from checkpoints.vouching import unsay

GONE = ".gone-"


class Place(Protocol):
    """Promised: `claim` is won by one of many; `write` leaves the old bytes or the new ones, where the place can do
    that; what `put` and `write` returned from outlives a death of this process; what `drop` has begun is never seen as
    committed. Not promised: that `put` or `drop` is one step. Raises OSError or VersionError where it can't be used."""

    where: str
    """For people."""

    def claim(self, name: str) -> bool:
        """Make this folder; False where it is there."""
        ...

    def names(self, under: str = "") -> list[str]:
        """What lies directly below a folder, by the last part of its name."""
        ...

    def read(self, path: str) -> bytes:
        """A small file. Raises FileNotFoundError."""
        ...

    def write(self, path: str, data: bytes) -> None: ...

    def size(self, name: str) -> int:
        """Bytes below a folder."""
        ...

    def aside(self, name: str) -> Path:
        """An empty folder of this machine, to write into what `put` takes."""
        ...

    def put(self, aside: Path, name: str) -> None:
        """Take over what was written aside; the folder aside is gone then."""
        ...

    def fetch(self, name: str, files: Collection[str]) -> Path:
        """A folder of this machine in which these files lie, as far as they are there."""
        ...

    def again(self, name: str, files: Collection[str]) -> bool:
        """Forget copies that turned out bad, so that `fetch` gets them anew; False where there are no copies."""
        ...

    def drop(self, name: str) -> None:
        """Take a folder away, if it is there: what commits it goes first."""
        ...

    def tidy(self, before: int) -> None:
        """Take away what deaths left aside of numbers below `before`."""
        ...


class DiskPlace:
    """A folder of this machine: synced, renamed, dropped by one rename."""

    def __init__(self, root: Path) -> None:
        self.root, self.where = root, str(root)

    def claim(self, name: str) -> bool:
        folder = self.root / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
        except FileExistsError:
            return False
        return True

    def names(self, under: str = "") -> list[str]:
        folder = self.root / under
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        write_whole(self.root / path, data)

    def size(self, name: str) -> int:
        return sum(path.stat().st_size for path in files_in(self.root / name))

    def aside(self, name: str) -> Path:
        return emptied(self.root / aside_of(name))

    def put(self, aside: Path, name: str) -> None:
        """1. sync; 2. rename each into the folder; 3. sync the names."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        sync_tree(aside)
        for path in sorted(aside.iterdir()):
            path.replace(folder / path.name)
        aside.rmdir()
        sync_folder(folder)
        sync_folder(folder.parent)

    def fetch(self, name: str, files: Collection[str]) -> Path:
        return self.root / name

    def again(self, name: str, files: Collection[str]) -> bool:
        return False

    def drop(self, name: str) -> None:
        """1. out of sight in one step; 2. gone."""
        unsay(self.root / name)
        gone = self.root / f"{GONE}{_flat(name)}"
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(FileNotFoundError):
            (self.root / name).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def tidy(self, before: int) -> None:
        tidy_asides(self.root, before)
        for left in self.root.glob(f"{GONE}*"):
            shutil.rmtree(left, ignore_errors=True)


def aside_of(name: str) -> str:
    """The name of the folder aside in which this process writes.

    >>> aside_of("compacted/00000008").rpartition(".")[0]
    '.00000008.compacted'
    """
    return f".{_flat(name)}.{os.getpid()}"


def emptied(folder: Path) -> Path:
    """The folder, made and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def tidy_asides(root: Path, before: int) -> None:
    """Take away folders aside of numbers below `before`: who wrote there is dead, or too late."""
    for left in root.glob(".[0-9]*.*"):
        number = left.name.strip(".").partition(".")[0]
        if number.isdigit() and int(number) < before:
            shutil.rmtree(left, ignore_errors=True)


def _flat(name: str) -> str:
    kind, _, number = name.rpartition("/")
    return f"{number}.{kind}" if kind else number
