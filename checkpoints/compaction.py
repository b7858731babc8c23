"""A chain of deltas as one whole version, made beside it: in a process of its own, at low priority.

The committed version stays as it is. What is made says the same, file by file: arrays put together, documents copied.
Which version is due is decided elsewhere (`chain_plan.py`); this is the only file of compaction that needs numpy.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from checkpoints.chains import MANIFEST
from checkpoints.deltas import BASE, opened, read, write
from checkpoints.files import files_in
from checkpoints.journal import tidied
from checkpoints.locations import Location, store_at
from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from streams.errors import HeadraceError

ARRAYS = ".safetensors"
NICE = 10
PR_SET_PDEATHSIG = 1


def compact(store: VersionStore, version: int) -> Manifest:
    """Keep a version once more, whole; what is said of it. 1. its chain is opened, digests checked; 2. the whole files
    are written aside; 3. moved and committed (`VersionStore.compact`). Raises VersionError."""
    folders = store.chain(version)
    return store.compact(version, lambda aside: together(folders, aside))


def together(folders: Sequence[Path], into: Path) -> None:
    """The files of the last folder of a chain, whole."""
    last = folders[-1]
    for path in files_in(last):
        name = path.relative_to(last)
        if name == Path(MANIFEST):
            continue
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ARRAYS and BASE in read(path)[1]:
            metadata, arrays = opened([folder / name for folder in folders])
            write(target, tidied(arrays), metadata)
        else:
            shutil.copyfile(path, target)


def main(words: Sequence[str] | None = None) -> int:
    """`python -m checkpoints.compaction LOCATION VERSION`; what went wrong stands on stderr, with status 1."""
    parser = argparse.ArgumentParser(prog="checkpoints.compaction", description=__doc__)
    parser.add_argument("location", help="where the versions lie, as JSON")
    parser.add_argument("version", type=int)
    parser.add_argument("--parent", type=int, default=0, help="the process to die with")
    told = parser.parse_args(words)
    if told.parent:
        _die_with(told.parent)
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    try:
        compact(store_at(msgspec.json.decode(told.location, type=Location)), told.version)
    except (HeadraceError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before it could be asked for word of its death
        raise SystemExit(f"the parent, process {parent}, is gone; nothing to compact for")


if __name__ == "__main__":
    raise SystemExit(main())
