"""A partition's folds in files: written aside, renamed.

A snapshot's folder holds its head (`part_heads.py`) and the states. Written in small pieces, since encoding holds the
interpreter and requests wait for it. Which snapshot is valid under today's mask is decided by who restores.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from checkpoints.files import sync_folder, sync_tree
from serving.entry_files import read, write
from serving.feedback import Row
from serving.part import Part
from serving.part_heads import HEAD, State, head_of, home_of, snapshots
from serving.profiles import Seen
from streams.events import Item
from streams.examples import Past
from streams.known_users import Standing


def snapshot(part: Part, folder: Path) -> Path:
    """Write a partition's folds below `folder`; the snapshot's own folder.

    1. write every file aside; 2. sync them; 3. rename the folder. A crash before 3 leaves only a folder that nobody
    reads and the next snapshot removes.
    """
    home = home_of(folder, part.next, part.decisions)
    aside = folder / f".{home.name}.{os.getpid()}"
    if any(found == home for found, _ in snapshots(folder)):
        return home
    for stale in folder.glob(".*"):
        shutil.rmtree(stale, ignore_errors=True)
    aside.mkdir(parents=True)
    seen = hashlib.sha256()
    for name, pieces in _states(part):
        write(aside / name, pieces, seen)
    (aside / HEAD).write_bytes(msgspec.json.encode(_head(part, seen.hexdigest())))
    sync_tree(aside)
    shutil.rmtree(home, ignore_errors=True)
    aside.rename(home)
    sync_folder(folder)
    return home


def restore(part: Part, home: Path) -> None:
    """Make an empty `part` what the snapshot holds. Raises ValueError where the files are not what its head says."""
    head = head_of(home)
    seen = hashlib.sha256()
    for user_id, history, at, shown in read(home / "users", tuple[str, list[Past], int | None, dict[str, Seen]], seen):
        part.profiles.take(user_id, history, at, shown)
    for counted in read(home / "popularity", tuple[list[str], int, int, bytes], seen):
        part.popularity.take(*counted)
    part.covisitation.take(dict(read(home / "pairs", tuple[str, dict[str, float]], seen)), head.covisit_origin)
    for item, born in read(home / "items", tuple[Item, int], seen):
        part.catalogue.take(item, born)
    part.remembered.at.update(read(home / "remembered", tuple[bytes, bytes], seen))
    for user_id, told in read(home / "attributes", tuple[str, Standing], seen):
        part.profiles.take_attributes(user_id, told)
    if part.rules.feedback:
        for user_id, row in read(home / "feedback", tuple[str, Row], seen):
            part.feedback.take(user_id, row)
    if part.rules.follow_window:
        for followed in read(home / "following", tuple[list[str], int, bytes], seen):
            part.following.take(*followed)
    if seen.hexdigest() != head.digest:
        raise ValueError(f"{home} holds other bytes ({seen.hexdigest()[:8]}) than its head says ({head.digest[:8]})")
    part.next, part.decisions, part.newest = head.next, head.decisions, head.newest
    part.forgotten, part.cut = dict(head.forgotten), head.cut
    part.passed, part.since = head.passed, head.since


def _head(part: Part, digest: str) -> State:
    return State(
        partition=part.partition,
        next=part.next,
        decisions=part.decisions,
        rules=part.rules.digest(),
        newest=part.newest,
        forgotten=part.forgotten,
        covisit_origin=part.covisitation.origin,
        digest=digest,
        cut=part.cut,
        passed=part.passed,
        since=part.since,
    )


def _states(part: Part) -> Iterator[tuple[str, Iterable[object]]]:
    """Each file and its entries, in the order in which `restore` reads them."""
    yield "users", part.profiles.told()
    yield "popularity", [part.popularity.told()]
    yield "pairs", part.covisitation.told()
    yield "items", part.catalogue.told()
    yield "remembered", part.remembered.at.items()
    yield "attributes", part.profiles.attributes()
    if part.rules.feedback:
        yield "feedback", part.feedback.told()
    if part.rules.follow_window:
        yield "following", [part.following.told()]
