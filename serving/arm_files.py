"""Snapshots of what is read of one experiment, a partition each: written aside, renamed, kept down to the floor.

`{folder}/p{n}/{next:016d}-{decisions:08d}/` is one, as of the other folds of a server (`part_heads.py`), whose rules of
what may go hold here too. Which of them is valid under today's mask is decided here, when one is looked for.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from checkpoints.files import sync_folder, sync_tree
from serving.arm_fold import ArmFold, Page, Person
from serving.entry_files import read, write
from serving.part_heads import HEAD, State, home_of, prune, snapshots
from streams.decisions import Decisions
from streams.experiments import Experiment

KEPT = 4
"""The newest snapshots of a partition; older ones are thinned down to the floor of the decisions."""
FORMAT = 1
KINDS: dict[str, Any] = {
    "sums": tuple[bytes, bytes, tuple[int, int], tuple[int, int, int], list[tuple[int, int]]],
    "pages": tuple[str, Page],
    "watched": tuple[str, Page],
    "people": tuple[str, Person],
    "gone": tuple[str, int],
    "visits": tuple[int, int, int, int],
    "returns": tuple[int, int, int, int],
}


def folder_of(arms: Path, one: Experiment) -> Path:
    """Where the snapshots of an experiment lie: by the line that began it, since names are no names of folders."""
    return arms / f"{one.lines[0] if one.lines else 0:08d}"


def terms_of(one: Experiment, *, served: bool) -> str:
    """What a fold depends on besides the log; a snapshot of other terms is none."""
    told = (FORMAT, one.name, sorted(one.begin.items()), served)
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def save(fold: ArmFold, folder: Path, head: State, *, anew: bool = False) -> Path:
    """Write a partition's fold below `folder`; the snapshot's own folder. `head` gets its digest here. One of the same
    position stands, unless `anew`.

    1. write every file aside; 2. sync them; 3. rename the folder. A crash before 3 leaves only a folder that nobody
    reads and the next snapshot removes.
    """
    home = home_of(folder, head.next, head.decisions)
    if not anew and any(found == home for found, _ in snapshots(folder)):
        return home
    for stale in folder.glob(".*"):
        shutil.rmtree(stale, ignore_errors=True)
    aside = folder / f".{home.name}.{os.getpid()}"
    aside.mkdir(parents=True)
    seen = hashlib.sha256()
    for name, entries in fold.told():
        write(aside / name, entries, seen)
    (aside / HEAD).write_bytes(msgspec.json.encode(msgspec.structs.replace(head, digest=seen.hexdigest())))
    sync_tree(aside)
    shutil.rmtree(home, ignore_errors=True)
    aside.rename(home)
    sync_folder(folder)
    return home


def newest(fold: ArmFold, folder: Path, terms: str, decisions: Decisions) -> tuple[ArmFold, State] | None:
    """A fold like this new one, as of the newest snapshot that is what today's mask gives; None where there is none."""
    for home, head in snapshots(folder):
        if head.rules != terms or not decisions.valid(head.decisions, head.positions):
            continue
        found = fold.like()
        try:
            _restore(found, home, head)
        except (OSError, ValueError):
            continue  # torn, or thinned by the server while we look: an older one will do
        return found, head
    return None


def thin(folder: Path, decisions: Decisions, next: int) -> None:
    """Remove what may go, up to position `next` and beyond."""
    prune(folder, decisions, keep=KEPT, newest=next)


def tidy(folder: Path, decisions: Decisions) -> None:
    """The same in every partition of an experiment that nobody reads any more."""
    for home in folder.glob("p*"):
        head = next((head for _, head in snapshots(home)), None)
        if head is not None:
            thin(home, decisions, head.next)


def _restore(fold: ArmFold, home: Path, head: State) -> None:
    seen = hashlib.sha256()
    for name, kind in KINDS.items():
        fold.take(name, read(home / name, kind, seen))
    if seen.hexdigest() != head.digest:
        raise ValueError(f"{home} holds other bytes ({seen.hexdigest()[:8]}) than its head says ({head.digest[:8]})")
    fold.now = head.newest
